import { stringify } from 'csv-stringify/sync';
import type { CustomerPayment } from './payments-of.ts';

/** The file of a sub-batch as an institution loads it into its own system (PAY-6.16.1-b). */
export const customerCsv = (code: string, rows: readonly CustomerPayment[]): string =>
  stringify(
    rows.map((row) => [
      row.instructionId,
      row.account,
      code,
      row.amount,
      row.currency,
      row.narration ?? '',
      row.state,
    ]),
    {
      header: true,
      columns: ['reference', 'account', 'institution', 'amount', 'currency', 'narration', 'state'],
      // A field that a spreadsheet would take for a formula is text.
      escape_formulas: true,
    },
  );

/** The same with the elements of a customer credit transfer initiation (ISO 20022 pain.001). */
export const customerInitiation = (
  code: string,
  subBatchId: string,
  rows: readonly CustomerPayment[],
  at: Date,
) => ({
  CstmrCdtTrfInitn: {
    GrpHdr: { MsgId: subBatchId, CreDtTm: at.toISOString(), NbOfTxs: String(rows.length) },
    PmtInf: [
      {
        PmtInfId: subBatchId,
        PmtMtd: 'TRF' as const,
        CdtTrfTxInf: rows.map((row) => ({
          PmtId: { EndToEndId: row.instructionId },
          Amt: { InstdAmt: { Ccy: row.currency, value: row.amount } },
          CdtrAgt: { FinInstnId: { ClrSysMmbId: { MmbId: code } } },
          CdtrAcct: { Id: { Othr: { Id: row.account } } },
          ...(row.narration === undefined ? {} : { RmtInf: { Ustrd: [row.narration] } }),
        })),
      },
    ],
  },
});

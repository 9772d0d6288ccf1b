import { shortUuid } from '../../uuid.ts';
import type { RailTransfer } from '../port.ts';
import { type FileRailSettings, isBic } from './settings.ts';
import { toXml, type Xml } from './xml-writer.ts';

export interface PaymentOrder {
  /** MsgId, at most 35 characters, unique for ever. */
  readonly messageId: string;
  /** PmtInfId, at most 35 characters. */
  readonly paymentInformationId: string;
  readonly createdAt: Date;
  /** ISO date on which it is to be carried out. */
  readonly executionDate: string;
  readonly settings: FileRailSettings;
  readonly debtorAccount: string;
  readonly currency: string;
  /** Decimal text of the sum. */
  readonly controlSum: string;
  readonly transfers: readonly RailTransfer[];
}

const account = (number: string): Xml => [
  'Id',
  [
    /^[A-Z]{2}[0-9]{2}[A-Z0-9]{4,30}$/.test(number)
      ? ['IBAN', number]
      : ['Othr', [['Id', number.slice(0, 34)]]],
  ],
];

const agent = (code: string): Xml => [
  'FinInstnId',
  [isBic(code) ? ['BICFI', code] : ['Othr', [['Id', code]]]],
];

const credit = (transfer: RailTransfer, currency: string): Xml => [
  'CdtTrfTxInf',
  [
    [
      'PmtId',
      [
        ['InstrId', shortUuid(transfer.reference)],
        ['EndToEndId', shortUuid(transfer.reference)],
      ],
    ],
    ['Amt', [['InstdAmt', transfer.amount, { Ccy: currency }]]],
    transfer.institution === undefined ? undefined : ['CdtrAgt', [agent(transfer.institution)]],
    ['CdtrAcct', [account(transfer.address)]],
    transfer.narration === undefined || transfer.narration.trim() === ''
      ? undefined
      : ['RmtInf', [['Ustrd', transfer.narration]]],
  ],
];

/**
 * A customer credit transfer initiation (ISO 20022 pain.001.001.09) with one payment information block, for the
 * transfers of one sub-batch (PAY-5.4-a). Payees' names are not kept here and do not stand in it.
 */
export const pain001 = (order: PaymentOrder): string =>
  toXml([
    'Document',
    [
      [
        'CstmrCdtTrfInitn',
        [
          [
            'GrpHdr',
            [
              ['MsgId', order.messageId],
              ['CreDtTm', order.createdAt.toISOString()],
              ['NbOfTxs', String(order.transfers.length)],
              ['CtrlSum', order.controlSum],
              ['InitgPty', [['Nm', order.settings.initiatingParty]]],
            ],
          ],
          [
            'PmtInf',
            [
              ['PmtInfId', order.paymentInformationId],
              ['PmtMtd', 'TRF'],
              ['NbOfTxs', String(order.transfers.length)],
              ['CtrlSum', order.controlSum],
              ['ReqdExctnDt', [['Dt', order.executionDate]]],
              ['Dbtr', [['Nm', order.settings.initiatingParty]]],
              ['DbtrAcct', [account(order.debtorAccount), ['Ccy', order.currency]]],
              ['DbtrAgt', [agent(order.settings.debtorAgent)]],
              ['ChrgBr', 'SLEV'],
              ...order.transfers.map((transfer) => credit(transfer, order.currency)),
            ],
          ],
        ],
      ],
    ],
    { xmlns: 'urn:iso:std:iso:20022:tech:xsd:pain.001.001.09' },
  ]);

import { transaction } from '@govstack/platform';
import { processMapperRequest } from '../../mapper/request.ts';
import type { Payments } from '../../payments-context.ts';
import { releaseBudget } from '../../sources/budget.ts';
import { putProgramme } from '../../sources/programme.ts';
import { putSource, readSource } from '../../sources/source.ts';

/** The suite's source systems, each with a payee of its own where the suite takes one for known. */
const sources: readonly { readonly id: string; readonly payee?: string; readonly account?: string }[] = [
  { id: 'SourceBBID11', payee: 'PayeeFunctionalID111', account: 'NL87ABNA4193835510' },
  { id: 'SourceBBID22', payee: 'PayeeFunctionalID222', account: 'NL64ABNA6201350640' },
  { id: 'sourceBBID12' },
  { id: 'e680db9f-223', payee: 'a98bc16e-f724-410e-b', account: 'LI8508800573553116542' },
  { id: '9d9b39d4-9a0' },
  { id: '11668d2a-a8f' },
  { id: '049d8b3b-146', payee: '1d591f0d-eff5-424d-b', account: 'CZ6550516515642174132154' },
  { id: 'd459eaab-ae1', payee: '66d2b90f-b230-4882-a', account: 'CZ4150515873793513322865' },
  { id: '54876c5b-284' },
];
const currency = 'USD';
const limit = '100000';
const budget = 10_000_000n;

/**
 * What the suite expects to find: its source systems, with a budget each and a limit up to which their runs need no
 * person, because the suite knows no approval. Seeding again changes nothing.
 */
export async function seedG2pSuite(payments: Payments): Promise<void> {
  const actor = 'compliance-seed';
  for (const { id, payee, account } of sources) {
    const application = `SUITE/GOV/SOURCES/${id}`;
    const source = await transaction(payments.db, async (trx) => {
      await putSource(
        trx,
        {
          id,
          application,
          name: `Source ${id} of the compliance suite`,
          institutionId: id,
          callbackService: undefined,
          callbackPath: undefined,
          callbackUrls: [],
          active: true,
        },
        actor,
      );
      await trx
        .updateTable('source_system')
        .set({ auto_approve_limit: limit, auto_approve_currency: currency })
        .where('id', '=', id)
        .execute();
      const programme = await putProgramme(
        payments,
        trx,
        {
          sourceId: id,
          id: 'suite',
          name: 'Compliance suite',
          agency: payments.treasury,
          currency,
          fundingAccount: `SUITE-${id}`,
          payerRail: undefined,
          maximumInstructionAmount: undefined,
          maximumRunAmount: undefined,
        },
        actor,
      );
      await releaseBudget(trx, programme, { reference: 'suite', amount: budget, actor });
      return readSource(trx, id);
    });
    if (payee !== undefined)
      await processMapperRequest(payments, {
        source,
        operation: 'register',
        requestId: 'seed',
        records: [
          {
            payeeIdentity: payee,
            modality: '00',
            institutionCode: undefined,
            financialAddress: account,
            active: undefined,
          },
        ],
        caller: application,
        callback: undefined,
      });
  }
}

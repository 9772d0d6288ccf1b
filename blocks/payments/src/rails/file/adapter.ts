import { createHash } from 'node:crypto';
import { newId, transaction } from '@govstack/platform';
import { sql } from 'kysely';
import { formatAmount, parseAmount } from '../../money/amount.ts';
import { shortUuid } from '../../uuid.ts';
import type { RailAdapter, RailContext, RailResult, RailSubmission } from '../port.ts';
import { pain001 } from './pain-001.ts';
import { FileRailSettings } from './settings.ts';

const settingsOf = ({ rail }: RailContext): FileRailSettings => rail.settings as FileRailSettings;

/** The date at the rail. */
const dateAt = (at: Date, timeZone: string): string =>
  new Intl.DateTimeFormat('en-CA', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  }).format(at);

/** Writes the transfers that no file has yet into a new one. The references are taken first: each stands in one file. */
async function writeFile(context: RailContext, submission: RailSubmission): Promise<void> {
  const { rail, vault } = context;
  const id = newId();
  await transaction(context.db, async (trx) => {
    const { rows } = await sql<{ reference: string }>`
      insert into rail_file_entry (rail_id, reference, file_id)
      select ${rail.id}, r.reference, ${id}
      from unnest(${submission.transfers.map((one) => one.reference)}::uuid[]) as r (reference)
      order by r.reference
      on conflict on constraint rail_file_entry_pkey do nothing
      returning reference`.execute(trx);
    if (rows.length === 0) return;
    const fresh = new Set(rows.map((row) => row.reference));
    const transfers = submission.transfers.filter((one) => fresh.has(one.reference));
    const { rows: earlier } = await sql<{ count: number }>`
      select count(*)::integer as count
      from rail_file
      where sub_batch_id = ${submission.subBatchId}`.execute(trx);
    const number = (earlier[0]?.count ?? 0) + 1;
    const exponent = context.currencies(submission.currency) ?? 2;
    const sum = transfers.reduce((total, one) => total + parseAmount(one.amount, exponent), 0n);
    const content = pain001({
      messageId: shortUuid(id),
      paymentInformationId:
        number === 1 ? shortUuid(submission.subBatchId) : `${shortUuid(submission.subBatchId)}-${number}`,
      createdAt: context.now(),
      executionDate: dateAt(context.now(), rail.calendar?.timeZone ?? 'UTC'),
      settings: settingsOf(context),
      debtorAccount: submission.debtorAccount,
      currency: submission.currency,
      controlSum: formatAmount(sum, exponent),
      transfers,
    });
    await trx
      .insertInto('rail_file')
      .values({
        id,
        rail_id: rail.id,
        direction: 'out',
        message_id: shortUuid(id),
        sub_batch_id: submission.subBatchId,
        number,
        transfer_count: transfers.length,
        currency: submission.currency,
        control_sum: sum.toString(),
        content_cipher: vault.seal(content, `rail-file/${id}`),
        content_hash: createHash('sha256').update(content).digest('hex'),
      })
      .execute();
  });
}

/**
 * An institution that is reached by files (PAY-6.16.1-b): payment orders as pain.001, which it fetches or finds in a
 * folder, and status reports as pain.002. As long as no report says otherwise a transfer is on its way.
 */
export const file: RailAdapter = {
  largestBatch: 1000,
  settings: FileRailSettings,
  answerWithinSeconds: 3 * 86_400,
  signedNotices: false,
  async submit(context, submission) {
    await writeFile(context, submission);
    return submission.transfers.map(({ reference }): RailResult => ({ reference, outcome: 'pending' }));
  },
  async status({ db, rail }, references) {
    const { rows } = await sql<{ reference: string }>`
      select reference
      from rail_file_entry
      where rail_id = ${rail.id} and reference = any (${references}::uuid[])`.execute(db);
    const written = new Set(rows.map((row) => row.reference));
    return references.map((reference) => ({
      reference,
      outcome: written.has(reference) ? 'pending' : 'not-received',
    }));
  },
  /** The institution cannot be asked: what can be seen from outside is whether a file could carry the account. */
  async validate(context, { accounts }) {
    const { creditorAgentRequired = false } = settingsOf(context);
    return new Map(
      accounts.flatMap(({ reference, address, institution }): [string, string][] => {
        if (!/^[\x21-\x7e]{1,34}$/.test(address)) return [[reference, 'AC01']];
        if (creditorAgentRequired && institution === undefined) return [[reference, 'RC01']];
        return [];
      }),
    );
  },
};

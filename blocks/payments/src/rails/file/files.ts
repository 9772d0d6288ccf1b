import { createHash } from 'node:crypto';
import { badRequest, conflict, newId, notFound, transaction } from '@govstack/platform';
import { type Selectable, sql } from 'kysely';
import { audit } from '../../audit/audit.ts';
import { applyResults } from '../../dispatch/apply-results.ts';
import type { Payments } from '../../payments-context.ts';
import type { Db, PaymentsTables, Trx } from '../../tables.ts';
import type { Rail, RailResult } from '../port.ts';
import { readStatusReport } from './pain-002.ts';

export type RailFile = Omit<Selectable<PaymentsTables['rail_file']>, 'content_cipher'>;

const columns = [
  'id',
  'rail_id',
  'direction',
  'message_id',
  'sub_batch_id',
  'number',
  'transfer_count',
  'currency',
  'control_sum',
  'content_hash',
  'created_at',
  'fetched_at',
  'fetched_by',
] as const;

/** Files of a rail, newest first, a page before a file id. */
export const listFiles = (
  db: Db,
  filter: {
    readonly railId: string;
    readonly direction?: 'out' | 'in';
    readonly waiting?: boolean;
    readonly before?: string;
    readonly limit: number;
  },
): Promise<RailFile[]> =>
  db
    .selectFrom('rail_file')
    .select(columns)
    .where('rail_id', '=', filter.railId)
    .$if(filter.direction !== undefined, (query) => query.where('direction', '=', filter.direction as 'out'))
    .$if(filter.waiting === true, (query) =>
      query.where('direction', '=', 'out').where('fetched_at', 'is', null),
    )
    .$if(filter.before !== undefined, (query) => query.where('id', '<', filter.before as string))
    .orderBy('id', 'desc')
    .limit(filter.limit)
    .execute();

/** The content of a file, which is the same for ever; the first time it is written down who has it. */
export async function fetchFile(
  payments: Payments,
  trx: Trx,
  railId: string,
  fileId: string,
  actor: string,
): Promise<{ readonly name: string; readonly content: string }> {
  const found = await trx
    .selectFrom('rail_file')
    .select([...columns, 'content_cipher'])
    .where('rail_id', '=', railId)
    .where('id', '=', fileId)
    .forUpdate()
    .executeTakeFirst();
  if (!found) throw notFound('File');
  if (found.direction === 'out' && found.fetched_at === null) {
    await trx
      .updateTable('rail_file')
      .set({ fetched_at: payments.ctx.now(), fetched_by: actor })
      .where('id', '=', fileId)
      .execute();
    await audit(trx, { component: 'rails', action: 'fetch-file', subject: `rail-file/${fileId}`, actor });
  }
  return {
    name: `${found.message_id}.xml`,
    content: payments.vault.open(found.content_cipher, `rail-file/${found.id}`),
  };
}

export interface Loaded {
  readonly fileId: string;
  readonly repeated: boolean;
  readonly completed: number;
  readonly failed: number;
  readonly pending: number;
}

const countOf = (results: readonly RailResult[], outcome: RailResult['outcome']): number =>
  new Set(results.filter((result) => result.outcome === outcome).map((result) => result.reference)).size;

/**
 * Takes over a status report (pain.002) of a rail. The same file again changes nothing; a report about a message that
 * this rail was never given, or one with the MsgId of another report, is refused as a whole.
 */
export async function loadStatusReport(
  payments: Payments,
  rail: Rail,
  bytes: Uint8Array,
  actor: string,
): Promise<Loaded> {
  const report = readStatusReport(bytes);
  const hash = createHash('sha256').update(bytes).digest('hex');
  const loaded = await transaction(payments.db, async (trx): Promise<Loaded> => {
    const id = newId();
    const original = await trx
      .selectFrom('rail_file')
      .select('id')
      .where('rail_id', '=', rail.id)
      .where('direction', '=', 'out')
      .where('message_id', '=', report.originalMessageId)
      .executeTakeFirst();
    if (!original) throw badRequest('OrgnlMsgId is not the id of a file that this rail was given');
    const { rows: entries } = await sql<{ reference: string }>`
      select reference from rail_file_entry where file_id = ${original.id} order by reference`.execute(trx);
    const results = report.resultsFor(entries.map((entry) => entry.reference));
    const counts = {
      completed: countOf(results, 'succeeded'),
      failed: countOf(results, 'failed'),
      pending: countOf(results, 'pending'),
    };
    const inserted = await trx
      .insertInto('rail_file')
      .values({
        id,
        rail_id: rail.id,
        direction: 'in',
        message_id: report.messageId,
        sub_batch_id: null,
        number: null,
        transfer_count: report.transactionCount,
        currency: null,
        control_sum: null,
        content_cipher: payments.vault.seal(Buffer.from(bytes).toString('utf8'), `rail-file/${id}`),
        content_hash: hash,
      })
      .onConflict((clash) => clash.doNothing())
      .returning('id')
      .executeTakeFirst();
    if (!inserted) {
      const known = await trx
        .selectFrom('rail_file')
        .select('id')
        .where('rail_id', '=', rail.id)
        .where('direction', '=', 'in')
        .where('content_hash', '=', hash)
        .executeTakeFirst();
      if (!known) throw conflict('Another report with this MsgId was loaded before');
      return { fileId: known.id, repeated: true, ...counts };
    }
    await audit(trx, {
      component: 'rails',
      action: 'load-file',
      subject: `rail-file/${id}`,
      actor,
      detail: { hash, ...counts },
    });
    await applyResults(payments, rail.id, results, 'file', trx);
    return { fileId: id, repeated: false, ...counts };
  });
  payments.wake();
  return loaded;
}

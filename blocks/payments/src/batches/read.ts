import { notFound } from '@govstack/platform';
import { type Selectable, sql } from 'kysely';
import type { Db, PaymentsTables, Trx } from '../tables.ts';
import type { BatchState, InstructionState } from './states.ts';

export type Batch = Selectable<PaymentsTables['batch']>;
export type Instruction = Selectable<PaymentsTables['instruction']>;

export async function readBatch(db: Db | Trx, id: string): Promise<Batch> {
  const row = await db.selectFrom('batch').selectAll().where('id', '=', id).executeTakeFirst();
  if (!row) throw notFound('Batch');
  return row;
}

/** A batch as it stands when nobody else can move it any more, until the end of the transaction. */
export async function lockBatch(trx: Trx, id: string): Promise<Batch> {
  await trx.selectFrom('batch').select('id').where('id', '=', id).forUpdate().execute();
  return readBatch(trx, id);
}

export async function batchByClientId(
  db: Db,
  sourceId: string,
  purpose: Batch['purpose'],
  clientBatchId: string,
): Promise<Batch> {
  const row = await db
    .selectFrom('batch')
    .selectAll()
    .where('source_id', '=', sourceId)
    .where('purpose', '=', purpose)
    .where('client_batch_id', '=', clientBatchId)
    .executeTakeFirst();
  if (!row) throw notFound('Batch');
  return row;
}

export interface StateTotal {
  readonly state: InstructionState;
  readonly count: number;
  readonly amount: bigint;
}

/** How many instructions of a batch are in each state, and their sum: always counted from the rows. */
export async function stateTotals(db: Db | Trx, batchId: string): Promise<StateTotal[]> {
  const { rows } = await sql<{ state: InstructionState; count: string; amount: string }>`
    select state, count(*) as count, sum(amount) as amount
    from instruction
    where batch_id = ${batchId}
    group by state
    order by state`.execute(db);
  return rows.map((row) => ({ state: row.state, count: Number(row.count), amount: BigInt(row.amount) }));
}

/** Sums state totals over groups of states. */
export function sumOf(
  totals: readonly StateTotal[],
  states: readonly InstructionState[],
): { count: number; amount: bigint } {
  return totals
    .filter((total) => states.includes(total.state))
    .reduce((sum, total) => ({ count: sum.count + total.count, amount: sum.amount + total.amount }), {
      count: 0,
      amount: 0n,
    });
}

export const failedStates: readonly InstructionState[] = ['rejected', 'failed', 'returned', 'cancelled'];
export const openStates: readonly InstructionState[] = [
  'received',
  'validated',
  'queued',
  'submitted',
  'unknown',
];

/** Batches, newest first, a page after `before` (a batch id). */
export function listBatches(
  db: Db,
  filter: {
    readonly sourceId?: string;
    readonly programmeId?: string;
    readonly agency?: string;
    readonly state?: BatchState;
    readonly before?: string;
    readonly limit: number;
  },
): Promise<Batch[]> {
  return db
    .selectFrom('batch')
    .selectAll('batch')
    .where('batch.purpose', '=', 'payment')
    .$if(filter.sourceId !== undefined, (query) =>
      query.where('batch.source_id', '=', filter.sourceId as string),
    )
    .$if(filter.programmeId !== undefined, (query) =>
      query.where('batch.programme_id', '=', filter.programmeId as string),
    )
    .$if(filter.agency !== undefined, (query) =>
      query.where(
        sql<boolean>`exists (
          select from programme p
          where p.source_id = batch.source_id and p.id = batch.programme_id and p.agency = ${filter.agency as string}
        )`,
      ),
    )
    .$if(filter.state !== undefined, (query) => query.where('batch.state', '=', filter.state as BatchState))
    .$if(filter.before !== undefined, (query) => query.where('batch.id', '<', filter.before as string))
    .orderBy('batch.id', 'desc')
    .limit(filter.limit)
    .execute();
}

/** Instructions of a batch in their order, a page after position `after`. */
export function listInstructions(
  db: Db,
  batchId: string,
  page: {
    readonly state?: InstructionState;
    readonly after?: number;
    readonly offset?: number;
    readonly limit: number;
  },
): Promise<Instruction[]> {
  return db
    .selectFrom('instruction')
    .selectAll()
    .where('batch_id', '=', batchId)
    .$if(page.state !== undefined, (query) => query.where('state', '=', page.state as InstructionState))
    .$if(page.after !== undefined, (query) => query.where('position', '>', page.after as number))
    .orderBy('position')
    .offset(page.offset ?? 0)
    .limit(page.limit)
    .execute();
}

/** The only payment of a batch, with the state of the batch. */
export async function instructionOf(
  db: Db,
  batchId: string,
): Promise<{ readonly instruction: Instruction; readonly batchState: BatchState }> {
  const row = await db
    .selectFrom('instruction')
    .innerJoin('batch', 'batch.id', 'instruction.batch_id')
    .selectAll('instruction')
    .select('batch.state as batchState')
    .where('instruction.batch_id', '=', batchId)
    .orderBy('instruction.position')
    .limit(1)
    .executeTakeFirstOrThrow();
  const { batchState, ...instruction } = row;
  return { instruction, batchState };
}

/** A payment of a source by the source's own id of it. */
export async function instructionByClientId(
  db: Db,
  sourceId: string,
  clientId: string,
): Promise<Instruction> {
  const row = await db
    .selectFrom('instruction')
    .selectAll()
    .where('source_id', '=', sourceId)
    .where('purpose', '=', 'payment')
    .where('client_id', '=', clientId)
    .executeTakeFirst();
  if (!row) throw notFound('Transaction');
  return row;
}

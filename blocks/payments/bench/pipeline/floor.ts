import { newId, transaction } from '@govstack/platform';
import { sql } from 'kysely';
import { openAccounts } from '../../src/ledger/accounts.ts';
import { derivedId } from '../../src/ledger/derived-id.ts';
import { createTransfers } from '../../src/ledger/transfers.ts';
import { inParallel } from '../../src/rails/in-parallel.ts';
import type { Db } from '../../src/tables.ts';

/**
 * The same instruction, attempt and transfer rows once more, into tables with a key and nothing else: two durable
 * transactions a sub-batch, made by the database itself. Answers payees a second.
 */
export async function postBarely(db: Db, submissionId: string, lanes: number): Promise<number> {
  const keys = { instruction: 'id', attempt: 'instruction_id, number', ledger_transfer: 'id' };
  for (const [table, key] of Object.entries(keys)) {
    await sql.raw(`drop table if exists floor_${table}`).execute(db);
    await sql
      .raw(`create table floor_${table} (like ${table} including defaults, primary key (${key}))`)
      .execute(db);
  }
  await sql.raw('create index if not exists floor_sub_batch on instruction (sub_batch_id)').execute(db);
  const { rows: parts } = await sql<{ id: string; count: string }>`
    select s.id, s.instruction_count as count
    from sub_batch s
    join batch b on b.id = s.batch_id
    where b.submission_id = ${submissionId}
    order by s.id`.execute(db);
  const started = performance.now();
  await inParallel(parts, lanes, async ({ id }) => {
    await transaction(db, async (trx) => {
      await sql`insert into floor_instruction select * from instruction where sub_batch_id = ${id}`.execute(
        trx,
      );
      await sql`
        insert into floor_attempt
        select a.* from instruction i join attempt a on a.instruction_id = i.id where i.sub_batch_id = ${id}`.execute(
        trx,
      );
      await sql`
        insert into floor_ledger_transfer
        select t.* from instruction i join ledger_transfer t on t.id = i.id where i.sub_batch_id = ${id}`.execute(
        trx,
      );
    });
    await transaction(db, (trx) =>
      sql`
        insert into floor_ledger_transfer
        select t.* from instruction i join ledger_transfer t on t.pending_id = i.id where i.sub_batch_id = ${id}`.execute(
        trx,
      ),
    );
  });
  const took = performance.now() - started;
  const count = parts.reduce((sum, part) => sum + Number(part.count), 0);
  return count / (took / 1000);
}

/** Payments one by one, each promised and settled in two transactions of its own against shared accounts. */
export async function postOneByOne(db: Db, count: number, lanes: number): Promise<number> {
  await sql.raw('drop table if exists floor_instruction').execute(db);
  await sql
    .raw('create table floor_instruction (like instruction including defaults, primary key (id))')
    .execute(db);
  const owner = newId();
  const account = (kind: 'funding' | 'available' | 'clearing') => ({ kind, owner, currency: 'USD' });
  const [funding = '', available = '', clearing = ''] = await transaction(db, (trx) =>
    openAccounts(trx, [account('funding'), account('available'), account('clearing')]),
  );
  const traced = (id: string) => ({ id, cause: 'run-closed' as const, causeId: 'bench' });
  const sides = { type: 'post' as const, debit: funding, credit: available };
  await transaction(db, (trx) =>
    createTransfers(trx, [{ ...traced(newId()), ...sides, amount: BigInt(count) * 1250n }]),
  );
  const ids = Array.from({ length: count }, () => newId());
  const started = performance.now();
  await inParallel(ids, lanes, async (id) => {
    await transaction(db, async (trx) => {
      await sql`
        insert into floor_instruction
        select r.* from (select i from instruction i limit 1) one, jsonb_populate_record(one.i, ${JSON.stringify({ id })}::jsonb) r`.execute(
        trx,
      );
      await createTransfers(trx, [
        { ...traced(id), type: 'pending', debit: available, credit: clearing, amount: 1250n },
      ]);
    });
    await transaction(db, (trx) =>
      createTransfers(trx, [
        { ...traced(derivedId('payout-resolved', id)), type: 'post-pending', pendingId: id },
      ]),
    );
  });
  return count / ((performance.now() - started) / 1000);
}

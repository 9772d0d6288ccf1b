import { createHash } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import type { RegistryTables } from '../tables.ts';
import { itself, logSchema } from './schema-log.ts';

type Db = Kysely<RegistryTables>;

const page = 5000;

/**
 * Drops months of the read log that are older than `months`. How many entries went and the digest over them goes into
 * the chain first: who has kept a copy of the month can still show that it is the whole of it. Answers the months.
 */
export async function rollOff(db: Db, application: string, months: number, now: Date): Promise<string[]> {
  const first = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months, 1))
    .toISOString()
    .slice(0, 10);
  const { rows } = await sql<{ partition: string; month: string }>`
    select c.relname as partition, to_date(right(c.relname, 6), 'YYYYMM')::text as month
    from pg_inherits i
    join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'read_log'::regclass and to_date(right(c.relname, 6), 'YYYYMM') < ${first}::date
    order by 1`.execute(db);
  for (const { partition, month } of rows)
    await db.transaction().execute(async (trx) => {
      const { entries, digest } = await digestOf(trx, partition);
      await sql`
        insert into read_log_month (month, entries, digest, gone_at)
        values (${month}::date, ${entries}, ${digest}, now())`.execute(trx);
      await logSchema(trx, itself(application, 'roll-off'), {
        registry: { id: null, owner: application, code: '' },
        action: 'logs',
        before: { log: 'read_log', month, entries, digest: digest.toString('hex') },
      });
      await sql`drop table ${sql.id(partition)}`.execute(trx);
    });
  return rows.map(({ month }) => month);
}

/** Over the rows of a month as JSON, a line each, in the order of time and id. */
async function digestOf(db: Db, partition: string): Promise<{ entries: number; digest: Buffer }> {
  const hashing = createHash('sha256');
  let entries = 0;
  for (let after = ['-infinity', '00000000-0000-0000-0000-000000000000']; ; ) {
    const { rows } = await sql<{ at: string; id: string; row: string }>`
      select at::text as at, id, to_jsonb(l)::text as row
      from ${sql.id(partition)} l
      where (at, id) > (${after[0]}::timestamptz, ${after[1]}::uuid)
      order by at, id
      limit ${page}`.execute(db);
    for (const { row } of rows) hashing.update(`${row}\n`);
    entries += rows.length;
    const last = rows.at(-1);
    if (!last || rows.length < page) return { entries, digest: hashing.digest() };
    after = [last.at, last.id];
  }
}

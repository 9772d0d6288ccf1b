import { type Kysely, sql } from 'kysely';
import type pg from 'pg';
import type { MediatorTables } from '../tables.ts';
import type { OperationalRow } from './operational-record.ts';

const columns = `node text, side text, exchange_id uuid, message_id text, client text, operator text, service text,
  method text, path text, user_id text, issue text, represented_party text, peer text, request_in bigint,
  request_out bigint, response_in bigint, response_out bigint, request_size bigint, response_size bigint,
  status integer, fault_code text, fault_string text, counted_client text, counted_service text`;

/** Rows and what they add to the statistics of their hour, in one statement: the two agree. */
const insert = `
  with record as (
    select * from json_to_recordset($1::json) as r(${columns})
  ), kept as (
    insert into operational_record (at, node, side, exchange_id, message_id, client, operator, service, method, path,
      user_id, issue, represented_party, peer, request_in, request_out, response_in, response_out, request_size,
      response_size, status, fault_code, fault_string)
    select date_trunc('second', clock_timestamp()), node, side, exchange_id, message_id, client, operator, service,
      method, path, user_id, issue, represented_party, peer, request_in, request_out, response_in, response_out,
      request_size, response_size, status, fault_code, fault_string
    from record
  )
  insert into exchange_statistics as s (hour, service, client, status, error, side, exchanges, duration_ms, longest_ms,
    request_bytes, response_bytes)
  select date_trunc('hour', to_timestamp(request_in / 1000), 'UTC'), counted_service, counted_client, status,
    coalesce(fault_code, ''), side, count(*), sum(response_out - request_in), max(response_out - request_in),
    sum(request_size), sum(response_size)
  from record
  group by 1, 2, 3, 4, 5, 6
  order by 1, 2, 3, 4, 5, 6
  on conflict on constraint exchange_statistics_pkey do update
  set exchanges = s.exchanges + excluded.exchanges,
    duration_ms = s.duration_ms + excluded.duration_ms,
    longest_ms = greatest(s.longest_ms, excluded.longest_ms),
    request_bytes = s.request_bytes + excluded.request_bytes,
    response_bytes = s.response_bytes + excluded.response_bytes`;

const dayMs = 86_400_000;
const startOfDay = (time: number): number => time - (time % dayMs);
const partitionOf = (day: number): string =>
  `operational_record_${new Date(day).toISOString().slice(0, 10).replaceAll('-', '')}`;

/** Partitions of the days around `now`: clocks of the database and of this machine may differ. */
async function makePartitions(pool: pg.Pool, now: number): Promise<void> {
  const client = await pool.connect();
  let failed: Error | undefined;
  try {
    await client.query(`begin`);
    await client.query(`select pg_advisory_xact_lock(hashtext('operational_record'))`);
    for (const day of [-dayMs, 0, dayMs, 2 * dayMs].map((ahead) => startOfDay(now + ahead)))
      await client.query(
        `create table if not exists ${partitionOf(day)} partition of operational_record
         for values from ('${new Date(day).toISOString()}') to ('${new Date(day + dayMs).toISOString()}')`,
      );
    await client.query('commit');
  } catch (error) {
    failed = error as Error;
    throw error;
  } finally {
    if (failed) await client.query('rollback').catch(() => undefined);
    client.release(failed);
  }
}

/** Whether PostgreSQL refused the data (SQLSTATE classes 22 and 23) rather than failed. */
const refusedData = (error: unknown): boolean => /^2[23]/.test((error as { code?: string }).code ?? '');

export interface OperationalData {
  /** Stores rows; one that the database refuses does not keep back the others. */
  write(rows: readonly OperationalRow[]): Promise<void>;
  /** How many rows the database has refused. */
  refused(): number;
}

export function openOperationalData(pool: pg.Pool, now: () => Date): OperationalData {
  let madeFor: number | undefined;
  let refused = 0;
  async function write(rows: readonly OperationalRow[]): Promise<void> {
    const today = startOfDay(now().getTime());
    if (madeFor !== today) {
      await makePartitions(pool, today);
      madeFor = today;
    }
    try {
      await pool.query({ name: 'operational-data', text: insert, values: [JSON.stringify(rows)] });
    } catch (error) {
      if (!refusedData(error)) throw error;
      if (rows.length === 1) refused += 1;
      else for (const row of rows) await write([row]);
    }
  }
  return { write, refused: () => refused };
}

/** Drops the days whose rows are all older than `days`. */
export async function dropOldRecords(db: Kysely<MediatorTables>, days: number, now: Date): Promise<void> {
  const oldest = partitionOf(startOfDay(now.getTime() - days * dayMs));
  const { rows } = await sql<{ name: string }>`
    select relid::regclass::text as name
    from pg_partition_tree('operational_record')
    where isleaf`.execute(db);
  for (const { name } of rows)
    if (/^operational_record_\d{8}$/.test(name) && name < oldest)
      await sql`drop table if exists ${sql.table(name)}`.execute(db);
}

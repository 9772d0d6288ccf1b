import { type Kysely, type SqlBool, sql } from 'kysely';
import type { SampledPart, SnapshotPart } from '../../api/monitoring/environment-schema.ts';
import type { MediatorTables } from '../../tables.ts';

export interface Period {
  readonly from: Date;
  readonly to: Date;
  readonly node: string | undefined;
  /** `time node` of the last entry of the page before; empty for the first page. */
  readonly after: { readonly at: string; readonly node: string } | undefined;
  readonly limit: number;
}

export interface Entry {
  readonly node: string;
  readonly at: string;
  readonly data: unknown;
}

const within = ({ from, to, node, after }: Period) =>
  sql.join(
    [
      sql<SqlBool>`at >= ${from} and at < ${to}`,
      node === undefined ? undefined : sql<SqlBool>`node = ${node}`,
      after && sql<SqlBool>`(at, node) > (${after.at}::timestamptz, ${after.node})`,
    ].filter((condition) => condition !== undefined),
    sql` and `,
  );

/** Samples of a period in their order, with the parts asked for. */
export async function samplesIn(
  db: Kysely<MediatorTables>,
  period: Period,
  parts: readonly SampledPart[],
): Promise<Entry[]> {
  const { rows } = await sql<Entry>`
    select node, at, (
      select coalesce(jsonb_object_agg(key, value), '{}')
      from jsonb_each(data)
      where key = any(${[...parts]}::text[])
    ) as data
    from environment_sample
    where ${within(period)}
    order by at, node
    limit ${period.limit}`.execute(db);
  return rows;
}

/** What ran or was installed, as it was looked at in a period. */
export async function snapshotsIn(
  db: Kysely<MediatorTables>,
  period: Period,
  part: SnapshotPart,
): Promise<Entry[]> {
  const { rows } = await sql<Entry>`
    select node, at, data
    from environment_snapshot
    where part = ${part} and ${within(period)}
    order by at, node
    limit ${period.limit}`.execute(db);
  return rows;
}

/** A sample of a minute, unless another process of this machine has already left one. */
export const keepSample = async (db: Kysely<MediatorTables>, { node, at, data }: Entry): Promise<void> => {
  await sql`
    insert into environment_sample (node, at, data)
    values (${node}, ${at}, ${JSON.stringify(data)}::jsonb)
    on conflict on constraint environment_sample_pkey do nothing`.execute(db);
};

export const keepSnapshot = async (
  db: Kysely<MediatorTables>,
  part: SnapshotPart,
  { node, at, data }: Entry,
): Promise<void> => {
  await sql`
    insert into environment_snapshot (node, at, part, data)
    values (${node}, ${at}, ${part}, ${JSON.stringify(data)}::jsonb)
    on conflict on constraint environment_snapshot_pkey do nothing`.execute(db);
};

export async function eraseOldEnvironment(db: Kysely<MediatorTables>, before: Date): Promise<void> {
  await sql`delete from environment_sample where at < ${before}`.execute(db);
  await sql`delete from environment_snapshot where at < ${before}`.execute(db);
}

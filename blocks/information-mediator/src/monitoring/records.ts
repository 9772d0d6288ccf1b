import { type Kysely, type SqlBool, sql } from 'kysely';
import type { RecordField } from '../api/monitoring/record-schema.ts';
import type { Scope } from '../evidence/exchanges.ts';
import type { MediatorTables } from '../tables.ts';
import { type OperationalRecord, recordOf, type StoredRecord, typesOf } from './record-fields.ts';

export interface RecordQuery {
  /** Seconds since 1970, both inclusive. */
  readonly recordsFrom: number;
  readonly recordsTo: number;
  /** Rows of the first second up to this one were given before. */
  readonly after: string | undefined;
  /** Newer records are withheld: some of their seconds may still be being stored. */
  readonly newest: number;
  readonly client: string | undefined;
  readonly service: string | undefined;
  readonly limit: number;
}

export interface RecordAnswer {
  readonly records: OperationalRecord[];
  readonly nextRecordsFrom?: number;
  /** Only when one second holds more than an answer. */
  readonly nextRecordsAfter?: string;
}

const bytes = (column: 'client' | 'service' | 'operator') => sql.raw(`${column} collate "C"`);

/** Identifiers that begin with `id/`: `0` comes after `/`. */
const below = (column: 'client' | 'service' | 'operator', id: string) =>
  sql<SqlBool>`${bytes(column)} >= ${`${id}/`} and ${bytes(column)} < ${`${id}0`}`;

/** How somebody can have taken part, each a range of its own index. */
function parts(scope: Scope) {
  if (scope.kind === 'all') return [sql<SqlBool>`true`];
  if (scope.kind === 'member')
    return [below('client', scope.member), below('service', scope.member), below('operator', scope.member)];
  return [
    sql<SqlBool>`${bytes('client')} = ${scope.application}`,
    below('service', scope.application),
    sql<SqlBool>`${bytes('operator')} = ${scope.application}`,
  ];
}

async function rowsOf(db: Kysely<MediatorTables>, scope: Scope, query: RecordQuery): Promise<StoredRecord[]> {
  const { recordsFrom, recordsTo, after, newest, client, service, limit } = query;
  const conditions = [
    sql<SqlBool>`at >= to_timestamp(${recordsFrom}) and at <= to_timestamp(${Math.min(recordsTo, newest)})`,
    ...(after === undefined
      ? []
      : [sql<SqlBool>`(at > to_timestamp(${recordsFrom}) or seq > ${after}::bigint)`]),
    ...(client === undefined ? [] : [sql<SqlBool>`${bytes('client')} = ${client}`]),
    ...(service === undefined ? [] : [sql<SqlBool>`${bytes('service')} = ${service}`]),
  ];
  const branches = parts(scope).map(
    (part) => sql`(
      select at, seq, node, side, exchange_id, message_id, client, operator, service, method, path, user_id, issue,
        represented_party, peer, request_in, request_out, response_in, response_out, request_size, response_size,
        status, fault_code, fault_string
      from operational_record
      where ${sql.join([...conditions, part], sql` and `)}
      order by at, seq
      limit ${limit + 1})`,
  );
  const { rows } = await sql<StoredRecord>`
    select * from (${sql.join(branches, sql` union `)}) as found
    order by at, seq
    limit ${limit + 1}`.execute(db);
  return rows;
}

const secondOf = ({ at }: StoredRecord): number => Date.parse(at) / 1000;

/**
 * Records in the order in which they were stored, at most `limit` (IM-6.7-a). An answer ends with a whole second
 * wherever it can, so that who goes on from `nextRecordsFrom` gets each record once.
 */
export async function operationalRecords(
  db: Kysely<MediatorTables>,
  scope: Scope,
  query: RecordQuery,
  fields: readonly RecordField[],
): Promise<RecordAnswer> {
  const rows = await rowsOf(db, scope, query);
  let fit = 0;
  for (let count = 0; fit < rows.length; fit += 1) {
    count += typesOf(rows[fit] as StoredRecord).length;
    if (count > query.limit) break;
  }
  const left = rows[fit];
  const records = (shown: readonly StoredRecord[]): OperationalRecord[] =>
    shown.flatMap((row) => typesOf(row).map((type) => recordOf(row, type, fields)));
  if (!left)
    return {
      records: records(rows),
      ...(query.recordsTo > query.newest
        ? { nextRecordsFrom: Math.max(query.recordsFrom, query.newest + 1) }
        : {}),
    };
  const next = secondOf(left);
  const whole = rows.slice(0, fit).filter((row) => secondOf(row) < next);
  if (whole.length > 0) return { records: records(whole), nextRecordsFrom: next };
  const shown = rows.slice(0, fit);
  return { records: records(shown), nextRecordsFrom: next, nextRecordsAfter: shown.at(-1)?.seq ?? '0' };
}

import { badRequest, memberOf, transaction } from '@govstack/platform';
import { type Kysely, type RawBuilder, type SqlBool, sql } from 'kysely';
import type { MediatorTables } from '../tables.ts';
import { type Exchange, exchangesByIds, type Scope, within } from './exchanges.ts';
import type { Signatures } from './signature.ts';

/** `none`: no answer is on record. */
export type StatusClass = '2xx' | '3xx' | '4xx' | '5xx' | 'none';

export interface ExchangeSearch {
  readonly client?: string;
  readonly service?: string;
  /** Took part as client, as provider or as sender. */
  readonly member?: string;
  readonly status?: StatusClass;
  /** X-Road error type, or the beginning of one up to a dot. */
  readonly error?: string;
  readonly method?: string;
  readonly pathPrefix?: string;
  readonly messageId?: string;
  readonly from?: Date;
  readonly to?: Date;
}

/** Where a page ends: the time and the number of its last record. */
export interface Place {
  readonly at: string;
  readonly seq: string;
}

export interface FoundExchange {
  readonly exchange: Exchange;
  readonly place: Place;
}

type Condition = RawBuilder<SqlBool>;

/** The first three parts of an identifier, worded as in the indexes. */
const memberIn = (column: 'client' | 'service' | 'operator') =>
  sql`substring(${sql.raw(column)} from '^[^/]*/[^/]*/[^/]*')`;
const ofMember = (column: 'client' | 'service' | 'operator', member: string): Condition =>
  column === 'operator'
    ? sql<SqlBool>`operator is not null and ${memberIn(column)} = ${member}`
    : sql<SqlBool>`${memberIn(column)} = ${member}`;
const anyPart = (member: string): Condition[] =>
  (['client', 'service', 'operator'] as const).map((column) => ofMember(column, member));

/** Ways into the log, each by an index of its own; what is found on several counts once. */
function entrances({ client, service, member, messageId }: ExchangeSearch, scope: Scope): Condition[] {
  if (messageId !== undefined) return [sql<SqlBool>`message_id = ${messageId}`];
  if (client !== undefined) return [sql<SqlBool>`client = ${client}`];
  if (service !== undefined) return [sql<SqlBool>`service = ${service}`];
  if (member !== undefined) return anyPart(member);
  if (scope.kind === 'member') return anyPart(scope.member);
  if (scope.kind === 'all') return [sql<SqlBool>`true`];
  const { application } = scope;
  return [
    sql<SqlBool>`client = ${application}`,
    sql<SqlBool>`${ofMember('service', memberOf(application))} and starts_with(service, ${`${application}/`})`,
    sql<SqlBool>`${ofMember('operator', memberOf(application))} and operator = ${application}`,
  ];
}

const answered = (condition: Condition): Condition => sql<SqlBool>`exists (
  select from message_log response
  where response.exchange_id = found.exchange_id and response.kind = 'response' and ${condition})`;

function conditions(search: ExchangeSearch, scope: Scope, failed: boolean): Condition[] {
  const { client, service, member, status, error, method, pathPrefix, messageId, from, to } = search;
  const all: (Condition | undefined)[] = [
    failed ? sql<SqlBool>`kind = 'response' and status >= 400` : sql<SqlBool>`kind = 'request'`,
    within(scope),
    client === undefined ? undefined : sql<SqlBool>`client = ${client}`,
    service === undefined ? undefined : sql<SqlBool>`service = ${service}`,
    member === undefined ? undefined : within({ kind: 'member', member }),
    messageId === undefined ? undefined : sql<SqlBool>`message_id = ${messageId}`,
    method === undefined ? undefined : sql<SqlBool>`method = ${method}`,
    pathPrefix === undefined ? undefined : sql<SqlBool>`starts_with(path, ${pathPrefix})`,
    from && sql<SqlBool>`at >= ${from}`,
    to && sql<SqlBool>`at < ${to}`,
    error === undefined ? undefined : sql<SqlBool>`(error = ${error} or starts_with(error, ${`${error}.`}))`,
  ];
  if (status === '4xx' || status === '5xx') {
    const lowest = Number(status[0]) * 100;
    all.push(sql<SqlBool>`status >= ${lowest} and status < ${lowest + 100}`);
  } else if (status === 'none') all.push(sql<SqlBool>`not ${answered(sql<SqlBool>`true`)}`);
  else if (status !== undefined) {
    const lowest = Number(status[0]) * 100;
    all.push(answered(sql<SqlBool>`response.status >= ${lowest} and response.status < ${lowest + 100}`));
  }
  return all.filter((condition) => condition !== undefined);
}

/** Milliseconds after which a search that finds next to nothing gives up. */
const patienceMs = 10_000;

/** Exchanges that somebody may see and asks for, the newest first, at most `limit`. */
export async function searchExchanges(
  db: Kysely<MediatorTables>,
  signatures: Signatures,
  scope: Scope,
  search: ExchangeSearch,
  { limit, after }: { readonly limit: number; readonly after: Place | undefined },
): Promise<FoundExchange[]> {
  const failed = search.error !== undefined || search.status === '4xx' || search.status === '5xx';
  const filter = [
    ...conditions(search, scope, failed),
    ...(after ? [sql<SqlBool>`(at, seq) < (${after.at}::timestamptz, ${after.seq}::bigint)`] : []),
  ];
  const branches = entrances(search, scope).map(
    (entrance) => sql`(
      select at, seq, exchange_id
      from message_log found
      where ${sql.join([entrance, ...filter], sql` and `)}
      order by at desc, seq desc
      limit ${limit})`,
  );
  const rows = await transaction(db, async (trx) => {
    await sql`set local statement_timeout = ${sql.lit(patienceMs)}`.execute(trx);
    const result = await sql<Place & { exchange_id: string }>`
      select * from (${sql.join(branches, sql` union `)}) as one
      order by at desc, seq desc
      limit ${limit}`.execute(trx);
    return result.rows;
  }).catch((error: { code?: string }) => {
    if (error.code !== '57014') throw error;
    throw badRequest('The search takes too long: name a client, a service or a shorter period');
  });
  const exchanges = await exchangesByIds(
    db,
    signatures,
    rows.map((row) => row.exchange_id),
  );
  return rows.flatMap(({ at, seq, exchange_id }) => {
    const exchange = exchanges.get(exchange_id);
    return exchange ? [{ exchange, place: { at, seq } }] : [];
  });
}

import { badRequest, type ProblemDetail } from '@govstack/platform';
import { type Kysely, type SqlBool, sql } from 'kysely';
import { wholeService } from '../directory/access-rights.ts';
import { change } from '../directory/change.ts';
import type { MediatorTables } from '../tables.ts';

/** A service and an application that may use it. */
export interface AllowedPair {
  readonly service: string;
  readonly subject: string;
}

export interface AllowFilter {
  readonly instance: string;
  /** Of the service. */
  readonly memberClass?: string | undefined;
  readonly memberCode?: string | undefined;
  readonly applicationId?: string | undefined;
  readonly serviceId?: string | undefined;
  /** Services of this member only; undefined: of all. */
  readonly member: string | undefined;
}

/**
 * Pairs in the order of service and consumer, from the one after `after`, one more than `limit` when there are more.
 * What is granted or withdrawn meanwhile never makes another pair appear twice or be left out (IM-8.6.2-a).
 */
export async function listAllowed(
  db: Kysely<MediatorTables>,
  { instance, memberClass, memberCode, applicationId, serviceId, member }: AllowFilter,
  after: AllowedPair | undefined,
  limit: number,
): Promise<AllowedPair[]> {
  const parts: [number, string | undefined][] = [
    [1, instance],
    [2, memberClass],
    [3, memberCode],
    [4, applicationId],
    [5, serviceId],
  ];
  let query = db
    .selectFrom('access_right')
    .select(['service_id as service', 'subject'])
    // Groups have rights too; the published document of rights knows applications only.
    .where('subject', 'not like', '%/GLOBALGROUP/%')
    .where('subject', 'not like', '%/LOCALGROUP/%')
    .groupBy(['service_id', 'subject'])
    .orderBy('service_id')
    .orderBy('subject')
    .limit(limit + 1);
  for (const [index, value] of parts)
    if (value !== undefined)
      query = query.where(sql<SqlBool>`split_part(service_id, '/', ${sql.lit(index)}) = ${value}`);
  if (member !== undefined) query = query.where(sql<SqlBool>`starts_with(service_id, ${`${member}/`})`);
  if (after) query = query.where(sql<SqlBool>`(service_id, subject) > (${after.service}, ${after.subject})`);
  return query.execute();
}

/** A pair as somebody named it, and where. */
export interface NamedPair extends AllowedPair {
  readonly pointer: string;
}

/** What of the pairs is not registered: their services, and their consumers. */
export async function unknownIn(
  db: Kysely<MediatorTables>,
  pairs: readonly NamedPair[],
): Promise<ProblemDetail[]> {
  const missing = async (table: 'service' | 'application', ids: readonly string[]): Promise<Set<string>> => {
    const { rows } = await sql<{ id: string }>`
      select id
      from unnest(${[...new Set(ids)]}::text[]) as named (id)
      where not exists (select from ${sql.table(table)} known where known.id = named.id)`.execute(db);
    return new Set(rows.map(({ id }) => id));
  };
  const services = await missing(
    'service',
    pairs.map(({ service }) => service),
  );
  const subjects = await missing(
    'application',
    pairs.map(({ subject }) => subject),
  );
  const defects = new Map<string, ProblemDetail>();
  for (const { pointer, service, subject } of pairs) {
    const row = pointer.split('/rights/')[0] as string;
    if (services.has(service))
      defects.set(row, { in: 'body', pointer: row, detail: `${service} is not registered` });
    if (subjects.has(subject))
      defects.set(pointer, { in: 'body', pointer, detail: `${subject} is not registered` });
  }
  return [...defects.values()];
}

const columnsOf = (pairs: readonly AllowedPair[]) => ({
  services: pairs.map(({ service }) => service),
  subjects: pairs.map(({ subject }) => subject),
});

/** Lets every consumer use all of its service: in one transaction, and again without effect (IM-8.6.2-b). */
export async function allowAll(
  db: Kysely<MediatorTables>,
  pairs: readonly NamedPair[],
  grantedBy: string,
): Promise<boolean> {
  const defects = await unknownIn(db, pairs);
  if (defects.length > 0) throw badRequest(`Nothing was allowed: ${defects.length} defects`, defects);
  const { services, subjects } = columnsOf(pairs);
  return change(db, [
    sql`
      delete from access_right
      using unnest(${services}::text[], ${subjects}::text[]) as pair (service, subject)
      where service_id = pair.service and access_right.subject = pair.subject
        and (method, path) <> (${wholeService.method}, ${wholeService.path})`,
    sql`
      insert into access_right (service_id, subject, method, path, granted_by)
      select distinct service, subject, ${wholeService.method}, ${wholeService.path}, ${grantedBy}
      from unnest(${services}::text[], ${subjects}::text[]) as pair (service, subject)
      order by 1, 2
      on conflict on constraint access_right_pkey do nothing`,
  ]);
}

/** Takes every right of each consumer to its service: in one transaction, and again without effect (IM-8.6.2-b). */
export async function denyAll(db: Kysely<MediatorTables>, pairs: readonly NamedPair[]): Promise<boolean> {
  const defects = await unknownIn(db, pairs);
  if (defects.length > 0) throw badRequest(`Nothing was denied: ${defects.length} defects`, defects);
  const { services, subjects } = columnsOf(pairs);
  return change(db, [
    sql`
      delete from access_right
      using unnest(${services}::text[], ${subjects}::text[]) as pair (service, subject)
      where service_id = pair.service and access_right.subject = pair.subject`,
  ]);
}

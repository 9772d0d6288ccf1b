import { type Kysely, type SqlBool, sql } from 'kysely';
import type { MediatorTables } from '../tables.ts';

export interface ListedRight {
  readonly service: string;
  readonly subject: string;
  readonly method: string;
  readonly path: string;
  readonly grantedBy: string;
  readonly grantedAt: string;
}

export interface RightsFilter {
  readonly service?: string;
  readonly subject?: string;
  /** Rights to services of this member or application, or held by it; undefined: all. */
  readonly part: string | undefined;
  /** `service subject method path` of the last right of the page before. */
  readonly after: string;
  readonly limit: number;
}

/** Rights in the order of service and subject, one more than `limit` when there are more. */
export async function listRights(
  db: Kysely<MediatorTables>,
  { service, subject, part, after, limit }: RightsFilter,
): Promise<ListedRight[]> {
  const [afterService = '', afterSubject = '', afterMethod = '', ...afterPath] = after.split(' ');
  const prefix = `${part ?? ''}/`;
  const rows = await db
    .selectFrom('access_right')
    .selectAll()
    .where(sql<SqlBool>`(service_id, subject, method, path)
      > (${afterService}, ${afterSubject}, ${afterMethod}, ${afterPath.join(' ')})`)
    .where(sql<SqlBool>`(${part === undefined} or starts_with(service_id, ${prefix})
      or starts_with(subject || '/', ${prefix}))`)
    .$if(service !== undefined, (query) => query.where('service_id', '=', service as string))
    .$if(subject !== undefined, (query) => query.where('subject', '=', subject as string))
    .orderBy('service_id')
    .orderBy('subject')
    .orderBy('method')
    .orderBy('path')
    .limit(limit + 1)
    .execute();
  return rows.map((row) => ({
    service: row.service_id,
    subject: row.subject,
    method: row.method,
    path: row.path,
    grantedBy: row.granted_by,
    grantedAt: row.granted_at,
  }));
}

/** Every right to a service. */
export const allRights = (db: Kysely<MediatorTables>, service: string) =>
  db
    .selectFrom('access_right')
    .select(['subject', 'method', 'path'])
    .where('service_id', '=', service)
    .execute();

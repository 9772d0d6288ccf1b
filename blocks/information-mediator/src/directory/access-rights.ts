import { type Kysely, sql } from 'kysely';
import type { MediatorTables } from '../tables.ts';
import { change } from './change.ts';
import type { Endpoint } from './snapshot.ts';

/** A right to every endpoint of a service. */
export const wholeService: Endpoint = { method: '*', path: '**' };

/**
 * Makes `endpoints` what a subject may use of a service, no more and no less. A right to the whole service includes
 * every other, so nothing else is kept beside it.
 */
export function putRight(
  db: Kysely<MediatorTables>,
  right: {
    readonly service: string;
    readonly subject: string;
    readonly endpoints: readonly Endpoint[];
    readonly grantedBy: string;
  },
): Promise<boolean> {
  const named = right.endpoints.map(({ method, path }) => ({ method: method.toUpperCase(), path }));
  const whole = named.some(
    ({ method, path }) => method === wholeService.method && path === wholeService.path,
  );
  const endpoints = whole ? [wholeService] : named;
  const methods = endpoints.map(({ method }) => method);
  const paths = endpoints.map(({ path }) => path);
  return change(db, [
    sql`
      delete from access_right
      where service_id = ${right.service} and subject = ${right.subject}
        and (method, path) not in (select * from unnest(${methods}::text[], ${paths}::text[]))`,
    sql`
      insert into access_right (service_id, subject, method, path, granted_by)
      select ${right.service}, ${right.subject}, method, path, ${right.grantedBy}
      from unnest(${methods}::text[], ${paths}::text[]) as endpoint (method, path)
      on conflict on constraint access_right_pkey do nothing`,
  ]);
}

/** Takes away everything a subject may use of a service. */
export const withdrawRight = (
  db: Kysely<MediatorTables>,
  right: { readonly service: string; readonly subject: string },
): Promise<boolean> =>
  change(db, [
    sql`
      delete from access_right
      where service_id = ${right.service} and subject = ${right.subject}`,
  ]);

import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import type { MediatorTables } from '../tables.ts';
import { change, changeWithin } from './change.ts';
import type { Endpoint } from './snapshot.ts';

/** A right to every endpoint of a service. */
export const wholeService: Endpoint = { method: '*', path: '**' };

export interface Right {
  readonly service: string;
  readonly subject: string;
  readonly endpoints: readonly Endpoint[];
  readonly grantedBy: string;
}

function rightStatements(right: Right): RawBuilder<unknown>[] {
  const named = right.endpoints.map(({ method, path }) => ({ method: method.toUpperCase(), path }));
  const whole = named.some(
    ({ method, path }) => method === wholeService.method && path === wholeService.path,
  );
  const endpoints = whole ? [wholeService] : named;
  const methods = endpoints.map(({ method }) => method);
  const paths = endpoints.map(({ path }) => path);
  return [
    sql`
      delete from access_right
      where service_id = ${right.service} and subject = ${right.subject}
        and (method, path) not in (select * from unnest(${methods}::text[], ${paths}::text[]))`,
    sql`
      insert into access_right (service_id, subject, method, path, granted_by)
      select ${right.service}, ${right.subject}, method, path, ${right.grantedBy}
      from unnest(${methods}::text[], ${paths}::text[]) as endpoint (method, path)
      on conflict on constraint access_right_pkey do nothing`,
  ];
}

/**
 * Makes `endpoints` what a subject may use of a service, no more and no less. A right to the whole service includes
 * every other, so nothing else is kept beside it.
 */
export const putRight = (db: Kysely<MediatorTables>, right: Right): Promise<boolean> =>
  change(db, rightStatements(right));

/** The same as part of a transaction. */
export const writeRight = async (trx: Transaction<MediatorTables>, right: Right): Promise<void> => {
  await changeWithin(trx, rightStatements(right));
};

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

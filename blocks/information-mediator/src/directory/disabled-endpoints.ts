import { type Kysely, sql } from 'kysely';
import type { MediatorTables } from '../tables.ts';
import { change } from './change.ts';
import type { DisabledEndpoint } from './snapshot.ts';

/** Makes these the endpoints of a service that are switched off, no others (IM-6.2-d). */
export function putDisabledEndpoints(
  db: Kysely<MediatorTables>,
  service: string,
  endpoints: readonly DisabledEndpoint[],
): Promise<boolean> {
  const methods = endpoints.map(({ method }) => method.toUpperCase());
  const paths = endpoints.map(({ path }) => path);
  const notices = endpoints.map(({ notice }) => notice);
  return change(db, [
    sql`
      delete from disabled_endpoint
      where service_id = ${service}
        and (method, path) not in (select * from unnest(${methods}::text[], ${paths}::text[]))`,
    sql`
      insert into disabled_endpoint (service_id, method, path, notice)
      select ${service}, method, path, notice
      from unnest(${methods}::text[], ${paths}::text[], ${notices}::text[]) as endpoint (method, path, notice)
      on conflict on constraint disabled_endpoint_pkey do update
      set notice = excluded.notice
      where disabled_endpoint.notice <> excluded.notice`,
  ]);
}

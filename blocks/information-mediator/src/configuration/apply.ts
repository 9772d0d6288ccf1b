import { applicationOf, memberOf } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import type { MediatorTables } from '../tables.ts';
import type { Configuration } from './configuration.ts';
import type { Change, Kind } from './difference.ts';

/**
 * Keeps every other change of the directory out until the end of the transaction. Tables are locked in the order in
 * which changes touch them, so that nobody waits in a circle.
 */
export const lockDirectory = async (trx: Kysely<MediatorTables>): Promise<void> => {
  await sql`lock table member, application, service, access_right in share row exclusive mode`.execute(trx);
};

/** Makes the directory what `to` says, where `changes` say that it is not. */
export async function applyChanges(
  trx: Kysely<MediatorTables>,
  changes: readonly Change[],
  to: Configuration,
  actor: string,
): Promise<void> {
  const ids = (kind: Kind, ...actions: Change['action'][]): string[] =>
    changes.filter((one) => one.kind === kind && actions.includes(one.action)).map(({ id }) => id);
  const put = <E>(kind: Kind, entries: ReadonlyMap<string, E>): E[] =>
    ids(kind, 'added', 'changed').map((id) => entries.get(id) as E);

  if (ids('domain', 'added', 'changed').length > 0)
    await sql`
      insert into configuration (domain)
      values (${to.domain})
      on conflict on constraint configuration_pkey do update
      set domain = excluded.domain`.execute(trx);

  const unwanted = ids('right', 'changed', 'removed').map((id) => {
    const [service, subject] = id.split(' ');
    const wanted = (to.rights.get(id)?.endpoints ?? []).map(({ method, path }) => `${method} ${path}`);
    return { service, subject, wanted };
  });
  await sql`
    delete from access_right
    using jsonb_to_recordset(${JSON.stringify(unwanted)}::jsonb)
      as gone (service text, subject text, wanted text[])
    where service_id = gone.service and access_right.subject = gone.subject
      and not (method || ' ' || path = any(gone.wanted))`.execute(trx);
  for (const kind of ['service', 'application', 'member'] as const)
    await sql`delete from ${sql.table(kind)} where id = any(${ids(kind, 'removed')}::text[])`.execute(trx);

  await sql`
    insert into member (id, instance_code, name)
    select id, split_part(id, '/', 1), name
    from jsonb_to_recordset(${JSON.stringify(put('member', to.members))}::jsonb) as entry (id text, name text)
    on conflict on constraint member_pkey do update
    set name = excluded.name`.execute(trx);
  const applications = put('application', to.applications).map((one) => ({
    ...one,
    member: memberOf(one.id),
  }));
  await sql`
    insert into application (id, member_id, name, status, connection, public_key, operators, tls_certificates)
    select id, member, name, status, connection, "publicKey", operators, "tlsCertificates"
    from jsonb_to_recordset(${JSON.stringify(applications)}::jsonb)
      as entry (id text, member text, name text, status text, connection text, "publicKey" jsonb, operators text[],
        "tlsCertificates" text[])
    on conflict on constraint application_pkey do update
    set name = excluded.name, status = excluded.status, connection = excluded.connection,
      public_key = excluded.public_key, operators = excluded.operators,
      tls_certificates = excluded.tls_certificates`.execute(trx);
  const services = put('service', to.services).map((one) => ({ ...one, application: applicationOf(one.id) }));
  await sql`
    insert into service (id, application_id, title, target, spec_url, timeout_ms, enabled, notice, openapi)
    select id, application, title, "serviceUrl", "specUrl", "timeoutMs", enabled, notice, openapi
    from jsonb_to_recordset(${JSON.stringify(services)}::jsonb)
      as entry (id text, application text, title text, "serviceUrl" text, "specUrl" text, "timeoutMs" integer,
        enabled boolean, notice text, openapi jsonb)
    on conflict on constraint service_pkey do update
    set title = excluded.title, target = excluded.target, spec_url = excluded.spec_url,
      timeout_ms = excluded.timeout_ms, enabled = excluded.enabled, notice = excluded.notice,
      openapi = excluded.openapi`.execute(trx);
  await sql`
    insert into access_right (service_id, subject, method, path, granted_by)
    select entry.service, entry.subject, endpoint.method, endpoint.path, ${actor}
    from jsonb_to_recordset(${JSON.stringify(put('right', to.rights))}::jsonb)
      as entry (service text, subject text, endpoints jsonb),
      jsonb_to_recordset(entry.endpoints) as endpoint (method text, path text)
    on conflict on constraint access_right_pkey do nothing`.execute(trx);
  await sql`update directory_version set version = version + 1`.execute(trx);
}

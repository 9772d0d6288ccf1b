import { createHmac, createSecretKey } from 'node:crypto';
import { currentContext, memberOf, newContext, newId, prepared } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import type { DataMethod, Granted, Reader } from '../access/access.ts';
import type { RegistryTables } from '../tables.ts';

export type SubjectHash = (identifier: string) => Buffer;

/** Finds a person's entries without keeping their identifier. */
export const subjectHash = (bytes: Buffer): SubjectHash => {
  const key = createSecretKey(bytes);
  return (identifier) =>
    createHmac('sha256', key).update(identifier.replaceAll(/[\s-]/g, '').toUpperCase()).digest();
};

/** `Ana Maria Li` → `AML`. The name itself is not kept. */
export const initialsOf = (name: string): string =>
  name
    .split(/[\s-]+/)
    .map((word) => word.at(0) ?? '')
    .join('')
    .toUpperCase()
    .slice(0, 5);

/** What an entry of the read log says of the reader. */
const said = ({ caller, person, ground }: Reader) => ({
  application: caller.application,
  operator: caller.operator ?? null,
  person: person?.id ?? null,
  roles: [...(person?.roles ?? [])],
  institution: person?.agency ?? memberOf(caller.application),
  reader_initials: ground.readerName === undefined ? null : initialsOf(ground.readerName) || null,
  refs: [...(ground.references ?? [])],
  purpose: ground.purpose ?? null,
  consent_reference: ground.consentReference ?? null,
  legal_ground: ground.legalGround ?? null,
  exchange_id: caller.exchangeId,
  correlation_id: (currentContext() ?? newContext()).correlationId,
  at: new Date().toISOString(),
});

/** Leaves a trace of a look at the log itself: a report about a person, or a search. */
export async function logReport(
  db: Kysely<RegistryTables>,
  owner: string,
  reader: Reader,
  method: 'report' | 'search-of-log',
  subjects: readonly Buffer[],
  records: readonly string[] = [],
): Promise<void> {
  await db
    .insertInto('read_log')
    .values({
      id: newId(),
      registry_id: null,
      owner,
      records: [...records],
      subjects: [...subjects],
      fields: [],
      method,
      ...said(reader),
    })
    .execute();
}

/** Leaves a trace of a look at personal fields, in the transaction that answers (DRS-8). */
export async function logRead(
  db: Kysely<RegistryTables>,
  granted: Granted,
  reader: Reader,
  method: DataMethod,
  fieldNames: readonly string[],
  records: readonly string[],
  subjectsOf: () => readonly Buffer[],
): Promise<void> {
  const personal = granted.registry.fields.filter(
    (field) => field.personal && fieldNames.includes(field.name),
  );
  if (personal.length === 0) return;
  const subjects = subjectsOf();
  const delegations = (granted.delegations ?? [])
    .filter(({ subjectHash }) => subjects.some((subject) => subject.equals(subjectHash)))
    .map(({ id }) => id);
  const by = said(reader);
  await sql`${prepared}
    insert into read_log (id, registry_id, records, subjects, fields, field_ids, method, application, operator, person,
      roles, institution, reader_initials, refs, purpose, consent_reference, legal_ground, exchange_id, correlation_id,
      delegations, at)
    values (${newId()}, ${granted.registry.id}::bigint, ${[...records]}::uuid[], ${[...subjects]}::bytea[],
      ${personal.map(({ name }) => name)}::text[], ${personal.map(({ id }) => id)}::integer[], ${method},
      ${by.application}, ${by.operator}, ${by.person}, ${by.roles}::text[], ${by.institution}, ${by.reader_initials},
      ${by.refs}::text[], ${by.purpose}, ${by.consent_reference}, ${by.legal_ground}, ${by.exchange_id},
      ${by.correlation_id}, ${delegations.length > 0 ? delegations : null}::uuid[], ${by.at}::timestamptz)`.execute(
    db,
  );
}

/** Who read data about a person in the registries of one application, newest first. */
export async function usageOf(db: Kysely<RegistryTables>, owner: string, subject: Buffer, limit: number) {
  const { rows } = await sql<{
    id: string;
    code: string;
    name: string;
    fields: string[];
    method: string;
    application: string;
    person: string | null;
    purpose: string | null;
    consent_reference: string | null;
    legal_ground: string | null;
    delegated: boolean;
    at: string;
  }>`
    select l.id, r.code, r.name, l.fields, l.method, l.application, l.person, l.purpose, l.consent_reference, l.legal_ground,
      l.delegations is not null as delegated, l.at
    from read_log l
    join registry r on r.id = l.registry_id
    where r.owner = ${owner} and l.subjects @> array[${subject}]::bytea[] and l.method <> 'report'
    order by l.at desc
    limit ${limit}`.execute(db);
  return rows.map((row) => ({
    id: row.id,
    registry: row.code,
    registryName: row.name,
    fields: row.fields,
    method: row.method,
    readerApplication: row.application,
    readerId: row.person,
    purpose: row.purpose,
    consentReference: row.consent_reference,
    legalGround: row.legal_ground,
    delegated: row.delegated,
    time: new Date(row.at).toISOString(),
  }));
}

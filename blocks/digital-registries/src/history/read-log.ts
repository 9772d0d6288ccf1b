import { createHmac } from 'node:crypto';
import { currentContext, newContext, newId } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import type { DataMethod, Granted, Reader } from '../access/access.ts';
import type { RegistryTables } from '../tables.ts';

export type SubjectHash = (identifier: string) => Buffer;

/** Finds a person's entries without keeping their identifier. */
export const subjectHash =
  (key: Buffer): SubjectHash =>
  (identifier) =>
    createHmac('sha256', key).update(identifier.replaceAll(/[\s-]/g, '').toUpperCase()).digest();

/** Leaves a trace of a look at personal fields, in the transaction that answers (DRS-8). */
export async function logRead(
  db: Kysely<RegistryTables>,
  granted: Granted,
  reader: Reader,
  method: DataMethod,
  fieldNames: readonly string[],
  records: readonly string[],
  subjects: readonly Buffer[],
): Promise<void> {
  const personal = granted.registry.fields
    .filter((field) => field.personal && fieldNames.includes(field.name))
    .map((field) => field.name);
  if (personal.length === 0) return;
  await db
    .insertInto('read_log')
    .values({
      id: newId(),
      registry_id: granted.registry.id,
      records: [...records],
      subjects: [...subjects],
      fields: personal,
      method,
      application: reader.caller.application,
      operator: reader.caller.operator ?? null,
      person: reader.person?.id ?? null,
      purpose: reader.ground.purpose ?? null,
      consent_reference: reader.ground.consentReference ?? null,
      legal_ground: reader.ground.legalGround ?? null,
      exchange_id: reader.caller.exchangeId,
      correlation_id: (currentContext() ?? newContext()).correlationId,
      at: new Date().toISOString(),
    })
    .execute();
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
    at: string;
  }>`
    select l.id, r.code, r.name, l.fields, l.method, l.application, l.person, l.purpose, l.consent_reference, l.legal_ground, l.at
    from read_log l
    join registry r on r.id = l.registry_id
    where r.owner = ${owner} and l.subjects @> array[${subject}]::bytea[]
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
    time: new Date(row.at).toISOString(),
  }));
}

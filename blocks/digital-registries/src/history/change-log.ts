import { type BroughtColumn, brought, currentContext, drawRandom, prepared } from '@govstack/platform';
import { type RawBuilder, sql, type Transaction } from 'kysely';
import type { Reader } from '../access/access.ts';
import { plainValue, type Row } from '../records/content.ts';
import type { Registry } from '../schema/catalogue.ts';
import type { Field } from '../schema/field.ts';
import type { RegistryTables } from '../tables.ts';
import { changeDigest, contentDigest } from './change-digest.ts';
import { kept, SecretValue, type Snapshot } from './sealed-content.ts';

export type { Snapshot } from './sealed-content.ts';

/** What a row says, by field id. */
export function snapshotOf(fields: readonly Field[], row: Row): Snapshot {
  const snapshot: Record<string, unknown> = {};
  for (const field of fields) {
    if (field.secret && field.vault && row[field.column] instanceof Uint8Array)
      snapshot[field.id] = new SecretValue(field.vault, () => plainValue(field, row));
    else {
      const value = plainValue(field, row);
      if (value !== undefined) snapshot[field.id] = value;
    }
  }
  return snapshot;
}

export interface Change {
  readonly record: string;
  readonly rowVersion: number;
  readonly action: 'create' | 'update' | 'delete' | 'archive' | 'restore' | 'erase';
  readonly before: Snapshot | null;
  readonly after: Snapshot | null;
  /** Ids of the fields it is about, where the difference of before and after does not say. */
  readonly fields?: readonly number[];
}

/** Ids of the fields that a change gave another value. */
function changedFields({ action, before, after, fields }: Change): number[] {
  if (fields) return [...fields];
  if (action === 'create') return Object.keys(after ?? {}).map(Number);
  if (action !== 'update') return [];
  const [old, now] = [before ?? {}, after ?? {}];
  return [...new Set([...Object.keys(old), ...Object.keys(now)])]
    .filter((id) => JSON.stringify(old[id]) !== JSON.stringify(now[id]))
    .map(Number);
}

/** Whether the action behind a change is being traced (W3C trace context: the sampled flag). */
const sampled = (traceparent: string | undefined): string | null =>
  traceparent !== undefined && /[13579bdf]$/.test(traceparent) ? traceparent : null;

const json = (value: Snapshot | null): string | null => (value === null ? null : JSON.stringify(value));

/**
 * Writes changes beside what makes them, many in one statement: to stand in a `with`, behind it. Of the changes those
 * are logged whose record is among `written`. `at`: when the records say it was. What is secret goes in sealed;
 * PostgreSQL could not recompute its digest, so that is made as scheme 2 has it.
 */
export function changesLogged(
  registryId: string,
  reader: Reader,
  at: string,
  changes: readonly Change[],
  written: RawBuilder<unknown>,
): RawBuilder<unknown> {
  const person = reader.person?.id ?? null;
  const { application, exchangeId } = reader.caller;
  const operator = reader.caller.operator ?? null;
  const circumstances = {
    registryId,
    application,
    operator,
    person,
    exchangeId,
    at: new Date(at).toISOString(),
  };
  const context = currentContext();
  const said = changes.map((change) => {
    const salt = drawRandom(16);
    const content = kept(change.record, salt, change.before, change.after);
    const { before, after } = content.kept;
    const scheme = content.kept.sealed === null ? 3 : 2;
    const texts = { before: json(before), after: json(after) };
    const whole = scheme === 3 ? texts : { before: json(content.before), after: json(content.after) };
    const beforeDigest = contentDigest(scheme, salt, 'before', whole.before);
    const afterDigest = contentDigest(scheme, salt, 'after', whole.after);
    const digest = changeDigest(scheme, { ...circumstances, ...change }, beforeDigest, afterDigest);
    return { ...content.kept, ...texts, scheme, beforeDigest, afterDigest, digest };
  });
  const contents: BroughtColumn[] = [
    { name: 'before', type: 'json', values: said.map(({ before }) => before) },
    { name: 'after', type: 'json', values: said.map(({ after }) => after) },
    { name: 'salt', type: 'bytea', values: said.map(({ salt }) => salt) },
    { name: 'sealed', type: 'bytea', values: said.map(({ sealed }) => sealed) },
    { name: 'scheme', type: 'smallint', values: said.map(({ scheme }) => scheme) },
    { name: 'before_digest', type: 'bytea', values: said.map(({ beforeDigest }) => beforeDigest) },
    { name: 'after_digest', type: 'bytea', values: said.map(({ afterDigest }) => afterDigest) },
    { name: 'digest', type: 'bytea', values: said.map(({ digest }) => digest) },
    { name: 'fields', type: 'text', values: changes.map((change) => `{${changedFields(change).join(',')}}`) },
  ];
  return sql`
    c as materialized (
      select nextval('change_log_seq') as seq, c.*
      from (
        select *
        from ${brought('c', [
          { name: 'record', type: 'uuid', values: changes.map(({ record }) => record) },
          { name: 'row_version', type: 'integer', values: changes.map(({ rowVersion }) => rowVersion) },
          { name: 'action', type: 'text', values: changes.map(({ action }) => action) },
          { name: 'place', type: 'integer', values: changes.map((_, index) => index) },
          ...contents,
        ])}
        where record in (${written})
        order by place
      ) c
    ), content as (
      insert into change_content (seq, salt, before, after, sealed)
      select seq, salt, before, after, sealed
      from c
    ), logged as (
      insert into change_log (seq, registry_id, record, row_version, action, application, operator, person, exchange_id,
        at, scheme, before_digest, after_digest, digest, fields, correlation_id, traceparent)
      select seq, ${registryId}::bigint, record, row_version, action, ${application}, ${operator}::text,
        ${person}::text, ${exchangeId}, ${circumstances.at}::timestamptz, scheme, before_digest, after_digest, digest,
        fields::integer[], ${context?.correlationId ?? null}::text, ${sampled(context?.traceparent)}::text
      from c
    )`;
}

/** Writes changes in the transaction that makes them. */
export async function logChanges(
  trx: Transaction<RegistryTables>,
  registryId: string,
  reader: Reader,
  at: string,
  changes: readonly Change[],
): Promise<void> {
  if (changes.length === 0) return;
  const written = sql`select unnest(${changes.map(({ record }) => record)}::uuid[])`;
  await sql`${prepared} with ${changesLogged(registryId, reader, at, changes, written)} select`.execute(trx);
}

/**
 * `changesLogged` for records that a statement has just inserted, without the contents leaving the database. `written`
 * are their rows; none of them says anything secret. To stand in a `with`; `logged` has the sequence numbers.
 */
export function logCreated(
  { id, current }: Pick<Registry, 'id' | 'current'>,
  reader: Reader,
  at: string,
): RawBuilder<unknown> {
  const { application, exchangeId } = reader.caller;
  const operator = reader.caller.operator ?? null;
  const person = reader.person?.id ?? null;
  const context = currentContext();
  const utf8 = (text: RawBuilder<unknown>) => sql`convert_to(${text}, 'UTF8')`;
  return sql`
    said as materialized (
      select nextval('change_log_seq') as seq, uuid, uuid_send(gen_random_uuid()) as salt,
        ${snapshotOfRow(current)} as after, ${fieldsOfRow(current)} as fields
      from written
    ), content_digests as materialized (
      select seq, uuid, fields, sha256(salt || ${utf8(sql`'after' || after`)}) as after_digest
      from said
    ), content as (
      insert into change_content (seq, salt, after)
      select seq, salt, after::json
      from said
    ), logged as (
      insert into change_log (seq, registry_id, record, row_version, action, application, operator, person, exchange_id,
        at, scheme, after_digest, digest, fields, correlation_id, traceparent)
      select seq, ${id}::bigint, uuid, 1, 'create', ${application}, ${operator}::text, ${person}::text,
        ${exchangeId}, ${at}::timestamptz, 3, after_digest,
        sha256(${utf8(sql`json_build_array(${id}::text, uuid::text, 1, 'create', ${application}::text, ${operator}::text,
          ${person}::text, ${exchangeId}::text, null, encode(after_digest, 'hex'), ${at.replace('Z', '000Z')}::text)::text`)}),
        fields, ${context?.correlationId ?? null}::text,
        ${sampled(context?.traceparent)}::text
      from content_digests
      returning seq
    )`;
}

const open = (fields: readonly Field[]): Field[] => fields.filter(({ secret }) => !secret);

/** `snapshotOf` in SQL, as JSON text: put together from the texts of the values, nothing is parsed. */
function snapshotOfRow(fields: readonly Field[]): RawBuilder<unknown> {
  const text = ({ type, column }: Field): RawBuilder<unknown> => {
    if (['json', 'file', 'integer', 'boolean'].includes(type)) return sql`${sql.id(column)}::text`;
    if (type === 'date') return sql`'"' || ${sql.id(column)} || '"'`;
    if (type === 'date-time')
      return sql`'"' || to_char(${sql.id(column)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || '"'`;
    return type === 'time'
      ? sql`to_json(${sql.id(column)} || 'Z')::text`
      : sql`to_json(${sql.id(column)})::text`;
  };
  const said = open(fields).map((field) => sql`${sql.lit(`"${field.id}":`)} || ${text(field)}`);
  // A function takes a hundred arguments. What is null is left out.
  const groups = Array.from(
    { length: Math.ceil(said.length / 90) },
    (_, group) => sql`nullif(concat_ws(',', ${sql.join(said.slice(group * 90, group * 90 + 90))}), '')`,
  );
  return groups.length === 0 ? sql`'{}'` : sql`'{' || concat_ws(',', ${sql.join(groups)}) || '}'`;
}

/** Ids of the fields in which a row says something. */
const fieldsOfRow = (fields: readonly Field[]): RawBuilder<unknown> =>
  sql`array_remove(array[${sql.join(
    open(fields).map(
      ({ id, column }) => sql`case when ${sql.id(column)} is not null then ${sql.lit(id)} end`,
    ),
  )}]::integer[], null)`;

import { badRequest, type ProblemDetail } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import type { Registry } from '../schema/catalogue.ts';
import type { Field } from '../schema/field.ts';
import type { RegistryTables } from '../tables.ts';
import { eachValue, type Values } from './content.ts';

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The id of a document of this block in a value of a file field; other references lead elsewhere. */
export function documentIdOf(value: unknown): string | undefined {
  const id = (value as { readonly $documentId?: unknown } | null)?.$documentId;
  return typeof id === 'string' && uuidPattern.test(id) ? id.toLowerCase() : undefined;
}

/** Binds the documents that records name to them; each belongs to one record and to the field it was uploaded for. */
export async function bindDocuments(
  trx: Kysely<RegistryTables>,
  registry: Pick<Registry, 'id'>,
  fields: readonly Field[],
  records: readonly { readonly record: string; readonly values: Values }[],
  pointerTo: (index: number) => string,
): Promise<void> {
  const wanted = fields.flatMap((field) =>
    field.documents
      ? eachValue(
          field,
          records.map(({ values }) => values),
          pointerTo,
        ).flatMap(({ value, pointer, index }) => {
          const id = documentIdOf(value);
          return id ? [{ id, pointer, field: field.id, record: records[index]?.record as string }] : [];
        })
      : [],
  );
  if (wanted.length === 0) return;
  const { rows } = await sql<{ id: string; record: string; field: number }>`
    update document d
    set record = w.record
    from unnest(
      ${wanted.map(({ id }) => id)}::uuid[],
      ${wanted.map(({ field }) => field)}::integer[],
      ${wanted.map(({ record }) => record)}::uuid[]
    ) as w(id, field, record)
    where d.id = w.id
      and d.registry_id = ${registry.id}::bigint
      and d.field = w.field
      and (d.record is null or d.record = w.record)
    returning d.id, d.record, d.field`.execute(trx);
  const bound = new Map(rows.map(({ id, record }) => [id, record]));
  const errors = wanted
    .filter(({ id, record }) => bound.get(id) !== record)
    .map(
      ({ pointer }): ProblemDetail => ({
        in: 'body',
        pointer: `${pointer}/$documentId`,
        detail: 'names no document that was uploaded for this field and is not in another record',
      }),
    );
  if (errors.length > 0) throw badRequest('The record is not valid', errors.slice(0, 100));
}

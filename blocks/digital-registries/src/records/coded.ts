import { badRequest, type ProblemDetail } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import type { Registry } from '../schema/catalogue.ts';
import type { Field } from '../schema/field.ts';
import type { RegistryTables } from '../tables.ts';
import { eachValue, type Values } from './content.ts';

/** Fields with a code list take only keys that are in force today (REG-6.1-3-a). */
export async function assertCoded(
  trx: Kysely<RegistryTables>,
  registry: Pick<Registry, 'owner'>,
  fields: readonly Field[],
  records: readonly Values[],
  pointerTo: (index: number) => string,
): Promise<void> {
  const errors: ProblemDetail[] = [];
  for (const field of fields) {
    if (field.catalogue === undefined) continue;
    const given = eachValue(field, records, pointerTo);
    if (given.length === 0) continue;
    const { rows } = await sql<{ key: string }>`
      select i.key
      from code_list l
      join code_item i on i.list_id = l.id
      where l.owner = ${registry.owner}
        and l.code = ${field.catalogue}
        and i.key = any(${[...new Set(given.map(({ value }) => String(value)))]}::text[])
        and (i.valid_from is null or i.valid_from <= current_date)
        and (i.valid_to is null or i.valid_to >= current_date)`.execute(trx);
    const valid = new Set(rows.map(({ key }) => key));
    for (const { value, pointer } of given)
      if (!valid.has(String(value)))
        errors.push({ in: 'body', pointer, detail: `is not a key of ${field.catalogue} that is in force` });
  }
  if (errors.length > 0) throw badRequest('The record is not valid', errors.slice(0, 100));
}

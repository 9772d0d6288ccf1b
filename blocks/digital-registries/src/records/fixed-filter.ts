import { badRequest, type ProblemDetail } from '@govstack/platform';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Granted } from '../access/access.ts';
import type { Registry } from '../schema/catalogue.ts';
import type { Field } from '../schema/field.ts';
import type { RegistryTables } from '../tables.ts';
import { type Filter, filterCondition, type Operator } from './list.ts';
import { inWordsOfTheRequest, table } from './statement.ts';

/** A condition an owner sets once, on a field by its id: a new name or version of the field leaves it as it is. */
export interface FixedFilter {
  readonly field: number;
  readonly operator: Operator;
  readonly value?: unknown;
}

/** Whether a field is kept encrypted: not to be compared, grouped, shared or opened. */
export const isSecret = ({ secret }: Field): boolean => secret === true;

/** Conditions that name fields, as conditions on their ids. Defects go to `defects`. */
export function fixedFilters(
  fields: readonly Field[],
  filters: readonly Filter[],
  pointer: string,
  defects: ProblemDetail[],
): FixedFilter[] {
  return filters.flatMap(({ field: name, operator, value }, index) => {
    const field = fields.find((one) => one.name === name);
    const defect = (detail: string): [] => {
      defects.push({ in: 'body', pointer: `${pointer}/${index}/field`, detail });
      return [];
    };
    if (!field) return defect('is not a field of this registry');
    if (isSecret(field)) return defect('is secret: it cannot be compared');
    return [{ field: field.id, operator, ...(value === undefined ? {} : { value }) }];
  });
}

/** What fixed filters ask of a record; undefined when there are none. */
export function fixedCondition(
  registry: Registry,
  filters: readonly FixedFilter[],
): RawBuilder<unknown> | undefined {
  if (filters.length === 0) return undefined;
  const conditions = filters.map(({ field: id, operator, value }) => {
    const field = registry.current.find((one) => one.id === id);
    return field ? filterCondition([field], { field: field.name, operator, value }) : sql`false`;
  });
  return sql`(${sql.join(conditions, sql` and `)})`;
}

/** The same registry with fewer records and, when ids are given, fewer fields for the reader. */
export function narrowed(
  granted: Granted,
  filters: readonly FixedFilter[],
  fields: readonly number[] | null = null,
): Granted {
  const condition = fixedCondition(granted.registry, filters);
  const { rows, partial, asked, writable } = granted;
  const kept = ({ id }: Field): boolean => fields === null || fields.includes(id);
  return {
    ...granted,
    fields: granted.fields.filter(kept),
    ...(partial ? { partial: partial.filter(({ field }) => kept(field)) } : {}),
    ...(asked ? { asked: asked.filter(kept) } : {}),
    ...(writable ? { writable: writable.filter(kept) } : {}),
    rows: rows && condition ? sql`(${rows} and ${condition})` : (condition ?? rows),
  };
}

/** Refuses values that do not fit their fields, before a filter is kept. */
export async function assertFilters(
  db: Kysely<RegistryTables>,
  registry: Registry,
  filters: readonly FixedFilter[],
): Promise<void> {
  if (filters.length > 20) throw badRequest('A filter has at most 20 conditions');
  const condition = fixedCondition(registry, filters);
  if (condition)
    await inWordsOfTheRequest(
      registry.current,
      sql`select from ${table(registry)} where ${condition} limit 0`.execute(db),
    );
}

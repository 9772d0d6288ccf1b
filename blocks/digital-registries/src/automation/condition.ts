import { type RawBuilder, sql } from 'kysely';
import { type Filter, filterCondition, type Operator } from '../records/list.ts';
import type { Field } from '../schema/field.ts';
import { isObject, type Reading } from './expression.ts';

/** Which records: conditions on fields, joined by AND and OR. */
export type Condition =
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly not: Condition }
  | Filter;

const operators: ReadonlySet<string> = new Set<Operator>([
  'eq',
  'ne',
  'lt',
  'le',
  'gt',
  'ge',
  'in',
  'startsWith',
  'isNull',
]);
const deepest = 6;

/** Reads a condition; its defects are in `reading`. */
export function readCondition(value: unknown, pointer: string, reading: Reading, depth = 0): Condition {
  const defect = (detail: string, at = pointer): Condition => {
    reading.defects.push({ in: 'body', pointer: at, detail });
    return { all: [] };
  };
  reading.nodes += 1;
  if (reading.nodes > 500) return defect('there are too many conditions');
  if (depth > deepest) return defect(`is nested deeper than ${deepest}`);
  if (!isObject(value)) return defect('is not a condition');
  for (const join of ['all', 'any'] as const) {
    const parts = value[join];
    if (parts === undefined) continue;
    if (!Array.isArray(parts) || parts.length === 0 || Object.keys(value).length > 1)
      return defect('must be a list of conditions', `${pointer}/${join}`);
    const read = parts.map((one, index) =>
      readCondition(one, `${pointer}/${join}/${index}`, reading, depth + 1),
    );
    return join === 'all' ? { all: read } : { any: read };
  }
  if (value.not !== undefined) return { not: readCondition(value.not, `${pointer}/not`, reading, depth + 1) };
  const { field, operator, value: sought, ...rest } = value;
  if (typeof field !== 'string' || typeof operator !== 'string' || !operators.has(operator))
    return defect(`needs field and one of the operators ${[...operators].join(', ')}`);
  if (Object.keys(rest).length > 0) return defect('has parts that are not known here');
  reading.fields.add(field);
  return { field, operator: operator as Operator, ...(sought === undefined ? {} : { value: sought }) };
}

/** The condition on the columns of the table. What is neither true nor false does not hold. */
export function conditionSql(fields: readonly Field[], condition: Condition): RawBuilder<unknown> {
  if ('all' in condition) return joined(fields, condition.all, sql` and `);
  if ('any' in condition) return joined(fields, condition.any, sql` or `);
  if ('not' in condition) return sql`(${conditionSql(fields, condition.not)}) is not true`;
  return filterCondition(fields, condition);
}

const joined = (
  fields: readonly Field[],
  parts: readonly Condition[],
  by: RawBuilder<unknown>,
): RawBuilder<unknown> =>
  parts.length === 0
    ? sql`true`
    : sql`(${sql.join(
        parts.map((one) => conditionSql(fields, one)),
        by,
      )})`;

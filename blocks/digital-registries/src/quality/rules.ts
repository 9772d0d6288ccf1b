import { sql } from 'kysely';
import type { Field } from '../schema/field.ts';
import type { WantedIndex } from '../schema/table.ts';

/** How two values of a field are compared. */
export type DuplicateMethod = 'exact' | 'phonetic' | 'trigram' | 'date';

export interface DuplicateRule {
  readonly field: Field;
  readonly method: DuplicateMethod;
  readonly weight: number;
  /** Of dates: days within which they are taken for nearly the same. */
  readonly tolerance: number;
}

/** How records about the same are found: `duplicates` of a schema. */
export interface DuplicateRules {
  readonly rules: readonly DuplicateRule[];
  /** From which score on, 0 to 1. */
  readonly threshold: number;
  /** What becomes of a new record that has candidates. */
  readonly action: 'warn' | 'refuse';
}

const methods: ReadonlySet<unknown> = new Set(['exact', 'phonetic', 'trigram', 'date']);
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const mostRules = 12;

/** Reads the deduplication rules of a schema (REG-4.1-b): `{"fields": [{"field", "method", "weight"?, "tolerance"?}], "threshold"?, "action"?}`. */
export function duplicateRules(
  given: unknown,
  fields: readonly Field[],
  defect: (pointer: string, detail: string) => void = () => undefined,
): DuplicateRules | undefined {
  if (given === undefined) return undefined;
  const at = '/schema/duplicates';
  if (!isObject(given) || !Array.isArray(given.fields)) {
    defect(at, 'must be an object with fields');
    return undefined;
  }
  const { threshold = 0.8, action = 'warn' } = given;
  if (given.fields.length === 0 || given.fields.length > mostRules)
    defect(`${at}/fields`, `must be 1 to ${mostRules}`);
  const share = typeof threshold === 'number' && threshold > 0 && threshold <= 1;
  if (!share) defect(`${at}/threshold`, 'must be above 0 and at most 1');
  if (action !== 'warn' && action !== 'refuse') defect(`${at}/action`, 'must be warn or refuse');
  const rules = given.fields.flatMap((rule: unknown, index): DuplicateRule[] => {
    const pointer = `${at}/fields/${index}`;
    const { field: name, method, weight = 1, tolerance = 0 } = isObject(rule) ? rule : {};
    const field = fields.find((one) => one.name === name);
    if (!field) defect(`${pointer}/field`, 'is not a field');
    if (!methods.has(method)) defect(`${pointer}/method`, 'must be exact, phonetic, trigram or date');
    if (typeof weight !== 'number' || !(weight > 0 && weight <= 100))
      defect(`${pointer}/weight`, 'must be above 0 and at most 100');
    if (!(Number.isInteger(tolerance) && (tolerance as number) >= 0 && (tolerance as number) <= 36_500))
      defect(`${pointer}/tolerance`, 'must be a number of days');
    if (!field || !methods.has(method)) return [];
    if ((method === 'phonetic' || method === 'trigram') && field.type !== 'text')
      defect(`${pointer}/method`, 'compares texts');
    if (method === 'date' && field.type !== 'date' && field.type !== 'date-time')
      defect(`${pointer}/method`, 'compares dates');
    if (field.type === 'json' || field.type === 'file') defect(`${pointer}/field`, 'has no single values');
    return [
      { field, method: method as DuplicateMethod, weight: Number(weight), tolerance: Number(tolerance) },
    ];
  });
  if (rules.length > 0 && rules.every(({ method }) => method === 'date'))
    defect(`${at}/fields`, 'need more than dates');
  return { rules, threshold: Number(threshold), action: action === 'refuse' ? 'refuse' : 'warn' };
}

/** The indexes by which candidates are found. */
export function duplicateIndexes(registryId: string, duplicates: DuplicateRules | undefined): WantedIndex[] {
  const wanted = (duplicates?.rules ?? []).flatMap(({ field, method }): WantedIndex[] => {
    const column = sql.id(field.column);
    const name = (letter: string): string => `${letter}_${registryId}_${field.column.slice(2)}`;
    if (method === 'phonetic')
      return [{ name: name('p'), unique: false, on: sql`using gin (reg.sounds(${column}))` }];
    if (method === 'trigram')
      return [{ name: name('t'), unique: false, on: sql`using gin (${column} public.gin_trgm_ops)` }];
    if (method === 'exact' && !field.unique && !field.primaryKey)
      return [{ name: name('i'), unique: false, on: sql`(${column}, uuid)` }];
    return [];
  });
  return [...new Map(wanted.map((one) => [one.name, one])).values()];
}

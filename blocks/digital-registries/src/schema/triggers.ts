import { badRequest } from '@govstack/platform';
import type { Action, Condition, Trigger } from './field.ts';

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const listOf = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isObject) : []);

const logics = new Set(['==', '!=', '>', '<', '>=', '<=']);
const actions = new Set(['set-value', 'upper-case', 'lower-case', 'prefix', 'suffix', 'merge']);

const conditionOf = (one: Json): Condition => ({
  logic: (logics.has(one.logic as string) ? one.logic : '==') as Condition['logic'],
  value: one.value ?? '',
  gate: one.gate === '||' ? '||' : '&&',
  field: typeof one.field_id === 'number' ? one.field_id : undefined,
});

const actionOf = (one: Json, own: number): Action => ({
  type: one.type as Action['type'],
  value: typeof one.value === 'string' ? one.value : '',
  field: typeof one.field_id === 'number' ? one.field_id : own,
  fields: Array.isArray(one.field_ids) ? one.field_ids.map(Number) : [],
});

/** Triggers as a schema says them, of a field; what they ask for and nobody knows is in `defects`. */
export function triggersOf(value: unknown, own: number, defects: string[] = []): Trigger[] {
  return listOf(value).map((one) => ({
    conditions: listOf(one.conditions).map((condition) => {
      if (!logics.has(condition.logic as string)) defects.push(`has no condition ${String(condition.logic)}`);
      return conditionOf(condition);
    }),
    actions: listOf(one.actions).flatMap((action) => {
      if (actions.has(action.type as string)) return [actionOf(action, own)];
      defects.push(`has no action ${String(action.type)}`);
      return [];
    }),
  }));
}

const textOf = (value: unknown): string => (value === undefined || value === null ? '' : String(value));

function holds({ logic, value }: Condition, found: unknown): boolean {
  if (logic === '==') return textOf(found) === textOf(value);
  if (logic === '!=') return textOf(found) !== textOf(value);
  const [a, b] = [found, value].map((one) =>
    typeof one === 'number' ? one : Number(textOf(one) || Number.NaN),
  );
  const [left, right] = [a as number, b as number];
  return logic === '>'
    ? left > right
    : logic === '<'
      ? left < right
      : logic === '>='
        ? left >= right
        : left <= right;
}

/** What the templates of triggers and registry numbers can name. */
export interface Numbering {
  readonly code: string;
  /** Running number of the record in its registry. */
  readonly index: string;
  readonly year: string;
}

/** `{code}`, `{indexNoByCode}` and `{year}` filled in. */
export const filled = (template: string, { code, index, year }: Numbering): string =>
  template.replaceAll('{code}', code).replaceAll('{indexNoByCode}', index).replaceAll('{year}', year);

/** Whether any trigger could ask for the running number. */
export const namesIndex = (triggers: readonly Trigger[]): boolean =>
  triggers.some(({ actions }) => actions.some(({ value }) => value.includes('{indexNoByCode}')));

/** What triggers put together from each other must not grow beyond all bounds. */
const longestResult = 100_000;

/**
 * Carries triggers out on the values of a record by field id, in the order of the fields. `&&` binds stronger than `||`.
 * Answers the values that are new.
 */
export function runTriggers(
  fields: readonly { readonly id: number; readonly triggers: readonly Trigger[] }[],
  values: ReadonlyMap<number, unknown>,
  numbering: Numbering,
): Map<number, unknown> {
  const now = new Map(values);
  const changed = new Map<number, unknown>();
  for (const { id, triggers } of fields)
    for (const { conditions, actions } of triggers) {
      let alternative = true;
      let met = conditions.length === 0;
      for (const [index, condition] of conditions.entries()) {
        if (index > 0 && condition.gate === '||') {
          met ||= alternative;
          alternative = true;
        }
        alternative &&= holds(condition, now.get(condition.field ?? id));
      }
      if (conditions.length > 0) met ||= alternative;
      if (!met) continue;
      for (const { type, value, field, fields } of actions) {
        const before = textOf(now.get(field));
        const template = filled(value, numbering);
        const after =
          type === 'set-value'
            ? template
            : type === 'upper-case'
              ? before.toUpperCase()
              : type === 'lower-case'
                ? before.toLowerCase()
                : type === 'prefix'
                  ? before.startsWith(template)
                    ? before
                    : template + before
                  : type === 'suffix'
                    ? before.endsWith(template)
                      ? before
                      : before + template
                    : fields
                        .map((one) => textOf(now.get(one)))
                        .filter((one) => one !== '')
                        .join(template);
        if (after.length > longestResult)
          throw badRequest(`A trigger makes a text of more than ${longestResult} characters`);
        if (after === before) continue;
        now.set(field, after);
        changed.set(field, after);
      }
    }
  return changed;
}

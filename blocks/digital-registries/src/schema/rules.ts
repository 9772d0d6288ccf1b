import type { ProblemDetail } from '@govstack/platform';
import { pointerOf } from './compatibility.ts';
import type { Field } from './field.ts';

const operators = ['eq', 'ne', 'lt', 'le', 'gt', 'ge', 'in', 'isNull'] as const;
type Operator = (typeof operators)[number];

/** A statement about a record, as a schema says it. */
export type StatementSchema =
  | { readonly field: string; readonly operator: Operator; readonly value?: unknown; readonly than?: string }
  | { readonly all: readonly StatementSchema[] }
  | { readonly any: readonly StatementSchema[] }
  | { readonly not: StatementSchema };

/** When `if` holds (or is left out), so must `must`. */
export interface RuleSchema {
  readonly name?: string;
  readonly if?: StatementSchema;
  readonly must: StatementSchema;
  /** What whoever breaks it is told. */
  readonly message?: string;
}

type Values = ReadonlyMap<number, unknown>;
/** True, false, or undefined: nothing can be said, because a value is missing. */
type Statement = (values: Values) => boolean | undefined;

export interface Rule {
  /** The field that is told of. */
  readonly field: string;
  readonly message: string;
  readonly broken: (values: Values) => boolean;
}

type Defect = (pointer: string, detail: string) => void;
type Json = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const mostRules = 200;
const deepest = 8;
const comparable: ReadonlySet<string> = new Set([
  'text',
  'integer',
  'number',
  'boolean',
  'date',
  'date-time',
  'time',
]);
const kindOf = ({ type }: Field): string =>
  type === 'integer' || type === 'number'
    ? 'number'
    : type === 'date' || type === 'date-time'
      ? 'date'
      : type;

/** A value as it is compared: dates and moments on one line of time. */
function keyOf(field: Field, value: unknown): string | number | boolean | undefined {
  if (value === undefined || value === null) return undefined;
  if (kindOf(field) === 'number') return Number(value);
  if (kindOf(field) !== 'date') return value as string | boolean;
  if (value === 'today') return Date.parse(new Date().toISOString().slice(0, 10));
  return value === 'now' ? Date.now() : Date.parse(String(value));
}

const compared: Readonly<Record<'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge', (a: never, b: never) => boolean>> = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
};

interface Compiled {
  readonly holds: Statement;
  /** Fields it looks at, the first one first. */
  readonly fields: readonly Field[];
}
const nothing: Compiled = { holds: () => undefined, fields: [] };

function statement(
  said: unknown,
  fields: readonly Field[],
  pointer: string,
  defect: Defect,
  depth = 0,
): Compiled {
  const wrong = (detail: string, at = ''): Compiled => {
    defect(`${pointer}${at}`, detail);
    return nothing;
  };
  if (!isObject(said) || depth > deepest) return wrong('must be a statement about the record');
  for (const joint of ['all', 'any'] as const) {
    const list = said[joint];
    if (list === undefined) continue;
    if (!Array.isArray(list) || list.length === 0) return wrong('must be a list of statements', `/${joint}`);
    const parts = list.map((one, index) =>
      statement(one, fields, `${pointer}/${joint}/${index}`, defect, depth + 1),
    );
    const decides = joint === 'any';
    return {
      fields: parts.flatMap((part) => part.fields),
      holds(values) {
        const found = parts.map(({ holds }) => holds(values));
        if (found.includes(decides)) return decides;
        return found.includes(undefined) ? undefined : !decides;
      },
    };
  }
  if (said.not !== undefined) {
    const part = statement(said.not, fields, `${pointer}/not`, defect, depth + 1);
    return {
      fields: part.fields,
      holds(values) {
        const held = part.holds(values);
        return held === undefined ? undefined : !held;
      },
    };
  }
  const field = fields.find(({ name }) => name === said.field);
  if (!field) return wrong('is not a field', '/field');
  const operator = operators.find((one) => one === said.operator);
  if (!operator) return wrong(`must be one of ${operators.join(', ')}`, '/operator');
  if (operator === 'isNull') {
    const wanted = said.value !== false;
    return { fields: [field], holds: (values) => ((values.get(field.id) ?? null) === null) === wanted };
  }
  if (field.secret) return wrong('is secret: only whether it is there can be asked', '/field');
  if (!comparable.has(field.type)) return wrong('cannot be compared', '/field');
  if (operator === 'in') {
    if (!Array.isArray(said.value)) return wrong('must be a list', '/value');
    const allowed = said.value.map((one) => keyOf(field, one));
    return {
      fields: [field],
      holds(values) {
        const found = keyOf(field, values.get(field.id));
        return found === undefined ? undefined : allowed.includes(found);
      },
    };
  }
  const other = said.than === undefined ? undefined : fields.find(({ name }) => name === said.than);
  if (said.than !== undefined && (!other || other.secret || kindOf(other) !== kindOf(field)))
    return wrong('is not a field that can be compared with it', '/than');
  const constant = other ? undefined : keyOf(field, said.value);
  if (!other && (constant === undefined || (typeof constant === 'number' && Number.isNaN(constant))))
    return wrong('is not a value of the field', '/value');
  return {
    fields: other ? [field, other] : [field],
    holds(values) {
      const left = keyOf(field, values.get(field.id));
      const right = other
        ? keyOf(other, values.get(other.id))
        : kindOf(field) === 'date'
          ? keyOf(field, said.value)
          : constant;
      if (left === undefined || right === undefined) return undefined;
      return compared[operator](left as never, right as never);
    },
  };
}

/** Rules between the fields of a record (REG-4.1-b). What cannot be said of them is told by `defect`. */
export function compileRules(
  said: unknown,
  fields: readonly Field[],
  defect: Defect = () => undefined,
): Rule[] {
  if (said === undefined) return [];
  if (!Array.isArray(said) || said.length > mostRules) {
    defect('/schema/rules', `must be a list of at most ${mostRules} rules`);
    return [];
  }
  return said.map((rule: unknown, index): Rule => {
    const pointer = `/schema/rules/${index}`;
    if (!isObject(rule)) {
      defect(pointer, 'must be a rule');
      return { field: '', message: '', broken: () => false };
    }
    const condition = rule.if === undefined ? undefined : statement(rule.if, fields, `${pointer}/if`, defect);
    const demand = statement(rule.must, fields, `${pointer}/must`, defect);
    const name = typeof rule.name === 'string' ? rule.name : `${index + 1}`;
    return {
      field: demand.fields[0]?.name ?? '',
      message: typeof rule.message === 'string' ? rule.message : `breaks the rule ${name}`,
      broken: (values) => (condition?.holds(values) ?? !condition) && demand.holds(values) === false,
    };
  });
}

/** What is wrong with a record by the rules; `at` is where its content stands in the request. */
export const brokenRules = (rules: readonly Rule[], values: Values, at: string): ProblemDetail[] =>
  rules
    .filter(({ broken }) => broken(values))
    .map(({ field, message }) => ({
      in: 'body',
      pointer: `${at}${pointerOf(field).slice('/schema/properties'.length)}`,
      detail: message,
    }));

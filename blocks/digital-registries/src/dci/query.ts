import { Rejected, type RejectionCode } from './rejected.ts';

export type Comparison = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge' | 'in';

/** What records must be, in attributes of a mapping. */
export type Condition =
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly not: Condition }
  | { readonly attribute: string; readonly is: Comparison; readonly value: unknown };

/** A condition that compares an attribute, all of them in a condition. */
export function comparisonsOf(condition: Condition): { readonly attribute: string }[] {
  if ('all' in condition) return condition.all.flatMap(comparisonsOf);
  if ('any' in condition) return condition.any.flatMap(comparisonsOf);
  return 'not' in condition ? comparisonsOf(condition.not) : [condition];
}

const comparisons: Readonly<Record<string, Comparison>> = {
  eq: 'eq',
  ne: 'ne',
  lt: 'lt',
  le: 'le',
  lte: 'le',
  gt: 'gt',
  ge: 'ge',
  gte: 'ge',
  in: 'in',
};

const mostComparisons = 100;
const deepest = 10;
const mostValues = 1000;

type Plain = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Plain =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** How one query is read, with what it may cost. `code`: of a defect. */
class Reading {
  #left = mostComparisons;
  readonly #code: RejectionCode;

  constructor(code: RejectionCode) {
    this.#code = code;
  }

  refuse(message: string): never {
    throw new Rejected(this.#code, message);
  }

  deeper(depth: number): number {
    if (depth >= deepest) this.refuse(`The query is nested deeper than ${deepest}`);
    return depth + 1;
  }

  compare(attribute: unknown, operator: unknown, value: unknown): Condition {
    if (this.#left-- <= 0) this.refuse(`The query compares more than ${mostComparisons} times`);
    const key = typeof operator === 'string' ? operator.toLowerCase().replace(/^\$/, '') : '';
    if (typeof attribute !== 'string' || attribute === '') this.refuse('An expression names no attribute');
    if (key === 'nin') return { not: this.compare(attribute, 'in', value) };
    const is = Object.hasOwn(comparisons, key) ? comparisons[key] : undefined;
    if (!is) this.refuse('An operator is none of eq, ne, lt, le, gt, ge, in');
    if (is !== 'in') {
      if (value === undefined || value === null || typeof value === 'object')
        this.refuse(`${attribute} is not compared with a value`);
      return { attribute, is, value };
    }
    const values =
      typeof value === 'string'
        ? value.split(',').map((one) => one.trim())
        : Array.isArray(value)
          ? value
          : [value];
    if (values.length > mostValues || values.some((one) => one === null || typeof one === 'object'))
      this.refuse(`${attribute} is compared with a list of at most ${mostValues} values`);
    return { attribute, is, value: values };
  }
}

/** `{type: UIN, value: 123}`: an identifier, by its type. */
export interface IdentifierQuery {
  readonly type: string;
  readonly value: string;
}

export function identifierQuery(query: unknown, code: RejectionCode): IdentifierQuery {
  const { type, value } = isObject(query) ? query : {};
  if (typeof type !== 'string' || !['string', 'number', 'boolean'].includes(typeof value))
    throw new Rejected(code, 'An idtype-value query has a type and a value');
  return { type, value: String(value) };
}

/**
 * `{value: {expression: {collection, query: {$and: [{attribute: {$eq: value}}]}}}}`, or what is inside it. Attributes
 * beside each other must all hold.
 */
export function expressionQuery(
  given: unknown,
  code: RejectionCode,
): { readonly collection: string | undefined; readonly condition: Condition } {
  const reading: Reading = new Reading(code);
  const unwrapped = isObject(given) && isObject(given.value) ? given.value : given;
  const expression = isObject(unwrapped) && 'expression' in unwrapped ? unwrapped.expression : unwrapped;
  if (!isObject(expression)) reading.refuse('An expression query has an expression of attributes');
  const query = isObject(expression.query) ? expression.query : expression;
  const collection = expression.collection;

  const read = (part: unknown, depth: number): Condition => {
    const next = reading.deeper(depth);
    if (!isObject(part)) reading.refuse('An expression is an object of attributes');
    const list = (value: unknown): Condition[] => {
      if (!Array.isArray(value) || value.length === 0) reading.refuse('$and and $or take a list');
      return value.map((one) => read(one, next));
    };
    const all = Object.entries(part).flatMap(([name, value]): Condition[] => {
      if (name === 'collection' && part === expression) return [];
      if (name === '$and') return list(value);
      if (name === '$or') return [{ any: list(value) }];
      if (name === '$not') return [{ not: read(value, next) }];
      if (name.startsWith('$')) reading.refuse('An expression joins with $and, $or and $not');
      if (!isObject(value)) return [reading.compare(name, Array.isArray(value) ? 'in' : 'eq', value)];
      const operators = Object.entries(value);
      if (operators.length === 0) reading.refuse(`${name} is compared with nothing`);
      return operators.map(([operator, one]) =>
        operator === '$not' ? { not: read({ [name]: one }, next) } : reading.compare(name, operator, one),
      );
    });
    if (all.length === 0) reading.refuse('An expression names at least one attribute');
    return { all };
  };
  return {
    collection: typeof collection === 'string' ? collection : undefined,
    condition: read(query, 0),
  };
}

/**
 * `[{seq_num, expression1, condition, expression2}]`: all of the list must hold, in any order. An expression compares an
 * attribute, or is itself two joined ones. `not` without a second expression turns the first; with one, turns the second.
 */
export function predicateQuery(given: unknown, code: RejectionCode): Condition {
  const reading: Reading = new Reading(code);
  const list = Array.isArray(given) ? given : [];
  if (list.length === 0) reading.refuse('A predicate query is a list of predicates');
  const joined = (part: Plain, depth: number): Condition => {
    const next = reading.deeper(depth);
    const first = read(part.expression1, next);
    const second = part.expression2 === undefined ? undefined : read(part.expression2, next);
    switch (part.condition) {
      case undefined:
        if (second) reading.refuse('Two expressions are joined by and, or, not');
        return first;
      case 'and':
      case 'or':
        if (!second) reading.refuse('and and or join two expressions');
        return part.condition === 'and' ? { all: [first, second] } : { any: [first, second] };
      case 'not':
        return second ? { all: [first, { not: second }] } : { not: first };
    }
    reading.refuse('A condition is and, or, not');
  };
  const read = (part: unknown, depth: number): Condition => {
    if (!isObject(part)) reading.refuse('A predicate has an expression1');
    return 'expression1' in part
      ? joined(part, depth)
      : reading.compare(part.attribute_name, part.operator, part.attribute_value);
  };
  return {
    all: list.map((one) => {
      if (!isObject(one) || !('expression1' in one)) reading.refuse('A predicate has an expression1');
      return joined(one, 0);
    }),
  };
}

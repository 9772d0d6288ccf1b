import { evaluate, FeelDate, FeelDateTime, FeelFunction, FeelRange } from 'feelin';
import { ofMonths } from './arithmetic.ts';
import { spend, spendText } from './budget.ts';
import { Decimal, dividedBy, round, roundings, sum } from './decimal.ts';

/** FEEL functions that the interpreter lacks or computes otherwise than DMN 10.3.4. */

interface Interval {
  readonly start: unknown;
  readonly end: unknown;
  readonly startIn: boolean;
  readonly endIn: boolean;
}

/** A single value is the interval of just that value. */
const interval = (value: unknown): Interval =>
  value instanceof FeelRange
    ? {
        start: value.start,
        end: value.end,
        startIn: value['start included'],
        endIn: value['end included'],
      }
    : { start: value, end: value, startIn: true, endIn: true };

const incomparable = new Error('values that have no order');

/** Below zero: left comes first; zero: the same. */
function compare(left: unknown, right: unknown): number {
  const { value } = evaluate('if l < r then -1 else if l = r then 0 else if l > r then 1 else null', {
    l: left,
    r: right,
  });
  if (typeof value !== 'number') throw incomparable;
  return value;
}

const startsIn = (a: Interval, b: Interval): boolean => {
  const order = compare(b.start, a.start);
  return order < 0 || (order === 0 && (b.startIn || !a.startIn));
};
const endsIn = (a: Interval, b: Interval): boolean => {
  const order = compare(a.end, b.end);
  return order < 0 || (order === 0 && (b.endIn || !a.endIn));
};
const sameStart = (a: Interval, b: Interval): boolean =>
  compare(a.start, b.start) === 0 && a.startIn === b.startIn;
const sameEnd = (a: Interval, b: Interval): boolean => compare(a.end, b.end) === 0 && a.endIn === b.endIn;
const touches = (a: Interval, b: Interval): boolean => {
  const order = compare(a.end, b.start);
  return order > 0 || (order === 0 && a.endIn && b.startIn);
};

type Relation = (a: Interval, b: Interval) => boolean;
const coincides: Relation = (a, b) => sameStart(a, b) && sameEnd(a, b);
const starts: Relation = (a, b) => sameStart(a, b) && endsIn(a, b);
const finishes: Relation = (a, b) => sameEnd(a, b) && startsIn(a, b);
const during: Relation = (a, b) => startsIn(a, b) && endsIn(a, b);
const overlapsBefore: Relation = (a, b) => !startsIn(a, b) && touches(a, b) && endsIn(a, b);
const turned =
  (relation: Relation): Relation =>
  (a, b) =>
    relation(b, a);

const relation = (holds: Relation, names: readonly string[] = ['range1', 'range2']): FeelFunction =>
  new FeelFunction(
    (left: unknown, right: unknown) => {
      try {
        return left === null || right === null ? null : holds(interval(left), interval(right));
      } catch (error) {
        if (error === incomparable) return null;
        throw error;
      }
    },
    [...names],
  );

const bound = /^(-?[0-9]+(?:\.[0-9]+)?|@?"[^"]*"|(?:date|time|date and time|duration)\("[^"]*"\)|)$/;

/** A range written as text, `[1..10)`; ends are literals, one of them may be missing. */
function range(text: unknown): FeelRange | null {
  const parts = typeof text === 'string' ? /^([[(\]])(.*?)\.\.(.*)([\])[])$/.exec(text.trim()) : null;
  const [open, first, last, close] = (parts ?? []).slice(1).map((part) => part.trim());
  if (first === undefined || last === undefined || !bound.test(first) || !bound.test(last)) return null;
  if (first === '' && last === '') return null;
  const [start, end] = [first, last].map((part) => (part === '' ? null : evaluate(part).value));
  if ((first !== '' && start === null) || (last !== '' && end === null)) return null;
  if ((first === '' && open === '[') || (last === '' && close === ']')) return null;
  try {
    if (first !== '' && last !== '' && compare(start, end) > 0) return null;
  } catch {
    return null;
  }
  const { valueType } = evaluate('[a..a]', { a: start ?? end }).value as FeelRange;
  return new FeelRange({
    'start included': open === '[',
    'end included': close === ']',
    start,
    end,
    valueType,
  });
}

/** Whole years and months from one day to another. */
function monthsBetween(from: unknown, to: unknown): unknown {
  const days = [from, to].map((value) => {
    if (value instanceof FeelDateTime) return value.unwrap().toPlainDate();
    return value instanceof FeelDate ? value.unwrap() : undefined;
  });
  const [start, end] = days;
  if (!start || !end) return null;
  const between = start.until(end, { largestUnit: 'month' });
  return ofMonths(between.months);
}

function replaceInList(given: unknown, position: unknown, newItem: unknown, match: unknown): unknown {
  if (given === null) return null;
  count(given);
  const list: readonly unknown[] = Array.isArray(given) ? given : [given];
  const chosen = position ?? match;
  if (typeof chosen === 'number') {
    const index = Math.trunc(chosen) < 0 ? list.length + Math.trunc(chosen) : Math.trunc(chosen) - 1;
    return index < 0 || index >= list.length ? null : list.with(index, newItem);
  }
  if (!(chosen instanceof FeelFunction) || chosen.parameterNames.length !== 2) return null;
  const found = list.map((item) => chosen.invoke([item, newItem]) as unknown);
  if (found.some((one) => typeof one !== 'boolean')) return null;
  return list.map((item, index) => (found[index] === true ? newItem : item));
}

/** Flag `x`: spaces in the pattern mean nothing, except in classes of characters. */
const spread = (pattern: string): string => pattern.replaceAll(/(\[[^\]]*\])|\s+/g, '$1');

/** `matches` and `replace` with flag `x`, which the interpreter lacks. */
const withPattern = (name: string, names: readonly string[]): FeelFunction =>
  new FeelFunction(
    (...given: unknown[]) => {
      for (const one of given) count(one);
      if (name === 'replace' && typeof given[0] === 'string' && typeof given[2] === 'string')
        spendText(given[0].length * (given[2].length + 1));
      const flags = given[names.length - 1];
      const apart = typeof flags === 'string' && flags.includes('x') && typeof given[1] === 'string';
      const values = names.map((_, index) => {
        if (apart && index === 1) return spread(given[1] as string);
        return apart && index === names.length - 1 ? flags.replaceAll('x', '') : (given[index] ?? null);
      });
      const context = Object.fromEntries(names.map((one, index) => [one, values[index]]));
      return evaluate(`${name}(${names.join(', ')})`, context).value;
    },
    [...names],
  );

type Rounding = keyof typeof roundings;

const rounding = (Object.keys(roundings) as Rounding[]).map((name) => {
  const work = (n: unknown, scale: unknown): unknown => {
    // Only these two do without.
    const places = scale === undefined && (name === 'floor' || name === 'ceiling') ? 0 : scale;
    if (typeof n !== 'number' || typeof places !== 'number' || places < -6111 || places > 6176) return null;
    return round(n, Math.trunc(places), name);
  };
  return [name, new FeelFunction(work, ['n', 'scale'])] as const;
});

/** A function of numbers that are given as a list or one by one. Null when there is none, or something else among them. */
const ofNumbers = (work: (numbers: readonly number[]) => number): FeelFunction =>
  new FeelFunction(
    (...given: unknown[]) => {
      const all: readonly unknown[] = given.length === 1 && Array.isArray(given[0]) ? given[0] : given;
      return all.length === 0 || all.some((one) => typeof one !== 'number')
        ? null
        : work(all as readonly number[]);
    },
    ['...list'],
  );

function modulo(dividend: unknown, divisor: unknown): unknown {
  if (typeof dividend !== 'number' || typeof divisor !== 'number' || divisor === 0) return null;
  const times = new Decimal(dividend).div(divisor).floor();
  return new Decimal(dividend).minus(times.times(divisor)).toNumber();
}

/** What is counted of an argument: items of lists, those of their lists too; texts are counted apart. */
function count(value: unknown): void {
  if (typeof value === 'string') spendText(value.length);
  if (!Array.isArray(value)) return;
  spend(value.length);
  for (const one of value as readonly unknown[]) if (typeof one === 'object' && one !== null) count(one);
}

/** A function of the interpreter that makes something as large as its arguments, which are counted before. */
function counted(name: string): readonly [string, FeelFunction] {
  const own = evaluate(name).value as ((...given: unknown[]) => unknown) & { readonly $args: string[] };
  return [
    name,
    new FeelFunction((...given: unknown[]) => {
      for (const one of given) count(one);
      return own(...given);
    }, own.$args),
  ];
}

export const functions: Readonly<Record<string, FeelFunction>> = {
  coincides: relation(coincides),
  starts: relation(starts),
  'started by': relation(turned(starts)),
  finishes: relation(finishes),
  'finished by': relation(turned(finishes)),
  during: relation(during),
  'overlaps before': relation(overlapsBefore),
  'overlaps after': relation(turned(overlapsBefore)),
  range: new FeelFunction(range, ['from']),
  'years and months duration': new FeelFunction(monthsBetween, ['from', 'to']),
  'list replace': new FeelFunction(replaceInList, ['list', 'position', 'newItem', 'match']),
  matches: withPattern('matches', ['input', 'pattern', 'flags']),
  replace: withPattern('replace', ['input', 'pattern', 'replacement', 'flags']),
  ...Object.fromEntries(rounding),
  sum: ofNumbers(sum),
  mean: ofNumbers((numbers) => dividedBy(sum(numbers), numbers.length)),
  product: ofNumbers((numbers) => numbers.reduce((all, one) => all.times(one), new Decimal(1)).toNumber()),
  modulo: new FeelFunction(modulo, ['dividend', 'divisor']),
  ...Object.fromEntries(
    [
      'concatenate',
      'append',
      'union',
      'flatten',
      'insert before',
      'remove',
      'distinct values',
      'string join',
    ].map(counted),
  ),
};

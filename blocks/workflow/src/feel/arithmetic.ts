import { evaluate, FeelDate, FeelDateTime, FeelDuration, FeelTime, duration as read } from 'feelin';
import { spend, spendText } from './budget.ts';
import { dividedBy, minus, plus, power, times } from './decimal.ts';
import { itemsOf, rangeOf } from './iteration.ts';

/** Arithmetic of dates and durations that the interpreter lacks or computes otherwise than FEEL (DMN 10.3.2.5). */

const day = 86_400;

const months = (value: FeelDuration): number => value.unwrap().years * 12 + value.unwrap().months;
const seconds = (value: FeelDuration): number => value.unwrap().total({ unit: 'second' });

/** A duration of whole months. */
export function ofMonths(count: number): FeelDuration | null {
  const whole = Math.trunc(count);
  const size = Math.abs(whole);
  return read(`${whole < 0 ? '-' : ''}P${Math.floor(size / 12)}Y${size % 12}M`);
}

/** A duration of days and time; fractions of a second down to the nanosecond. */
function ofSeconds(count: number): FeelDuration | null {
  const size = Math.abs(count);
  const rest = size % day;
  const clock = `${Math.floor(rest / 3600)}H${Math.floor((rest % 3600) / 60)}M${Number((rest % 60).toFixed(9))}S`;
  return read(`${count < 0 ? '-' : ''}P${Math.floor(size / day)}DT${clock}`);
}

const builtIn = (operation: string, left: unknown, right: unknown): unknown =>
  evaluate(`left ${operation} right`, { left, right }).value;

const isMoment = (value: unknown): value is FeelDate | FeelDateTime =>
  value instanceof FeelDate || value instanceof FeelDateTime;

/** Seconds since 1970 and whether they are of a known zone: a date begins at midnight UTC, a local time anywhere. */
function moment(value: FeelDate | FeelDateTime): { readonly at: number; readonly zoned: boolean } {
  const zone = value instanceof FeelDate ? 'UTC' : value.zone;
  const local = value instanceof FeelDate ? value.unwrap().toPlainDateTime() : value.unwrap();
  return { at: local.toZonedDateTime(zone ?? 'UTC').epochMilliseconds / 1000, zoned: zone !== null };
}

function shift(left: unknown, right: FeelDuration, operation: '+' | '-'): unknown {
  if (left instanceof FeelTime && right.yearsMonths) return null;
  if (!(left instanceof FeelDate) || right.yearsMonths) return builtIn(operation, left, right);
  const shifted = moment(left).at + (operation === '+' ? 1 : -1) * seconds(right);
  return builtIn('+', left, ofSeconds(Math.floor(shifted / day) * day - moment(left).at));
}

function add(left: unknown, right: unknown): unknown {
  if (left instanceof FeelDuration && !(right instanceof FeelDuration)) return add(right, left);
  return right instanceof FeelDuration && !(left instanceof FeelDuration)
    ? shift(left, right, '+')
    : builtIn('+', left, right);
}

function subtract(left: unknown, right: unknown): unknown {
  if (right instanceof FeelDuration && !(left instanceof FeelDuration)) return shift(left, right, '-');
  if (left instanceof FeelTime !== right instanceof FeelTime) return null;
  if (!isMoment(left) || !isMoment(right)) return builtIn('-', left, right);
  const [from, to] = [moment(right), moment(left)];
  return from.zoned === to.zoned ? ofSeconds(to.at - from.at) : null;
}

function multiply(left: unknown, right: unknown): unknown {
  if (left instanceof FeelDuration && typeof right === 'number') {
    return left.yearsMonths ? ofMonths(months(left) * right) : ofSeconds(seconds(left) * right);
  }
  return right instanceof FeelDuration && typeof left === 'number'
    ? multiply(right, left)
    : builtIn('*', left, right);
}

function divide(left: unknown, right: unknown): unknown {
  if (!(left instanceof FeelDuration)) return builtIn('/', left, right);
  if (typeof right === 'number') return right === 0 ? null : multiply(left, 1 / right);
  if (!(right instanceof FeelDuration) || left.yearsMonths !== right.yearsMonths) return null;
  const size = left.yearsMonths ? months : seconds;
  return size(right) === 0 ? null : size(left) / size(right);
}

const quick =
  (both: (left: number, right: number) => number, otherwise: (left: unknown, right: unknown) => unknown) =>
  (left: unknown, right: unknown): unknown =>
    typeof left === 'number' && typeof right === 'number' ? both(left, right) : otherwise(left, right);

function join(left: unknown, right: unknown): unknown {
  if (typeof left !== 'string' || typeof right !== 'string') return add(left, right);
  spendText(left.length + right.length);
  return left + right;
}

/** The functions that `withCalls` (rewrite.ts) writes into an expression. */
export const calls: Readonly<Record<string, (left: unknown, right: unknown) => unknown>> = {
  feel_add: quick(plus, join),
  feel_subtract: quick(minus, subtract),
  feel_multiply: quick(times, multiply),
  feel_divide: (left, right) =>
    typeof left === 'number' && typeof right === 'number' && right !== 0
      ? dividedBy(left, right)
      : divide(left, right),
  feel_power: quick(power, (left, right) => builtIn('**', left, right)),
  feel_items: (list) => itemsOf(list),
  feel_range: (start, end) => rangeOf(start, end),
  feel_called: (result) => {
    spend(1);
    return result;
  },
};

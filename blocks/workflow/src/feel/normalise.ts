import { FeelDate, FeelDateTime, FeelDuration, FeelTime } from 'feelin';
import type { Json } from './json.ts';

/** An expression that cannot be evaluated, worded for the writer of the process. Never carries variable values. */
export class FeelError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'FeelError';
  }
}

/**
 * FEEL numbers are decimal, feelin computes with binary floats. Fractions are rounded to the 15 digits that a float
 * holds exactly, so 0.1 + 0.2 is 0.3; whole numbers beyond 2^53 are refused instead of silently changed.
 */
export function exactNumber(value: number): number {
  if (!Number.isFinite(value)) throw new FeelError('the result is not a finite number');
  if (Number.isInteger(value)) {
    if (!Number.isSafeInteger(value)) throw new FeelError('the result is a number too large to be exact');
    return Object.is(value, -0) ? 0 : value;
  }
  return Number(value.toPrecision(15));
}

const isTemporal = (value: unknown): value is { toString(): string } =>
  value instanceof FeelDate ||
  value instanceof FeelTime ||
  value instanceof FeelDateTime ||
  value instanceof FeelDuration;

const deepest = 100;
const mostParts = 1_000_000;

/**
 * The JSON form of a FEEL value: dates and durations as ISO 8601 text, nothing as null. Throws `FeelError` for what has
 * none, and for what would be deeper or larger than any value that is kept: parts that occur twice count twice.
 */
export const normalise = (value: unknown): Json => toJson(value, 0, { parts: 0 });

function toJson(value: unknown, depth: number, seen: { parts: number }): Json {
  seen.parts += 1;
  if (depth > deepest) throw new FeelError(`the result is nested deeper than ${deepest}`);
  if (seen.parts > mostParts) throw new FeelError(`the result has more than ${mostParts} parts`);
  if (value === null || value === undefined) return null;
  if (typeof value === 'number') return exactNumber(value);
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.map((one) => toJson(one, depth + 1, seen));
  if (isTemporal(value)) return value.toString();
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new FeelError('the result is a function or a range, which cannot be stored');
  }
  return Object.fromEntries(
    Object.entries(value as object).map(([key, entry]) => [key, toJson(entry, depth + 1, seen)]),
  ) as Json;
}

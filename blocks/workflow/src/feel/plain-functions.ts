import { spend } from './budget.ts';
import { sum } from './decimal.ts';
import { isRecord, type Json } from './json.ts';

/** Thrown when a plain expression meets values that only the full interpreter judges. */
export const beyond = new Error('not a plain case');

const list = (value: Json | undefined): readonly Json[] => {
  if (!Array.isArray(value)) throw beyond;
  return value as readonly Json[];
};
const text = (value: Json | undefined): string => {
  if (typeof value !== 'string') throw beyond;
  return value;
};
const number = (value: Json | undefined): number => {
  if (typeof value !== 'number') throw beyond;
  return value;
};
const numbers = (value: Json | undefined): readonly number[] => {
  const items = list(value);
  if (items.length === 0) throw beyond;
  return items.map(number);
};
/** Positions count characters; only in such texts are they the same as code units. */
const simple = (value: Json | undefined): string => {
  const given = text(value);
  if (!/^[\x20-\x7e]*$/.test(given)) throw beyond;
  return given;
};
const isScalar = (value: Json | undefined): boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';

const counted = (made: readonly Json[]): readonly Json[] => {
  spend(made.length);
  return made;
};

type Plain = (args: readonly Json[]) => Json;

const exactly =
  (count: number, work: Plain): Plain =>
  (args) => {
    if (args.length !== count) throw beyond;
    return work(args);
  };

/** FEEL functions on arguments of the types they are meant for; anything else goes to the interpreter. */
export const plainFunctions: ReadonlyMap<string, Plain> = new Map<string, Plain>([
  ['count', exactly(1, ([items]) => list(items).length)],
  ['sum', exactly(1, ([items]) => sum(numbers(items)))],
  ['min', exactly(1, ([items]) => numbers(items).reduce((least, one) => Math.min(least, one)))],
  ['max', exactly(1, ([items]) => numbers(items).reduce((most, one) => Math.max(most, one)))],
  ['concatenate', (args) => counted(args.flatMap(list))],
  ['append', exactly(2, ([items, item]) => counted([...list(items), item as Json]))],
  [
    'not',
    exactly(1, ([value]) => {
      if (typeof value !== 'boolean') throw beyond;
      return !value;
    }),
  ],
  [
    'string',
    exactly(1, ([value]) => {
      if (typeof value === 'string') return value;
      if (Number.isSafeInteger(value)) return String(value);
      throw beyond;
    }),
  ],
  [
    'number',
    exactly(1, ([value]) => {
      if (!/^-?[0-9]{1,15}(\.[0-9]{1,6})?$/.test(text(value))) throw beyond;
      return Number(value);
    }),
  ],
  [
    'get value',
    exactly(2, ([record, key]) => {
      if (!isRecord(record) || !Object.hasOwn(record, text(key))) throw beyond;
      return record[text(key)] as Json;
    }),
  ],
  [
    'list contains',
    exactly(2, ([items, item]) => {
      const all = list(items);
      if (!isScalar(item) || !all.every(isScalar)) throw beyond;
      return all.includes(item as Json);
    }),
  ],
  [
    'substring',
    ([given, start, length]) => {
      const from = number(start);
      const upTo = length === undefined ? undefined : from - 1 + number(length);
      if (!Number.isInteger(from) || from < 1 || (upTo !== undefined && upTo < from)) throw beyond;
      return simple(given).slice(from - 1, upTo);
    },
  ],
  ['string length', exactly(1, ([given]) => simple(given).length)],
  ['contains', exactly(2, ([given, part]) => text(given).includes(text(part)))],
  ['starts with', exactly(2, ([given, part]) => text(given).startsWith(text(part)))],
]);

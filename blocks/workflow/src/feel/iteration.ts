import { FeelDate, FeelRange, parseDate } from 'feelin';
import { spend } from './budget.ts';

/** What `for`, `some` and `every` go through (DMN 10.3.2.14), counted before it is made. */

/** `length` values, each made of its place. */
function made<T>(length: number, item: (place: number) => T): T[] {
  spend(length);
  return Array.from({ length }, (_, place) => item(place));
}

/** From one value to another in steps of one: numbers and days, also downwards. Null: nothing else goes in steps. */
export function rangeOf(start: unknown, end: unknown): unknown[] | null {
  if (typeof start === 'number' && typeof end === 'number') {
    const step = start <= end ? 1 : -1;
    return made(Math.floor(Math.abs(end - start)) + 1, (place) => start + step * place);
  }
  if (start instanceof FeelDate && end instanceof FeelDate) {
    const first = start.unwrap();
    const { days } = first.until(end.unwrap(), { largestUnit: 'day' });
    const step = Math.sign(days);
    return made(Math.abs(days) + 1, (place) => parseDate(first.add({ days: step * place }).toString()));
  }
  return null;
}

/** The items of a list or of a range; anything else is as it is. */
export function itemsOf(value: unknown): unknown {
  if (Array.isArray(value)) spend(value.length);
  if (!(value instanceof FeelRange)) return value;
  const all = rangeOf(value.start, value.end);
  if (!all) return null;
  const last = all.at(-1);
  const reached = typeof last !== 'number' || last === value.end;
  return all.slice(value['start included'] ? 0 : 1, value['end included'] || !reached ? undefined : -1);
}

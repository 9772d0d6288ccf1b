import { Temporal } from 'temporal-polyfill';
import { parseCron } from './cron.ts';
import { asInstant } from './duration.ts';

/** Something that comes again and again. */
export interface Cycle {
  /**
   * First occurrence after an instant; undefined when there is none any more. `anchor`: when the cycle was set going,
   * from which those count that name no beginning. Instants are RFC 3339 in UTC.
   */
  next(anchor: string, after: string): string | undefined;
}

const shortestMs = 1000;
const longestMs = 100 * 366 * 86_400_000;

const times = (duration: Temporal.Duration, by: number): Temporal.Duration =>
  new Temporal.Duration(
    duration.years * by,
    duration.months * by,
    duration.weeks * by,
    duration.days * by,
    duration.hours * by,
    duration.minutes * by,
    duration.seconds * by,
    duration.milliseconds * by,
  );

function readBeginning(text: string): Temporal.ZonedDateTime {
  if (text.includes('[')) return Temporal.ZonedDateTime.from(text);
  const instant = asInstant(text);
  if (instant === undefined) throw new RangeError(`${text} is not a date and time`);
  return Temporal.Instant.from(instant).toZonedDateTimeISO('UTC');
}

/** To the millisecond: what is stored must be what was computed. */
const zonedOf = (text: string): Temporal.ZonedDateTime =>
  readBeginning(text).round({ smallestUnit: 'millisecond', roundingMode: 'floor' });

/** `R[n]/[begin/]duration`. With a beginning, that is the first of n occurrences; else they follow the anchor. */
function parseRepetition(text: string): Cycle {
  const parts = /^R(\d{0,9})\/(?:(.+)\/)?([^/]+)$/.exec(text);
  const [, count = '', begin, length] = parts ?? [];
  if (length === undefined) throw new RangeError('a cycle is written R[n]/[begin/]duration');
  const duration = Temporal.Duration.from(length);
  const begins = begin === undefined ? undefined : zonedOf(begin);
  const first = begins ? 0 : 1;
  const occurrences = count === '' ? Number.POSITIVE_INFINITY : Number(count);
  const lastIndex = first + occurrences - 1;
  const sample = begins ?? Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO('UTC');
  const takes = duration.total({ unit: 'milliseconds', relativeTo: sample });
  if (takes < shortestMs || takes > longestMs) {
    throw new RangeError('a cycle takes at least a second and at most a hundred years');
  }
  return {
    next(anchor, afterText) {
      const base = begins ?? zonedOf(anchor);
      const after = Temporal.Instant.from(afterText);
      const at = (index: number): Temporal.Instant => base.add(times(duration, index)).toInstant();
      const isOver = (index: number): boolean => Temporal.Instant.compare(at(index), after) <= 0;
      const length = duration.total({ unit: 'milliseconds', relativeTo: base });
      const passed = Math.floor((after.epochMilliseconds - base.epochMilliseconds) / length);
      let index = Math.max(first, passed);
      // Months differ: the guess may lie on either side.
      while (index > first && !isOver(index - 1)) index -= 1;
      while (isOver(index)) index += 1;
      return index > lastIndex ? undefined : at(index).toString();
    },
  };
}

/** Reads a timer cycle: ISO 8601 `R…/…`, or cron in a time zone. Throws RangeError with what is wrong. */
export function parseCycle(text: string, timeZone: string | undefined): Cycle {
  if (text.startsWith('R')) {
    if (timeZone !== undefined) {
      throw new RangeError('the time zone of a cycle stands in its beginning: …T08:00[Europe/Rome]');
    }
    return parseRepetition(text);
  }
  if (timeZone === undefined) throw new RangeError('a cron expression needs govstack:timeZone');
  const cron = parseCron(text, timeZone);
  return { next: (_anchor, after) => cron.next(after) };
}

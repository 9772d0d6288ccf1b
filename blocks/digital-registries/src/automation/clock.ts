import type { Problem } from '@govstack/platform';
import { badRequest } from '@govstack/platform';

const ranges = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 7],
] as const;

const wrong = (detail: string): Problem => badRequest(`The cron expression ${detail}`);

/** One field of a cron expression: lists, ranges, steps. */
function readField(text: string, [from, to]: readonly [number, number]): Set<number> {
  const found = new Set<number>();
  for (const part of text.split(',')) {
    const match = /^(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:\/(\d{1,2}))?$/.exec(part);
    if (!match) throw wrong('cannot be read');
    const [, first, last, step] = match;
    const start = first === undefined ? from : Number(first);
    const end = last !== undefined ? Number(last) : first === undefined || step !== undefined ? to : start;
    const by = step === undefined ? 1 : Number(step);
    if (start < from || end > to || start > end || by === 0) throw wrong('is out of its bounds');
    for (let value = start; value <= end; value += by) found.add(value);
  }
  return found;
}

export type Cron = readonly [Set<number>, Set<number>, Set<number>, Set<number>, Set<number>, boolean];

/** Reads minute, hour, day of month, month, day of week (0: Sunday, as is 7). Throws 400. */
export function readCron(text: string): Cron {
  const fields = text.trim().split(/\s+/);
  if (fields.length !== 5) throw wrong('must have five fields');
  const [minute, hour, day, month, weekday] = fields.map((field, index) =>
    readField(field, ranges[index] as readonly [number, number]),
  ) as [Set<number>, Set<number>, Set<number>, Set<number>, Set<number>];
  if (weekday.has(7)) weekday.add(0);
  // Days of the month and of the week, both named: either counts.
  return [minute, hour, day, month, weekday, fields[2] !== '*' && fields[4] !== '*'];
}

const minuteMs = 60_000;
const searchedHours = 5 * 366 * 24;

/** The next minute after `from` for which the expression holds, by the clock of a time zone; undefined: never. */
export function nextMinute(
  [minutes, hours, days, months, weekdays, either]: Cron,
  timeZone: string,
  from: Date,
): Date | undefined {
  const clock = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hourCycle: 'h23',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    weekday: 'short',
  });
  const read = (time: number) => {
    const parts = Object.fromEntries(clock.formatToParts(time).map(({ type, value }) => [type, value]));
    return {
      month: Number(parts.month),
      day: Number(parts.day),
      hour: Number(parts.hour),
      minute: Number(parts.minute),
      weekday: ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'].indexOf(parts.weekday ?? ''),
    };
  };
  let time = Math.floor(from.getTime() / minuteMs) * minuteMs + minuteMs;
  for (let looked = 0; looked < searchedHours; looked += 1) {
    const { month, day, hour, minute, weekday } = read(time);
    const dayHolds = either ? days.has(day) || weekdays.has(weekday) : days.has(day) && weekdays.has(weekday);
    if (months.has(month) && dayHolds && hours.has(hour))
      for (let left = minute; left < 60; left += 1)
        if (minutes.has(left)) return new Date(time + (left - minute) * minuteMs);
    // To the next full hour of that clock: zones differ by quarters of an hour.
    time += (60 - minute) * minuteMs;
  }
  return undefined;
}

/** Whether there is such a time zone. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

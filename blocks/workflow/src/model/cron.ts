import { Temporal } from 'temporal-polyfill';

const monthNames = 'JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC'.split(' ');
const dayNames = 'SUN MON TUE WED THU FRI SAT'.split(' ');
/** 29 February may be eight years away. */
const longestSearchDays = 366 * 8 + 2;
const everyHour = 24;

export interface Cron {
  /** First occurrence after an instant (RFC 3339, UTC); undefined when there is none. */
  next(after: string): string | undefined;
}

function numberOf(text: string, names: readonly string[], offset: number): number {
  const named = names.indexOf(text.toUpperCase());
  if (named >= 0) return named + offset;
  if (!/^\d{1,2}$/.test(text))
    throw new RangeError(`${text || 'an empty text'} has no meaning in a cron field`);
  return Number(text);
}

/** Values of one field: `*`, `5`, `1-5`, `MON-FRI`, with `/step`, several with commas. */
function readField(
  field: string,
  least: number,
  most: number,
  names: readonly string[] = [],
): ReadonlySet<number> {
  const values = new Set<number>();
  for (const part of field.split(',')) {
    const [range = '', step, ...more] = part.split('/');
    const by = step === undefined ? 1 : numberOf(step, [], 0);
    if (more.length > 0 || by < 1) throw new RangeError(`${part} has no meaning in a cron field`);
    const all = range === '*' || range === '?';
    const [from = '', to, ...rest] = all ? [String(least), String(most)] : range.split('-');
    const first = numberOf(from, names, least === 1 ? 1 : 0);
    const last =
      to === undefined ? (step === undefined ? first : most) : numberOf(to, names, least === 1 ? 1 : 0);
    if (rest.length > 0 || first < least || last > most || first > last) {
      throw new RangeError(`${part} is not between ${least} and ${most}`);
    }
    for (let value = first; value <= last; value += by) values.add(value);
  }
  return values;
}

const ascending = (values: ReadonlySet<number>): number[] => [...values].sort((a, b) => a - b);

/**
 * A cron expression of five fields (minute, hour, day of month, month, day of week) in a time zone. A fixed time that
 * the clock leaves out (summer time begins) comes as much later as the clock jumped, one that it shows twice comes
 * once, at the first; what runs every hour runs in every hour that passes. Days of month and of week that are both
 * given: either. Throws RangeError with what is wrong.
 */
export function parseCron(text: string, timeZone: string): Cron {
  const fields = text.trim().split(/\s+/);
  if (fields.length !== 5) throw new RangeError('a cron expression has five fields');
  const [minute, hour, dayOfMonth, month, dayOfWeek] = fields as [string, string, string, string, string];
  const minutes = ascending(readField(minute, 0, 59));
  const hours = ascending(readField(hour, 0, 23));
  const daysOfMonth = readField(dayOfMonth, 1, 31);
  const months = readField(month, 1, 12, monthNames);
  // Sunday is 0 and 7.
  const daysOfWeek = new Set([...readField(dayOfWeek, 0, 7, dayNames)].map((day) => day % 7));
  const anyDate = /^[*?]$/.test(dayOfMonth);
  const anyWeekday = /^[*?]$/.test(dayOfWeek);
  // Throws RangeError for a zone that does not exist.
  Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(timeZone);

  const onDay = (day: Temporal.PlainDate): boolean => {
    if (!months.has(day.month)) return false;
    const byDate = daysOfMonth.has(day.day);
    const byWeekday = daysOfWeek.has(day.dayOfWeek % 7);
    return anyDate || anyWeekday ? byDate && byWeekday : byDate || byWeekday;
  };

  const instantsOf = (day: Temporal.PlainDate, at: { hour: number; minute: number }): Temporal.Instant[] => {
    const local = day.toPlainDateTime(at);
    const zoned = local.toZonedDateTime(timeZone, { disambiguation: 'compatible' });
    if (hours.length < everyHour) return [zoned.toInstant()];
    if (!zoned.toPlainDateTime().equals(local)) return [];
    return [zoned.toInstant(), local.toZonedDateTime(timeZone, { disambiguation: 'later' }).toInstant()];
  };

  const firstOn = (day: Temporal.PlainDate, after: Temporal.Instant): Temporal.Instant | undefined => {
    let best: Temporal.Instant | undefined;
    let bestHour = Number.POSITIVE_INFINITY;
    for (const at of hours) {
      // An hour that the clock shifts can push one occurrence behind those of the next.
      if (at > bestHour + 2) break;
      const begins = day.toPlainDateTime({ hour: at }).toZonedDateTime(timeZone).toInstant();
      if (Temporal.Instant.compare(begins.add({ hours: 3 }), after) <= 0) continue;
      for (const past of minutes) {
        for (const instant of instantsOf(day, { hour: at, minute: past })) {
          if (Temporal.Instant.compare(instant, after) <= 0) continue;
          if (best && Temporal.Instant.compare(instant, best) >= 0) continue;
          best = instant;
          bestHour = at;
        }
      }
    }
    return best;
  };

  const cron: Cron = {
    next(text) {
      const after = Temporal.Instant.from(text);
      let day = after.toZonedDateTimeISO(timeZone).toPlainDate();
      for (let searched = 0; searched < longestSearchDays; searched += 1) {
        const found = onDay(day) ? firstOn(day, after) : undefined;
        if (found) return found.toString();
        day = day.add({ days: 1 });
      }
      return undefined;
    },
  };
  if (cron.next('2000-01-01T00:00:00Z') === undefined) throw new RangeError('the day never comes');
  return cron;
}

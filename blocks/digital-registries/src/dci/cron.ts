/** Least and greatest value of each field: second, minute, hour, day of month, month, day of week. */
const ranges = [
  [0, 59],
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 6],
] as const;
const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** Instants at which something is to be done; UTC. */
export interface Cron {
  /** The first instant after this one; undefined: none within four years. */
  next(after: Date): Date | undefined;
}

const numberOf = (text: string, field: number): number => {
  if (/^\d{1,2}$/.test(text)) return Number(text);
  const named = field === 4 ? months.indexOf(text) + 1 : field === 5 ? days.indexOf(text) : -1;
  return named < (ranges[field]?.[0] ?? 0) ? Number.NaN : named;
};

function valuesOf(text: string, field: number, quartz: boolean): Set<number> | undefined {
  const [least, greatest] = ranges[field] as readonly [number, number];
  const found = new Set<number>();
  for (const part of text.split(',')) {
    const [range = '', step = '1'] = part.split('/');
    if (part.split('/').length > 2 || !/^\d{1,2}$/.test(step) || Number(step) === 0) return undefined;
    const [from = '', to = from] = range.split('-');
    // The week of Quartz, whose expressions DCI shows, begins with 1 for Sunday; elsewhere Sunday is 0 or 7.
    const shift = field === 5 && quartz ? 1 : 0;
    const read = (one: string): number => {
      const number = numberOf(one, field) - (/^\d/.test(one) ? shift : 0);
      return field === 5 && number === 7 ? 0 : number;
    };
    const every = range === '*' || range === '?';
    const first = every ? least : read(from);
    const last = every ? greatest : part.includes('/') && !range.includes('-') ? greatest : read(to);
    if (!(first >= least && last <= greatest && first <= last)) return undefined;
    for (let value = first; value <= last; value += Number(step)) found.add(value);
  }
  return found;
}

const horizonDays = 4 * 366;

/**
 * Reads `0 0 0 5,15 * ? *` (Quartz: second first, year last or not at all) or `0 0 5,15 * *` (five fields). Undefined:
 * it cannot be read. A day must be one of the month and one of the week, unless one of both is left open.
 */
export function readCron(text: string): Cron | undefined {
  const given = text.trim().toLowerCase().split(/\s+/);
  const quartz = given.length > 5;
  if (given.length < 5 || given.length > 7 || (given.length === 7 && !/^[*?]$/.test(given[6] as string)))
    return undefined;
  const fields = quartz ? given.slice(0, 6) : ['0', ...given];
  const values = fields.map((field, index) => valuesOf(field, index, quartz));
  if (values.some((one) => one === undefined)) return undefined;
  const [seconds, minutes, hours, monthDays, inMonths, weekDays] = values as Set<number>[];
  const sorted = (set: Set<number> | undefined): number[] => [...(set ?? [])].sort((a, b) => a - b);
  const times = { hours: sorted(hours), minutes: sorted(minutes), seconds: sorted(seconds) };
  return {
    next(after) {
      const day = new Date(Date.UTC(after.getUTCFullYear(), after.getUTCMonth(), after.getUTCDate()));
      for (let count = 0; count < horizonDays; count += 1, day.setUTCDate(day.getUTCDate() + 1)) {
        if (
          !inMonths?.has(day.getUTCMonth() + 1) ||
          !monthDays?.has(day.getUTCDate()) ||
          !weekDays?.has(day.getUTCDay())
        )
          continue;
        for (const hour of times.hours)
          for (const minute of times.minutes)
            for (const second of times.seconds) {
              const instant = day.getTime() + ((hour * 60 + minute) * 60 + second) * 1000;
              if (instant > after.getTime()) return new Date(instant);
            }
      }
      return undefined;
    },
  };
}

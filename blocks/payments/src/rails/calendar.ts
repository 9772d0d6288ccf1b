import { badRequest } from '@govstack/platform';
import type { Calendar } from '../api/admin/calendar.ts';

const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const clocks = new Map<string, Intl.DateTimeFormat>();

function clockOf(timeZone: string): Intl.DateTimeFormat {
  const known = clocks.get(timeZone);
  if (known) return known;
  const clock = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
  });
  clocks.set(timeZone, clock);
  return clock;
}

/** Refuses a calendar whose time zone nobody knows, or of which a window ends before it begins. */
export function assertCalendar({ timeZone, windows }: Calendar): void {
  try {
    clockOf(timeZone);
  } catch {
    throw badRequest(`${timeZone} is not a known time zone`);
  }
  if (windows.some(({ from, to }) => from >= to))
    throw badRequest('A window of the calendar ends after it begins; make two of one that crosses midnight');
}

/** Whether the rail may be sent to at an instant. A rail without a calendar always may (PAY-6.10, PAY-5.3.1-h). */
export function isOpen(calendar: Calendar | null, at: Date): boolean {
  if (calendar === null) return true;
  const parts = Object.fromEntries(
    clockOf(calendar.timeZone)
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  );
  if (calendar.holidays?.includes(`${parts.year}-${parts.month}-${parts.day}`)) return false;
  const day = days.indexOf(parts.weekday ?? '') + 1;
  const time = `${parts.hour}:${parts.minute}`;
  return calendar.windows.some((one) => one.days.includes(day) && one.from <= time && time < one.to);
}

import { badRequest, type Static, Type } from '@govstack/platform';

const Time = Type.String({ pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$', description: 'Hour and minute' });

/** When a rail may be sent to: opening hours with their cut-off in its own time zone, and days it is closed. */
export const Calendar = Type.Object(
  {
    timeZone: Type.String({ maxLength: 64, description: 'IANA name such as Africa/Nairobi' }),
    windows: Type.Array(
      Type.Object(
        {
          days: Type.Array(Type.Integer({ minimum: 1, maximum: 7 }), {
            minItems: 1,
            maxItems: 7,
            description: 'ISO 8601: 1 is Monday',
          }),
          from: Time,
          to: Type.String({
            pattern: '^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$',
            description: 'Cut-off: nothing leaves at or after this time',
          }),
        },
        { additionalProperties: false },
      ),
      { minItems: 1, maxItems: 50 },
    ),
    holidays: Type.Optional(Type.Array(Type.String({ format: 'date' }), { maxItems: 1000 })),
  },
  { additionalProperties: false },
);
export type Calendar = Static<typeof Calendar>;

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

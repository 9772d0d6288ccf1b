import { Temporal } from 'temporal-polyfill';

/** Whether the text is an ISO 8601 duration that leads forward in time. */
export function isDuration(text: string): boolean {
  try {
    return Temporal.Duration.from(text).sign >= 0;
  } catch {
    return false;
  }
}

/** The instant (RFC 3339, UTC) that lies `duration` after `instant`; months and days are those of UTC. */
export const plusDuration = (instant: string, duration: string): string =>
  Temporal.Instant.from(instant)
    .toZonedDateTimeISO('UTC')
    .add(Temporal.Duration.from(duration))
    .toInstant()
    .toString();

/** Milliseconds of a duration without years and months. Throws RangeError for others. */
export const durationMs = (duration: string): number =>
  Temporal.Duration.from(duration).total({ unit: 'milliseconds' });

/** An instant as RFC 3339 in UTC; a text without offset is taken as UTC, a bare date as its midnight. Undefined: not a time. */
export function asInstant(text: string): string | undefined {
  try {
    return Temporal.Instant.from(text).toString();
  } catch {
    try {
      return Temporal.PlainDateTime.from(text).toZonedDateTime('UTC').toInstant().toString();
    } catch {
      return undefined;
    }
  }
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextMinute, readCron } from '../src/automation/clock.ts';
import { formatDate, parseDate } from '../src/automation/dates.ts';

const next = (cron: string, from: string, timeZone = 'UTC') =>
  nextMinute(readCron(cron), timeZone, new Date(from))?.toISOString();

describe('a cron expression', () => {
  it('comes when minute, hour, day and month say so, by the clock of its zone', () => {
    expect(next('*/15 * * * *', '2026-01-01T10:07:30Z')).toBe('2026-01-01T10:15:00.000Z');
    expect(next('0 2 * * *', '2026-01-01T02:00:00Z')).toBe('2026-01-02T02:00:00.000Z');
    expect(next('0 6 * * 1-5', '2026-01-02T07:00:00Z')).toBe('2026-01-05T06:00:00.000Z');
    expect(next('0 0 1,15 * 7', '2026-01-02T00:00:00Z')).toBe('2026-01-04T00:00:00.000Z');
    expect(next('0 0 29 2 *', '2026-01-01T00:00:00Z')).toBe('2028-02-29T00:00:00.000Z');
    expect(next('30 9 * * *', '2026-01-01T00:00:00Z', 'Asia/Kathmandu')).toBe('2026-01-01T03:45:00.000Z');
    // The night in which this minute is left out.
    expect(next('30 2 * * *', '2026-03-29T00:00:00Z', 'Europe/Berlin')).toBe('2026-03-30T00:30:00.000Z');
    expect(next('0 0 31 2 *', '2026-01-01T00:00:00Z')).toBeUndefined();
    for (const wrong of [
      '',
      '* * * *',
      '60 * * * *',
      '* 24 * * *',
      '* * 0 * *',
      '5-1 * * * *',
      '*/0 * * * *',
      'a * * * *',
    ])
      expect(() => readCron(wrong), wrong).toThrow();
  });

  it('comes at the first minute that holds, and at no earlier one', () => {
    const field = (max: number) => fc.oneof(fc.constant('*'), fc.nat({ max }).map(String));
    fc.assert(
      fc.property(field(59), field(23), fc.nat({ max: 100_000 }), (minute, hour, offset) => {
        const from = Date.UTC(2026, 0, 1) + offset * 61_000;
        let expected = Math.floor(from / 60_000) * 60_000 + 60_000;
        const holds = (time: number): boolean => {
          const at = new Date(time);
          return (
            (minute === '*' || at.getUTCMinutes() === Number(minute)) &&
            (hour === '*' || at.getUTCHours() === Number(hour))
          );
        };
        while (!holds(expected)) expected += 60_000;
        expect(nextMinute(readCron(`${minute} ${hour} * * *`), 'UTC', new Date(from))?.getTime()).toBe(
          expected,
        );
      }),
      { numRuns: 50 },
    );
  });
});

describe('a date', () => {
  it('is read and written in formats, and is none when there is no such day', () => {
    expect(formatDate(parseDate('2026-02-03T04:05:06Z') as never, 'DD/MM/YYYY HH:mm')).toBe(
      '03/02/2026 04:05',
    );
    expect(formatDate(parseDate('03.02.2026', 'DD.MM.YYYY') as never)).toBe('2026-02-03');
    for (const [text, format] of [
      ['2026-02-30'],
      ['30.02.2026', 'DD.MM.YYYY'],
      ['3.2.2026', 'DD.MM.YYYY'],
      ['x'],
    ])
      expect(parseDate(text as string, format)).toBeUndefined();
  });
});

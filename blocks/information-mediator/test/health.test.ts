import { expect, it } from 'vitest';
import type { ObservedExchange } from '../src/exchange/observation.ts';
import { deviationOf, openHealth } from '../src/monitoring/health.ts';

const base = Date.parse('2026-01-01T00:00:00Z');
const at = (seconds: number): Date => new Date(base + seconds * 1000);

const exchange = (seconds: number, durationMs: number, status = 200): ObservedExchange => ({
  side: 'both',
  exchangeId: '0',
  messageId: '0',
  client: 'T/GOV/A/a',
  operator: undefined,
  service: 'T/GOV/B/b/c',
  known: true,
  method: 'GET',
  path: '/',
  correlationId: '0',
  userId: undefined,
  issue: undefined,
  representedParty: undefined,
  peer: undefined,
  requestIn: at(seconds).getTime() - durationMs,
  requestOut: undefined,
  responseIn: undefined,
  responseOut: at(seconds).getTime(),
  requestSize: 1_000_000_000 + durationMs,
  responseSize: 0,
  status,
  fault: undefined,
});

it('[IM-6.7-b] health data look back as far as the window, and remember the last times beyond it', () => {
  let now = at(0);
  const health = openHealth(600, () => now);
  for (const [seconds, duration, status] of [
    [0, 10, 200],
    [300, 20, 200],
    [599, 60, 200],
    [599, 5, 404],
  ] as const) {
    now = at(seconds);
    health.observe(exchange(seconds, duration, status));
  }
  const [early] = health.services();
  expect([early?.successes, early?.failures]).toEqual([3, 1]);
  expect([early?.duration.min, early?.duration.mean, early?.duration.max]).toEqual([10, 30, 60]);
  // Sums of squares of such sizes would have lost these digits.
  expect(early && deviationOf(early.requestSize)).toBeCloseTo(
    Math.sqrt((20 ** 2 + 10 ** 2 + 30 ** 2) / 3),
    6,
  );

  now = at(610);
  expect(health.services()[0]).toMatchObject({ successes: 2, duration: { min: 20, mean: 40, max: 60 } });
  now = at(5000);
  const [late] = health.services();
  expect([late?.successes, late?.failures, late?.duration.count]).toEqual([0, 0, 0]);
  expect([late?.lastSuccess, late?.lastFailure]).toEqual([at(599).getTime(), at(599).getTime()]);
});

import { headerValue } from '../exchange/headers.ts';
import type { ExchangeResponse } from '../exchange/request.ts';
import type { RetryPolicy } from './delivery.ts';
import type { Due, Outcome } from './due.ts';

/** Refusals after which the same event may do later: not authorised yet, not there yet, busy. All others are for good. */
const forNow = new Set([401, 403, 404, 408, 409, 421, 425, 429]);
const wantsNoMore = 410;

/** Milliseconds that a subscriber asks to be left alone (RFC 9110, 10.2.3): seconds, or a date. */
function retryAfter(text: string | undefined): number {
  if (text === undefined) return 0;
  const milliseconds = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(milliseconds) ? Math.max(0, milliseconds) : 0;
}

/** However long a subscriber asks for, in milliseconds. */
const longestWish = 86_400_000;

/** Deliveries that failed together must not come back together. */
const jitter = (): number => 1 + Math.random() * 0.2;

/**
 * What an answer means for a delivery. Refused for good it is dead at once, so that those behind it can go on; 410
 * suspends a room's subscription, and what it was to get waits; everything else is tried again, not before the
 * subscriber wants it.
 */
export function judge(
  due: Pick<Due, 'attempts' | 'publisher'>,
  { status, headers }: Pick<ExchangeResponse, 'status' | 'headers'>,
  policy: Omit<RetryPolicy, 'leaseMs'>,
): Outcome {
  const error = headerValue(headers, 'x-road-error');
  const delivered = error === undefined && status >= 200 && status < 300;
  const suspend = status === wantsNoMore && error === undefined && due.publisher !== null;
  const refused = error === undefined && status >= 400 && status < 500 && !forNow.has(status);
  const dead = !delivered && !suspend && (refused || due.attempts >= policy.attempts);
  const backoff = policy.delayMs * policy.multiplier ** (due.attempts - 1) * jitter();
  const wished = retryAfter(headerValue(headers, 'retry-after'));
  return {
    state: delivered ? 'delivered' : dead ? 'dead' : 'waiting',
    status,
    error: delivered ? null : `${status} ${error ?? ''}`.trim(),
    delay: Math.max(Math.min(policy.maxDelayMs, backoff), Math.min(longestWish, wished)),
    suspend,
  };
}

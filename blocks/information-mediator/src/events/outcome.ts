import { headerValue } from '../exchange/headers.ts';
import type { ExchangeResponse } from '../exchange/request.ts';
import type { RetryPolicy } from './delivery.ts';
import type { Due, Outcome } from './due.ts';

/** Statuses by which a subscriber says that the same event will never do. */
const never = new Set([400, 405, 413, 415, 422]);
const wantsNoMore = 410;

/** Deliveries that failed together must not come back together. */
const jitter = (): number => 1 + Math.random() * 0.2;

/**
 * What an answer means for a delivery. Refused for good it is dead at once, so that those behind it can go on; 410 ends
 * the subscription; everything else is tried again, not before the subscriber wants it.
 */
export function judge(
  due: Pick<Due, 'attempts' | 'publisher'>,
  { status, headers }: Pick<ExchangeResponse, 'status' | 'headers'>,
  policy: Omit<RetryPolicy, 'leaseMs'>,
): Outcome {
  const error = headerValue(headers, 'x-road-error');
  const delivered = error === undefined && status >= 200 && status < 300;
  const refused = error === undefined && (never.has(status) || status === wantsNoMore);
  const dead = !delivered && (refused || due.attempts >= policy.attempts);
  const backoff = policy.delayMs * policy.multiplier ** (due.attempts - 1) * jitter();
  const wished = Number(headerValue(headers, 'retry-after')) * 1000;
  return {
    state: delivered ? 'delivered' : dead ? 'dead' : 'waiting',
    status,
    error: delivered ? null : `${status} ${error ?? ''}`.trim(),
    delay: Math.min(policy.maxDelayMs, Math.max(backoff, Number.isFinite(wished) ? wished : 0)),
    suspend: status === wantsNoMore && error === undefined && due.publisher !== null,
  };
}

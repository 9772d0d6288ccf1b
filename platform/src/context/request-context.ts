import { AsyncLocalStorage } from 'node:async_hooks';
import { newId } from './ids.ts';
import { drawRandom } from './random.ts';

/** What travels with a request through every call, event and job it causes. */
export interface RequestContext {
  /** Made where the action enters the system, unchanged from there on (CFR-ARC-13). */
  readonly correlationId: string;
  /** W3C trace context of the current span. */
  readonly traceparent: string;
  /** Instant in epoch milliseconds after which nobody waits for the answer. */
  readonly deadline: number | undefined;
  readonly signal: AbortSignal | undefined;
  /** The person's access token, passed on unchanged to the applications this request calls. */
  readonly authorization: string | undefined;
}

/** Milliseconds; who is ready to wait for longer waits this long. Timers cannot count to a month. */
export const longestWait = 24 * 3_600_000;

const storage = new AsyncLocalStorage<RequestContext>();

export const currentContext = (): RequestContext | undefined => storage.getStore();

/** Runs `work` so that everything it awaits sees `context`. */
export const withContext = <T>(context: RequestContext, work: () => T): T => storage.run(context, work);

const traceparentPattern = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const correlationPattern = /^[A-Za-z0-9._:-]{1,128}$/;

export const validTraceparent = (value: string | undefined): value is string =>
  value !== undefined &&
  traceparentPattern.test(value) &&
  !value.startsWith('00-00000000000000000000000000000000');

export const validCorrelationId = (value: string | undefined): value is string =>
  value !== undefined && correlationPattern.test(value);

/** A new root trace, sampled only when a tracing backend decides so. */
export const newTraceparent = (): string =>
  `00-${drawRandom(16).toString('hex')}-${drawRandom(8).toString('hex')}-00`;

/** The same trace with a new span id: what a callee receives. */
export const childTraceparent = (parent: string): string => {
  const [version, trace, , flags] = parent.split('-');
  return `${version}-${trace}-${drawRandom(8).toString('hex')}-${flags}`;
};

/** A context for work that starts here: a page request, a job, a command. */
export function newContext(parts: Partial<RequestContext> = {}): RequestContext {
  return {
    correlationId: parts.correlationId ?? newId(),
    traceparent: parts.traceparent ?? newTraceparent(),
    deadline: parts.deadline,
    signal: parts.signal,
    authorization: parts.authorization,
  };
}

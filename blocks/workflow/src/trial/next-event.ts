import type { EngineEvent } from '../execution/event.ts';
import type { Variables } from '../feel/json.ts';
import type { ProcessModel } from '../model/model.ts';
import type { Dealer, PinnedAnswer } from './answers.ts';
import type { OpenWork } from './open-work.ts';

/** What happens next in a trial, and when on its own clock. */
export interface NextEvent {
  readonly event: EngineEvent;
  readonly elementId: string;
  readonly tokenId: string;
  readonly at: string;
  /** What it brings, for the account of the step. */
  readonly brings: PinnedAnswer | undefined;
}

const later = (a: string, b: string): string => (Date.parse(a) > Date.parse(b) ? a : b);

function pinnedEvent(open: OpenWork, deal: Dealer, now: string): NextEvent | undefined {
  for (const kind of ['timers', 'messages', 'signals'] as const) {
    for (const [id, one] of open[kind]) {
      if (!deal.has(one.elementId, false)) continue;
      const brings = deal.take(one.elementId, false);
      // A message and a timer wait once; a signal reaches its wait for as long as it lasts, as on a real wait.
      if (kind === 'timers') open.timers.delete(id);
      return {
        event: { type: 'triggered', subscriptionId: id, payload: brings?.payload ?? null },
        elementId: one.elementId,
        tokenId: one.tokenId,
        at: 'dueAt' in one ? later(one.dueAt, now) : now,
        brings,
      };
    }
  }
  return undefined;
}

function answeredCall(open: OpenWork, deal: Dealer, now: string): NextEvent | undefined {
  const due = [...open.jobs.values()].sort((a, b) => Date.parse(a.dueAt) - Date.parse(b.dueAt));
  const job = due.find((one) => deal.has(one.elementId, true));
  if (!job) return undefined;
  const { jobId, elementId, tokenId } = job;
  const brings = deal.take(elementId, true);
  const attempt = job.attempts + 1;
  const { status = 200, headers = {}, body = null, failure } = brings ?? {};
  const temporary = status >= 500 || [408, 425, 429].includes(status);
  return {
    event:
      failure === undefined
        ? { type: 'jobAnswered', jobId, attempt, answer: { status, headers, body, temporary } }
        : { type: 'jobFailed', jobId, attempt, message: failure, temporary: true },
    elementId,
    tokenId,
    at: later(job.dueAt, now),
    brings,
  };
}

function completedTask(open: OpenWork, deal: Dealer, now: string): NextEvent | undefined {
  const task = [...open.tasks.values()].find((one) => deal.has(one.elementId, true));
  if (!task) return undefined;
  const { taskId, elementId, tokenId } = task;
  const brings = deal.take(elementId, true);
  const { form = {}, completedBy = 'somebody' } = brings ?? {};
  const event = { type: 'taskCompleted', taskId, form, completedBy } as const;
  return { event, elementId, tokenId, at: now, brings };
}

function returnedCall(open: OpenWork, deal: Dealer, now: string): NextEvent | undefined {
  const call = [...open.calls.values()].find((one) => deal.has(one.elementId, true));
  if (!call) return undefined;
  const { instanceId, elementId, tokenId } = call;
  const brings = deal.take(elementId, true);
  const { result = {} as Variables, errorCode } = brings ?? {};
  const status = errorCode === undefined ? 'completed' : 'failed';
  open.calls.delete(instanceId);
  return {
    event: { type: 'returned', instanceId, status, errorCode, variables: result },
    elementId,
    tokenId,
    at: now,
    brings,
  };
}

/** Time passes by itself only for what the flow itself waits for; on a boundary it passes when that is pinned. */
function passedTimer(open: OpenWork, model: ProcessModel, now: string): NextEvent | undefined {
  const [next] = [...open.timers.values()]
    .filter((one) => model.elements.get(one.elementId)?.kind === 'intermediateCatchEvent')
    .sort((a, b) => Date.parse(a.dueAt) - Date.parse(b.dueAt));
  if (!next) return undefined;
  open.timers.delete(next.timerId);
  return {
    event: { type: 'triggered', subscriptionId: next.timerId, payload: null },
    elementId: next.elementId,
    tokenId: next.tokenId,
    at: later(next.dueAt, now),
    brings: undefined,
  };
}

/** Pinned events first, then pinned answers to what is open, then the passage of time; undefined: it waits. */
export const nextEvent = (
  model: ProcessModel,
  open: OpenWork,
  deal: Dealer,
  now: string,
): NextEvent | undefined =>
  pinnedEvent(open, deal, now) ??
  answeredCall(open, deal, now) ??
  completedTask(open, deal, now) ??
  returnedCall(open, deal, now) ??
  passedTimer(open, model, now);

import type { Json } from '../feel/json.ts';
import { FeelError } from '../feel/normalise.ts';
import { parseCycle } from '../model/cycle.ts';
import { definitionsOf } from '../model/definitions-of.ts';
import { asInstant, isDuration, plusDuration } from '../model/duration.ts';
import type {
  BoundaryEvent,
  CancelDefinition,
  CatchDefinition,
  CodeDefinition,
  CompensationDefinition,
  LinkDefinition,
  MultipleDefinition,
  TimerDefinition,
} from '../model/model.ts';
import type { Command } from './command.ts';
import { command, isIteration, type Run } from './run.ts';
import type { Subscription, Token } from './state.ts';
import { evaluateIn } from './variables.ts';

/** First occurrence of a cycle after now; undefined when there is none any more. Throws `FeelError`. */
function nextOf(timer: TimerDefinition, text: string, anchor: string, now: string): string | undefined {
  try {
    return parseCycle(text, timer.timeZone).next(anchor, now);
  } catch (error) {
    throw new FeelError(`the timer value ${timer.value.text} is not a cycle: ${(error as Error).message}`);
  }
}

function dueAt(timer: TimerDefinition, value: Json, now: string): string {
  if (typeof value === 'string') {
    if (timer.when === 'cycle') {
      const next = nextOf(timer, value, now, now);
      if (next === undefined) throw new FeelError(`the cycle ${timer.value.text} is over before it begins`);
      return next;
    }
    if (timer.when === 'duration' && isDuration(value)) return plusDuration(now, value);
    const instant = timer.when === 'date' ? asInstant(value) : undefined;
    if (instant !== undefined) return instant;
  }
  throw new FeelError(
    `the timer value ${timer.value.text} is not a ${timer.when === 'date' ? 'date and time' : timer.when}`,
  );
}

export interface Planned {
  readonly subscription: Subscription;
  /** Undefined: the step itself looks at it. */
  readonly command: Command | undefined;
}

type Caught =
  | CatchDefinition
  | CodeDefinition
  | CompensationDefinition
  | CancelDefinition
  | LinkDefinition
  | MultipleDefinition;

/** Whether it is waited for, rather than looked for when something is thrown. */
const isAwaited = (one: Caught): one is CatchDefinition =>
  ['timer', 'message', 'signal', 'conditional'].includes(one.kind);

/** Works out what an event waits for, by each of its definitions. Throws `FeelError`. */
export const planEvent = (
  run: Run,
  token: Pick<Token, 'id' | 'scopeId'>,
  elementId: string,
  catches: Caught,
): readonly Planned[] =>
  definitionsOf(catches).flatMap((one, definition) => {
    if (!isAwaited(one)) return [];
    const planned = plan(run, token, elementId, one);
    if (catches.kind !== 'multiple') return [planned];
    const { cycle, ...subscription } = planned.subscription;
    // What comes together with others comes once.
    const again = cycle && !catches.parallel ? { cycle } : {};
    return [{ ...planned, subscription: { ...subscription, ...again, definition } }];
  });

/** The definition that a subscription is of; undefined when the model no longer has it. */
export function definitionBehind(run: Run, { elementId, definition = 0 }: Subscription): Caught | undefined {
  const element = run.model.elements.get(elementId);
  if (element?.kind === 'receiveTask') return element.message;
  return element && 'catches' in element ? definitionsOf<Caught>(element.catches)[definition] : undefined;
}

/** Works out a subscription without making it; a scope gives its own id in place of a token's. Throws `FeelError`. */
export function plan(
  run: Run,
  token: Pick<Token, 'id' | 'scopeId'>,
  elementId: string,
  catches: CatchDefinition,
): Planned {
  const id = run.context.newId();
  const base = { tokenId: token.id, elementId };
  if (catches.kind === 'timer') {
    const value = evaluateIn(run, catches.value, token.scopeId);
    const due = dueAt(catches, value, run.context.now);
    const cycle =
      catches.when === 'cycle' ? { cycle: { text: value as string, anchor: run.context.now, due } } : {};
    return {
      subscription: { id, kind: 'timer', elementId, ...cycle },
      command: { type: 'createTimer', timerId: id, ...base, dueAt: due },
    };
  }
  if (catches.kind === 'signal') {
    return {
      subscription: { id, kind: 'signal', elementId },
      command: { type: 'awaitSignal', subscriptionId: id, ...base, signal: catches.name },
    };
  }
  if (catches.kind === 'conditional') {
    const value = evaluateIn(run, catches.condition, token.scopeId);
    if (value !== null && typeof value !== 'boolean') {
      throw new FeelError(`the condition ${catches.condition.text} is neither true nor false`);
    }
    return { subscription: { id, kind: 'conditional', elementId }, command: undefined };
  }
  const key = evaluateIn(run, catches.correlationKey, token.scopeId);
  if (typeof key !== 'string' && typeof key !== 'number') {
    throw new FeelError(`the correlation key ${catches.correlationKey.text} has no value`);
  }
  return {
    subscription: { id, kind: 'message', elementId },
    command: {
      type: 'subscribe',
      subscriptionId: id,
      ...base,
      message: catches.name,
      correlationKey: String(key),
    },
  };
}

/**
 * The timer of a cycle for its next occurrence after one that has happened; undefined when it was the last. Occurrences
 * that have passed meanwhile are left out.
 */
export function planNext(run: Run, token: Pick<Token, 'id'>, happened: Subscription): Planned | undefined {
  const catches = definitionBehind(run, happened);
  if (!happened.cycle || catches?.kind !== 'timer') return undefined;
  const { now } = run.context;
  const { text, anchor, due: last } = happened.cycle;
  const due = nextOf(catches, text, anchor, Date.parse(last) > Date.parse(now) ? last : now);
  if (due === undefined) return undefined;
  const id = run.context.newId();
  const { elementId } = happened;
  return {
    subscription: { ...happened, id, cycle: { text, anchor, due } },
    command: { type: 'createTimer', timerId: id, tokenId: token.id, elementId, dueAt: due },
  };
}

/** Subscriptions of the boundary events of an activity; none for a single iteration of it. */
export function planBoundary(run: Run, token: Token, boundary: readonly string[]): readonly Planned[] {
  if (boundary.length === 0 || isIteration(run, token)) return [];
  return boundary
    .map((id) => run.model.elements.get(id) as BoundaryEvent)
    .flatMap((event) => planEvent(run, token, event.id, event.catches));
}

/** Makes planned subscriptions true; answers what the token keeps. */
export function subscribe(run: Run, planned: readonly Planned[]): readonly Subscription[] {
  for (const one of planned) {
    if (one.command) command(run, one.command);
    else run.watching = run.conditionsDue = true;
  }
  return planned.map((one) => one.subscription);
}

import { isActivity, next } from '../model/check-flow.ts';
import type { ProcessModel, SequenceFlow } from '../model/model.ts';
import { raiseIncident } from './incident.ts';
import { followAll, leave } from './leave.ts';
import { type Run, record, removeToken, tokensIn, waitFor } from './run.ts';
import type { Token } from './state.ts';

/** Tokens that wait for others at a gateway. */
export const waitingAt = (run: Run, scopeId: string, elementId: string): Token[] =>
  tokensIn(run, scopeId).filter((token) => token.elementId === elementId && token.wait.kind === 'join');

/** Makes the tokens of a join into one that goes on. */
export function merge(run: Run, tokens: readonly Token[]): Token {
  const survivor = tokens[tokens.length - 1] as Token;
  for (const token of tokens) if (token.id !== survivor.id) removeToken(run, token);
  record(run, survivor, 'completed');
  return survivor;
}

/** Parallel join: goes on once a token has come on each incoming flow, taking one of each. */
export function enterParallelGateway(run: Run, token: Token): void {
  const element = run.model.elements.get(token.elementId);
  if (!element) return;
  const waiting = element.incoming.length > 1 ? waitFor(run, token, { kind: 'join' }) : token;
  if (element.incoming.length > 1) {
    const arrived = waitingAt(run, token.scopeId, element.id);
    const one = element.incoming.map((flow) => arrived.find((other) => other.flowId === flow));
    if (one.some((other) => other === undefined)) return;
    followAll(run, merge(run, one as Token[]), element);
    return;
  }
  record(run, waiting, 'completed');
  followAll(run, waiting, element);
}

/** Flows of a complex gateway on which it sends something when it begins anew: those whose condition asks for that. */
export const flowsOfReset = (run: Run, elementId: string): SequenceFlow[] =>
  (run.model.elements.get(elementId)?.outgoing ?? [])
    .map((id) => run.model.flows.get(id) as SequenceFlow)
    .filter((flow) => /\bwaitingForStart\b/.test(flow.condition?.text ?? ''));

/** Whether no token comes of this one: it remembers, or undoes something while the flow has gone on. */
const isSpent = (run: Run, { wait, elementId }: Token): boolean =>
  (wait.kind === 'reset' && flowsOfReset(run, elementId).length === 0) ||
  (wait.kind === 'compensation' && wait.beside === true);

/**
 * The tokens that an activity takes together with the one that enters it; undefined while there are too few. They are
 * removed when it has begun.
 */
export function companions(run: Run, token: Token, quantity: number): readonly Token[] | undefined {
  if (token.wait.kind === 'ready' && token.wait.complete) return [];
  const waiting = waitingAt(run, token.scopeId, token.elementId).filter(({ id }) => id !== token.id);
  return waiting.length >= quantity - 1 ? waiting.slice(0, quantity - 1) : undefined;
}

const reachCache = new WeakMap<ProcessModel, Map<string, ReadonlySet<string>>>();

/** Sequence flows that a token at an element can still take without passing the gateway. */
function reachableFlows(model: ProcessModel, from: string, avoiding: string): ReadonlySet<string> {
  const cache = reachCache.get(model) ?? new Map<string, ReadonlySet<string>>();
  reachCache.set(model, cache);
  const key = `${avoiding} ${from}`;
  const known = cache.get(key);
  if (known) return known;
  const flows = new Set<string>();
  const seen = new Set<string>();
  const waiting = [from];
  while (waiting.length > 0) {
    const element = model.elements.get(waiting.pop() as string);
    if (!element || seen.has(element.id) || element.id === avoiding) continue;
    seen.add(element.id);
    for (const id of element.outgoing) flows.add(id);
    waiting.push(...next(model, element));
    if (isActivity(element)) waiting.push(...element.boundary);
  }
  cache.set(key, flows);
  return flows;
}

/**
 * Whether an inclusive join may go on (BPMN 13.4.3): no token elsewhere can still come on a flow that has none yet,
 * unless it could just as well come on one that has.
 */
export function canMerge(
  run: Run,
  scopeId: string,
  elementId: string,
  filled: ReadonlySet<string | undefined>,
): boolean {
  const element = run.model.elements.get(elementId);
  const empty = (element?.incoming ?? []).filter((flow) => !filled.has(flow));
  if (empty.length === 0) return true;
  return tokensIn(run, scopeId).every((token) => {
    if (token.elementId === elementId || isSpent(run, token)) return true;
    const reachable = reachableFlows(run.model, token.elementId, elementId);
    if (!empty.some((flow) => reachable.has(flow))) return true;
    return [...filled].some((flow) => flow !== undefined && reachable.has(flow));
  });
}

/** Lets one inclusive join go on that may; answers whether there was one. Called when no token can move by itself. */
export function releaseInclusiveJoin(run: Run): boolean {
  for (const token of run.tokens.values()) {
    if (token.wait.kind !== 'join') continue;
    const element = run.model.elements.get(token.elementId);
    if (element?.kind !== 'inclusiveGateway') continue;
    const arrived = waitingAt(run, token.scopeId, element.id);
    const one = element.incoming
      .map((flow) => arrived.find((other) => other.flowId === flow))
      .filter((other) => other !== undefined);
    const filled = new Set(arrived.map((other) => other.flowId));
    if (!canMerge(run, token.scopeId, element.id, filled)) continue;
    leave(run, merge(run, one), element);
    return true;
  }
  return false;
}

/** Inclusive gateway: waits at a join until the rest is quiet; splits at once when only one flow comes in. */
export function enterInclusiveGateway(run: Run, token: Token): void {
  const element = run.model.elements.get(token.elementId);
  if (element && element.incoming.length > 1) {
    waitFor(run, token, { kind: 'join' });
    return;
  }
  record(run, token, 'completed');
  if (element) leave(run, token, element);
}

/** Whether every way that a token at an element can go leads to the join. */
function cannotAvoid(model: ProcessModel, from: string, join: string): boolean {
  let meets = false;
  const seen = new Set<string>([join]);
  const waiting = [from];
  while (waiting.length > 0) {
    const element = model.elements.get(waiting.pop() as string);
    if (!element || seen.has(element.id)) continue;
    seen.add(element.id);
    const targets = next(model, element);
    if (targets.length === 0) return false;
    meets ||= targets.includes(join);
    waiting.push(...targets, ...(isActivity(element) ? element.boundary : []));
  }
  return meets;
}

/**
 * Parallel joins of a scope that can never complete: a token waits there, or can go nowhere else, and no token can
 * still come on one of the flows.
 */
export function brokenJoins(run: Run, scopeId: string): ReadonlySet<string> {
  const tokens = tokensIn(run, scopeId).filter((token) => !isSpent(run, token));
  const broken = new Set<string>();
  for (const join of run.model.elements.values()) {
    if (join.kind !== 'parallelGateway' || join.incoming.length < 2) continue;
    const bound = tokens.some(
      ({ elementId }) => elementId === join.id || cannotAvoid(run.model, elementId, join.id),
    );
    const comes = (flow: string): boolean =>
      tokens.some(({ elementId, flowId }) =>
        elementId === join.id ? flowId === flow : reachableFlows(run.model, elementId, join.id).has(flow),
      );
    if (bound && !join.incoming.every(comes)) broken.add(join.id);
  }
  return broken;
}

/**
 * A scope in which every token waits at a join will never go on: the model is at fault. Raises an incident instead of
 * hanging silently; answers whether it did.
 */
export function reportDeadlock(run: Run): boolean {
  const joining = [...run.tokens.values()].filter((token) => token.wait.kind === 'join');
  for (const first of joining) {
    if (tokensIn(run, first.scopeId).some(({ wait }) => wait.kind !== 'join' && wait.kind !== 'reset'))
      continue;
    raiseIncident(run, first, 'the join waits for a token that can no longer come', 'enter');
    return true;
  }
  return false;
}

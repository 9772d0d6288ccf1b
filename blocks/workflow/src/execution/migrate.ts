import { choicesIn, isActivity } from '../model/check-flow.ts';
import { definitionsOf } from '../model/definitions-of.ts';
import type { FlowElement, ProcessModel } from '../model/model.ts';
import { disarm } from './cancel.ts';
import type { EngineEvent } from './event.ts';
import { brokenJoins } from './join.ts';
import { Refused } from './repair.ts';
import { change, isIteration, type Run } from './run.ts';
import type { Compensable, InstanceState, Scope, Subscription, Token, Wait } from './state.ts';
import { planEvent, subscribe } from './subscribe.ts';

type Migrate = Extract<EngineEvent, { type: 'migrate' }>;

/** Where a token goes when its instance goes over to another revision. */
export interface Move {
  readonly tokenId: string;
  readonly from: string;
  readonly to: string;
}

/** Why an instance cannot go over: the element of the revision it is on, and what is wrong with it. */
export interface Obstacle {
  readonly elementId: string;
  readonly message: string;
}

export interface MigrationPlan {
  readonly moves: readonly Move[];
  readonly obstacles: readonly Obstacle[];
}

function loopOf(element: FlowElement): string {
  if (!isActivity(element) || !element.loop) return 'none';
  if (element.loop.kind === 'standard') return 'repeated';
  return element.loop.sequential ? 'sequential' : 'parallel';
}

const isJoin = (element: FlowElement): boolean =>
  ['parallelGateway', 'inclusiveGateway', 'complexGateway'].includes(element.kind) &&
  element.incoming.length > 1;

const catchesOf = (element: FlowElement | undefined) =>
  element?.kind === 'boundaryEvent' || element?.kind === 'intermediateCatchEvent'
    ? element.catches
    : element?.kind === 'receiveTask'
      ? element.message
      : undefined;

/** Events for which a token waits at an element: its own, those behind it, those on its boundary. */
function awaitedAt(model: ProcessModel, elementId: string): readonly string[] {
  const element = model.elements.get(elementId);
  if (!element) return [];
  if (element.kind === 'eventBasedGateway') {
    return element.outgoing.map((flow) => model.flows.get(flow)?.target ?? '');
  }
  if (element.kind === 'intermediateCatchEvent') return [element.id];
  if (!isActivity(element)) return [];
  return [...(element.kind === 'receiveTask' ? [element.id] : []), ...element.boundary];
}

function obstacleOf(
  from: ProcessModel,
  to: ProcessModel,
  at: (id: string) => string,
  scope: Scope,
  token: Token,
) {
  const source = from.elements.get(token.elementId);
  const target = to.elements.get(at(token.elementId));
  if (!source || !target) return `the other revision has no element ${at(token.elementId)}`;
  if (source.kind !== target.kind) return `${target.id} is a ${target.kind}, not a ${source.kind}`;
  const iteration = ['iteration', 'repetition'].includes(scope.kind) && scope.elementId === token.elementId;
  const around = at(scope.elementId);
  if (!iteration && target.parent !== around) return `${target.id} does not stand in ${around} there`;
  if (loopOf(source) !== loopOf(target)) return `${target.id} is not repeated in the same way`;
  if (source.kind === 'subProcess' && target.kind === 'subProcess' && !source.adHoc !== !target.adHoc) {
    return `${target.id} is ${target.adHoc ? '' : 'not '}ad hoc there`;
  }
  const left = token.wait.kind === 'adHoc' ? token.wait.left.map(at) : [];
  const gone = left.find((id) => !choicesIn(to, target.id).includes(id));
  if (gone !== undefined) return `${target.id} could not begin ${gone} there`;
  if (isJoin(source) && token.wait.kind !== 'reset' && !target.incoming.includes(at(token.flowId ?? ''))) {
    return `a token waits at the join on the flow ${token.flowId}, which does not lead to ${target.id} there`;
  }
  for (const { elementId } of token.subscriptions) {
    const now = catchesOf(to.elements.get(at(elementId)));
    const before = catchesOf(from.elements.get(elementId));
    if (now && before && now.kind !== before.kind) return `${at(elementId)} waits for a ${now.kind} there`;
    if (now?.kind === 'multiple' && awaitedFor(now) !== awaitedFor(before)) {
      return `${at(elementId)} waits for something else there`;
    }
  }
  return undefined;
}

type Catches = Extract<FlowElement, { catches: unknown }>['catches'];

/** What is waited for, in words that are the same where it is the same. */
const awaitedFor = (catches: Catches | undefined): string =>
  (catches ? definitionsOf<Catches>(catches) : [])
    .map((one) => ('name' in one ? `${one.kind} ${one.name}` : one.kind))
    .join(catches?.kind === 'multiple' && catches.parallel ? ' and ' : ' or ');
/** Elements that what was done names. */
const namesOf = ({ activity, handlers }: Compensable): readonly string[] => [
  activity,
  ...handlers.flatMap((one) => [one.handler, ...(one.inner ?? []).flatMap(namesOf)]),
];

const renamed = ({ activity, handlers }: Compensable, at: (id: string) => string): Compensable => ({
  activity: at(activity),
  handlers: handlers.map((one) => ({
    ...one,
    handler: at(one.handler),
    ...(one.inner === undefined ? {} : { inner: one.inner.map((done) => renamed(done, at)) }),
  })),
});

/** Names in what a gateway remembers and an ad-hoc sub-process still begins; what is being undone is never taken over. */
const renamedIn = (wait: Wait, at: (id: string) => string): Wait => {
  if (wait.kind === 'reset') return { ...wait, received: wait.received.map(at) };
  return wait.kind === 'adHoc' ? { ...wait, left: wait.left.map(at) } : wait;
};

/** What an event sub-process waits for; undefined for anything else. */
const awaitedBy = (element: FlowElement | undefined): string | undefined =>
  element?.kind === 'eventSubProcess' ? awaitedFor(element.catches) : undefined;

/** What going over to another revision of its process would do to an instance, and what is in the way. */
export function planMigration(
  from: ProcessModel,
  to: ProcessModel,
  elements: ReadonlyMap<string, string>,
  state: InstanceState,
): MigrationPlan {
  const at = (id: string): string => elements.get(id) ?? id;
  const obstacles: Obstacle[] = [];
  for (const token of state.tokens.values()) {
    const message = obstacleOf(from, to, at, state.scopes.get(token.scopeId) as Scope, token);
    if (message !== undefined) obstacles.push({ elementId: token.elementId, message });
  }
  for (const scope of state.scopes.values()) {
    if ([...state.tokens.values()].some(({ id, wait }) => id === scope.owner && wait.kind === 'compensation'))
      obstacles.push({ elementId: scope.elementId, message: 'the instance is undoing what was done' });
    for (const { elementId } of scope.subscriptions)
      if (awaitedBy(from.elements.get(elementId)) !== awaitedBy(to.elements.get(at(elementId))))
        obstacles.push({ elementId, message: `${at(elementId)} waits for something else there` });
    const named = [...scope.subscriptions.map((one) => one.elementId), ...scope.compensable.flatMap(namesOf)];
    for (const elementId of named)
      if (!to.elements.has(at(elementId)))
        obstacles.push({ elementId, message: `the other revision has no element ${at(elementId)}` });
  }
  return {
    moves: [...state.tokens.values()].map(({ id, elementId }) => ({
      tokenId: id,
      from: elementId,
      to: at(elementId),
    })),
    obstacles,
  };
}

/**
 * Takes an instance over to the model of the run, from another revision of its process. Jobs, tasks, timers and
 * messages that it waits for stay as they are; those of events that are gone end, those of new ones begin. Throws
 * `Refused` when something is in the way.
 */
export function migrate(run: Run, { previous, elements }: Migrate): boolean {
  const { obstacles } = planMigration(previous, run.model, elements, run.initial);
  const [first] = obstacles;
  if (first) throw new Refused(`${first.elementId}: ${first.message}`);
  const at = (id: string): string => elements.get(id) ?? id;
  const scopes = [...run.scopes.values()];
  const before = new Map(
    scopes.map(({ id }) => [id, new Set([...brokenJoins({ ...run, model: previous }, id)].map(at))]),
  );
  for (const scope of scopes) {
    run.scopes.set(scope.id, {
      ...scope,
      elementId: at(scope.elementId),
      subscriptions: scope.subscriptions.map((one) => ({ ...one, elementId: at(one.elementId) })),
      compensable: scope.compensable.map((one) => renamed(one, at)),
    });
  }
  for (const token of [...run.tokens.values()]) carryOver(run, previous, at, token);
  // Conditions may read otherwise now.
  run.conditionsDue = run.watching;
  for (const { id } of scopes) {
    const broken = [...brokenJoins(run, id)].find((join) => !before.get(id)?.has(join));
    if (broken !== undefined) {
      throw new Refused(`${broken}: the join would wait for a token that can no longer come`);
    }
  }
  return true;
}

function carryOver(run: Run, previous: ProcessModel, at: (id: string) => string, token: Token): void {
  const flowId = token.flowId === undefined ? undefined : at(token.flowId);
  const moved = change(run, token, {
    elementId: at(token.elementId),
    flowId: flowId !== undefined && run.model.flows.has(flowId) ? flowId : undefined,
    // What waits for others looks anew whether they are there.
    wait: token.wait.kind === 'join' ? { kind: 'ready' } : renamedIn(token.wait, at),
  });
  if (moved.elementId !== token.elementId) {
    run.history.push({
      event: 'migrated',
      elementId: moved.elementId,
      tokenId: token.id,
      detail: `from ${token.elementId}`,
    });
  }
  const wanted = new Set(awaitedAt(run.model, moved.elementId));
  const kept: Subscription[] = [];
  const ended: Subscription[] = [];
  const begun = new Set<string>();
  for (const one of token.subscriptions) {
    const elementId = at(one.elementId);
    const now = catchesOf(run.model.elements.get(elementId));
    const then = catchesOf(previous.elements.get(one.elementId));
    const named = (one: typeof now) =>
      one?.kind === 'message' || one?.kind === 'signal' ? one.name : undefined;
    const renamed = named(now) !== named(then);
    if (!wanted.has(elementId)) ended.push(one);
    else if (renamed) {
      ended.push(one);
      begun.add(elementId);
    } else kept.push({ ...one, elementId });
  }
  if (hasBegun(token) && !isIteration(run, moved)) {
    // What an event on the boundary waited for may be over already: only events that are new begin to wait.
    const known = new Set(awaitedAt(previous, token.elementId).map(at));
    for (const id of wanted) if (!known.has(id)) begun.add(id);
  }
  disarm(run, { ...moved, subscriptions: ended });
  const planned = [...begun].flatMap((id) => {
    const catches = catchesOf(run.model.elements.get(id));
    return catches === undefined ? [] : planEvent(run, moved, id, catches);
  });
  change(run, moved, { subscriptions: [...kept, ...subscribe(run, planned)] });
}

/** Whether the element is at work: not waiting for more tokens, nor stopped before it began or after it was done. */
const hasBegun = ({ wait }: Token): boolean =>
  wait.kind === 'incident' ? wait.resume === 'job' : wait.kind !== 'join';

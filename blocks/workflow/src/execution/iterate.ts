import type { Json, Variables } from '../feel/json.ts';
import { FeelError } from '../feel/normalise.ts';
import type { Activity, MultiInstance } from '../model/model.ts';
import { completeActivity } from './activity.ts';
import { cancelScope } from './cancel.ts';
import { addScope, addToken, change, type Run, record, scopeOf, scopesOwnedBy } from './run.ts';
import type { Scope, Token } from './state.ts';
import { planBoundary, subscribe } from './subscribe.ts';
import { checkHops, throwOne } from './throw.ts';
import { assign, evaluateIn, isTrue } from './variables.ts';

type Iterating = Token & { readonly wait: Extract<Token['wait'], { kind: 'iterations' }> };

const isIterating = (token: Token | undefined): token is Iterating => token?.wait.kind === 'iterations';

const loopOf = (run: Run, elementId: string): MultiInstance =>
  (run.model.elements.get(elementId) as Activity).loop as MultiInstance;

/** The items that there is a run for. Throws `FeelError`. */
function itemsOf(run: Run, token: Token, { collection, cardinality }: MultiInstance): readonly Json[] {
  const most = run.context.maxIterations;
  if (collection) {
    const items = evaluateIn(run, collection, token.scopeId);
    if (!Array.isArray(items)) throw new FeelError(`the collection ${collection.text} is not a list`);
    if (items.length > most) {
      throw new FeelError(`the collection has ${items.length} items; at most ${most} are run`);
    }
    return items;
  }
  const runs = cardinality ? evaluateIn(run, cardinality, token.scopeId) : 0;
  if (typeof runs !== 'number' || !Number.isInteger(runs) || runs < 0 || runs > most) {
    throw new FeelError(`the loopCardinality ${cardinality?.text} is not a whole number from 0 to ${most}`);
  }
  return Array.from({ length: runs }, () => null);
}

/** Begins a multi-instance activity: all iterations at once, or the first. Throws `FeelError`. */
export function startIterations(run: Run, token: Token, activity: Activity, loop: MultiInstance): void {
  const items = itemsOf(run, token, loop);
  const planned = planBoundary(run, token, activity.boundary);
  const waiting = change(run, token, {
    wait: { kind: 'iterations', items, next: 0, results: items.map(() => null) },
    subscriptions: subscribe(run, planned),
  }) as Iterating;
  record(run, waiting, 'entered');
  if (items.length === 0) finish(run, waiting);
  else begin(run, waiting, loop.sequential ? 1 : items.length);
}

function begin(run: Run, token: Iterating, count: number): void {
  const loop = loopOf(run, token.elementId);
  const { items, next } = token.wait;
  const upTo = Math.min(next + count, items.length);
  change(run, token, { wait: { ...token.wait, next: upTo } });
  for (let index = next; index < upTo; index += 1) {
    const scope = addScope(run, {
      kind: 'iteration',
      elementId: token.elementId,
      parent: token.scopeId,
      owner: token.id,
      variables: {
        ...(loop.outputItem === undefined ? {} : { [loop.outputItem]: null }),
        ...(loop.elementVariable === undefined ? {} : { [loop.elementVariable]: items[index] as Json }),
        loopCounter: index + 1,
      },
      index,
      subscriptions: [],
      compensable: [],
    });
    addToken(run, scope.id, token.elementId);
  }
}

/** Other runs that are still at work: one whose last token is gone has only not been cleared away yet. */
const othersAtWork = (run: Run, owner: Iterating, scope: Scope): Scope[] =>
  scopesOwnedBy(run, owner).filter(({ id }) => id !== scope.id && (run.population.get(id) ?? 0) > 0);

/** What is known of the runs as one of them ends (BPMN 10.3.8). */
function countersOf(run: Run, owner: Iterating, scope: Scope): Variables {
  const { wait } = owner;
  const active = othersAtWork(run, owner, scope).length;
  return {
    loopCounter: (scope.index ?? 0) + 1,
    numberOfInstances: wait.items.length,
    numberOfActiveInstances: active,
    numberOfCompletedInstances: wait.next - active,
  };
}

/**
 * Keeps the result of an iteration that is about to end. The answer does what its end brings about: it throws events,
 * and cancels the other iterations when the completion condition holds. Throws `FeelError`.
 */
export function endsIteration(run: Run, token: Token): () => void {
  const scope = scopeOf(run, token);
  const owner = run.tokens.get(scope.owner ?? '');
  const { resultElement, completion, throws } = loopOf(run, token.elementId);
  if (!isIterating(owner) || scope.index === undefined) return () => {};
  const counters = countersOf(run, owner, scope);
  const complete = completion !== undefined && isTrue(run, completion, scope.id, counters);
  const thrown = throws.filter(({ firstOnly, condition }) =>
    condition
      ? isTrue(run, condition, scope.id, counters)
      : !firstOnly || counters.numberOfCompletedInstances === 1,
  );
  for (const one of thrown) checkHops(run, one.thrown);
  if (resultElement) {
    const results = owner.wait.results.with(scope.index, evaluateIn(run, resultElement, scope.id));
    change(run, owner, { wait: { ...owner.wait, results } });
  }
  return () => {
    for (const one of thrown) {
      // One that interrupts the activity is the last.
      const still = run.tokens.get(owner.id);
      if (isIterating(still)) throwOne(run, still, one.thrown, counters);
    }
    const still = run.tokens.get(owner.id);
    if (!complete || !isIterating(still)) return;
    change(run, still, { wait: { ...still.wait, next: still.wait.items.length } });
    for (const other of othersAtWork(run, still, scope)) cancelScope(run, other.id);
  };
}

/** The last token of an iteration is gone: the next begins, or the activity is done. */
export function endIteration(run: Run, scope: Scope): void {
  run.scopes.delete(scope.id);
  const owner = run.tokens.get(scope.owner ?? '');
  if (!isIterating(owner)) return;
  if (owner.wait.next < owner.wait.items.length) begin(run, owner, 1);
  else if (scopesOwnedBy(run, owner).length === 0) finish(run, owner);
}

function finish(run: Run, token: Iterating): void {
  const { resultVariable } = loopOf(run, token.elementId);
  if (resultVariable !== undefined) assign(run, token.scopeId, { [resultVariable]: token.wait.results });
  completeActivity(run, token, run.model.elements.get(token.elementId) as Activity);
}

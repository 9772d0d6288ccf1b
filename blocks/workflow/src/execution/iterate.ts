import type { Json } from '../feel/json.ts';
import { FeelError } from '../feel/normalise.ts';
import type { Activity, MultiInstance } from '../model/model.ts';
import { completeActivity } from './activity.ts';
import { addScope, addToken, change, type Run, record, scopeOf, scopesOwnedBy } from './run.ts';
import type { Scope, Token } from './state.ts';
import { planBoundary, subscribe } from './subscribe.ts';
import { assign, evaluateIn } from './variables.ts';

type Iterating = Token & { readonly wait: Extract<Token['wait'], { kind: 'iterations' }> };

const isIterating = (token: Token | undefined): token is Iterating => token?.wait.kind === 'iterations';

const loopOf = (run: Run, elementId: string): MultiInstance =>
  (run.model.elements.get(elementId) as Activity).loop as MultiInstance;

/** Begins a multi-instance activity: all iterations at once, or the first. Throws `FeelError`. */
export function startIterations(run: Run, token: Token, activity: Activity, loop: MultiInstance): void {
  const items = evaluateIn(run, loop.collection, token.scopeId);
  if (!Array.isArray(items)) throw new FeelError(`the collection ${loop.collection.text} is not a list`);
  if (items.length > run.context.maxIterations) {
    throw new FeelError(
      `the collection has ${items.length} items; at most ${run.context.maxIterations} are run`,
    );
  }
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
      variables: { [loop.elementVariable]: items[index] as Json, loopCounter: index + 1 },
      index,
      subscriptions: [],
      compensable: [],
    });
    addToken(run, scope.id, token.elementId);
  }
}

/** Keeps the result of an iteration that is about to end. Throws `FeelError`. */
export function collectResult(run: Run, token: Token): void {
  const scope = scopeOf(run, token);
  const owner = run.tokens.get(scope.owner ?? '');
  const { resultElement } = loopOf(run, token.elementId);
  if (!resultElement || !isIterating(owner) || scope.index === undefined) return;
  const results = owner.wait.results.with(scope.index, evaluateIn(run, resultElement, scope.id));
  change(run, owner, { wait: { ...owner.wait, results } });
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

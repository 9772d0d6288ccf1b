import { FeelError } from '../feel/normalise.ts';
import type { Activity, StandardLoop } from '../model/model.ts';
import { completeActivity } from './activity.ts';
import { addScope, addToken, change, type Run, record, scopeOf } from './run.ts';
import type { Scope, Token } from './state.ts';
import { planBoundary, subscribe } from './subscribe.ts';
import { isTrue } from './variables.ts';

type Repeating = Token & { readonly wait: Extract<Token['wait'], { kind: 'repetitions' }> };

const isRepeating = (token: Token | undefined): token is Repeating => token?.wait.kind === 'repetitions';

/** Begins an activity with a loop marker; one that is tested before may pass without any run. Throws `FeelError`. */
export function startRepetitions(run: Run, token: Token, activity: Activity, loop: StandardLoop): void {
  const begins = !loop.testBefore || goesOn(run, loop, 0, token.scopeId);
  const planned = planBoundary(run, token, activity.boundary);
  const waiting = change(run, token, {
    wait: { kind: 'repetitions', runs: 0, more: false },
    subscriptions: subscribe(run, planned),
  }) as Repeating;
  record(run, waiting, 'entered');
  if (begins) begin(run, waiting);
  else completeActivity(run, waiting, activity);
}

function begin(run: Run, token: Repeating): void {
  const runs = token.wait.runs + 1;
  change(run, token, { wait: { kind: 'repetitions', runs, more: false } });
  const scope = addScope(run, {
    kind: 'repetition',
    elementId: token.elementId,
    parent: token.scopeId,
    owner: token.id,
    variables: { loopCounter: runs },
    index: undefined,
    subscriptions: [],
    compensable: [],
  });
  addToken(run, scope.id, token.elementId);
}

/** Whether another run follows after `runs`. Throws `FeelError`, also where the loop goes on for too long. */
function goesOn(run: Run, loop: StandardLoop, runs: number, scopeId: string): boolean {
  if (loop.maximum !== undefined && runs >= loop.maximum) return false;
  if (loop.condition && !isTrue(run, loop.condition, scopeId, { loopCounter: runs })) return false;
  if (runs >= run.context.maxIterations) {
    throw new FeelError(`the activity was repeated ${runs} times; more is not allowed`);
  }
  return true;
}

/** Decides, before a run ends, whether another follows. Throws `FeelError`. */
export function decideRepetition(run: Run, token: Token, loop: StandardLoop): void {
  const owner = run.tokens.get(scopeOf(run, token).owner ?? '');
  if (!isRepeating(owner)) return;
  const { runs } = owner.wait;
  change(run, owner, { wait: { ...owner.wait, more: goesOn(run, loop, runs, token.scopeId) } });
}

/** A run is over: the next begins, or the activity is done. */
export function endRepetition(run: Run, scope: Scope): void {
  run.scopes.delete(scope.id);
  const owner = run.tokens.get(scope.owner ?? '');
  if (!isRepeating(owner)) return;
  if (owner.wait.more) begin(run, owner);
  else completeActivity(run, owner, run.model.elements.get(owner.elementId) as Activity);
}

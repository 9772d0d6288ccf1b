import { change, command, type Run, record, removeToken, scopesOwnedBy, tokensIn } from './run.ts';
import type { Subscription, Token } from './state.ts';

/** Ends one subscription; `triggered`: what has just happened. */
export function withdraw(run: Run, { kind, id, happened }: Subscription, triggered?: string): void {
  if (happened) return;
  if (kind === 'message') command(run, { type: 'unsubscribe', subscriptionId: id });
  else if (kind === 'signal') command(run, { type: 'forgetSignal', subscriptionId: id });
  // A timer that has just come due is gone by itself.
  else if (kind === 'timer' && id !== triggered) command(run, { type: 'removeTimer', timerId: id });
}

/** Ends everything a token is subscribed to; `triggered`: what has just happened of it. */
export function disarm(run: Run, token: Token, triggered?: string): Token {
  for (const subscription of token.subscriptions) withdraw(run, subscription, triggered);
  return token.subscriptions.length === 0 ? token : change(run, token, { subscriptions: [] });
}

/** Ends everything the event sub-processes of a scope wait for. */
export function disarmScope(run: Run, scopeId: string, triggered?: string): void {
  const scope = run.scopes.get(scopeId);
  if (!scope || scope.subscriptions.length === 0) return;
  for (const subscription of scope.subscriptions) withdraw(run, subscription, triggered);
  run.scopes.set(scopeId, { ...scope, subscriptions: [] });
}

/** Ends whatever a token waits for: its job, task, called instance, sub-process, iterations, events. The token itself stays. */
export function cancelWork(run: Run, token: Token, triggered?: string): Token {
  const { wait } = token;
  if (wait.kind === 'job') command(run, { type: 'removeJob', jobId: wait.jobId });
  if (wait.kind === 'task') {
    command(run, { type: 'endTask', taskId: wait.taskId, outcome: 'cancelled', completedBy: undefined });
  }
  if (wait.kind === 'called') {
    const { id: tokenId, elementId } = token;
    command(run, { type: 'stopCalled', instanceId: wait.instanceId, tokenId, elementId });
  }
  if (wait.kind === 'incident') {
    command(run, { type: 'resolveIncident', incidentId: wait.incidentId });
    if (wait.jobId !== undefined) command(run, { type: 'removeJob', jobId: wait.jobId });
  }
  for (const scope of scopesOwnedBy(run, token)) cancelScope(run, scope.id);
  return disarm(run, token, triggered);
}

/** Removes a token with everything it waits for. */
export function cancelToken(run: Run, token: Token): void {
  if (!['ready', 'join', 'reset'].includes(token.wait.kind)) record(run, token, 'cancelled');
  cancelWork(run, token);
  removeToken(run, token);
}

/** Removes every token of a scope and of the scopes inside it, and the scope. */
export function cancelScope(run: Run, scopeId: string): void {
  for (const token of tokensIn(run, scopeId)) cancelToken(run, token);
  disarmScope(run, scopeId);
  run.scopes.delete(scopeId);
  run.emptied.delete(scopeId);
}

/** Removes everything that lives in the instance. */
export function cancelEverything(run: Run): void {
  for (const scope of [...run.scopes.values()]) {
    if (scope.kind !== 'process') continue;
    for (const token of tokensIn(run, scope.id)) cancelToken(run, token);
    disarmScope(run, scope.id);
    run.emptied.delete(scope.id);
  }
  run.ready.length = 0;
}

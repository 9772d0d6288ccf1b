import type { BoundaryEvent, EndEvent, SubProcess } from '../model/model.ts';
import { cancelScope, cancelToken, disarm, disarmScope } from './cancel.ts';
import { compensate, doneIn } from './compensate.ts';
import { happen } from './happen.ts';
import { addBeside, type Run, record, removeToken, scopeOf, tokensIn } from './run.ts';
import type { Scope, Token } from './state.ts';

const isTransaction = (run: Run, scope: Scope): boolean => {
  const element = run.model.elements.get(scope.elementId);
  return element?.kind === 'subProcess' && element.transaction;
};

/**
 * A cancel end event: whatever runs in its transaction ends, what was done in it is compensated for, then the
 * transaction is left by its cancel event (BPMN 13.4.2). An error that leaves it compensates for nothing: a hazard.
 */
export function cancelTransaction(run: Run, token: Token, element: EndEvent): void {
  let scope = scopeOf(run, token);
  while (!isTransaction(run, scope)) scope = run.scopes.get(scope.parent ?? '') as Scope;
  const left = doneIn(run, scope);
  const canceller = token.scopeId === scope.id ? token : addBeside(run, scope.id, element.id);
  for (const other of tokensIn(run, scope.id)) if (other.id !== canceller.id) cancelToken(run, other);
  disarmScope(run, scope.id);
  run.scopes.set(scope.id, { ...(run.scopes.get(scope.id) as Scope), compensable: [] });
  disarm(run, run.tokens.get(scope.owner ?? '') as Token);
  compensate(run, canceller, element, { kind: 'compensation', left });
}

/** Everything is compensated for: the transaction is left by the cancel event on its boundary. */
export function leaveTransaction(run: Run, token: Token): void {
  const scope = scopeOf(run, token);
  const owner = run.tokens.get(scope.owner ?? '') as Token;
  const { boundary } = run.model.elements.get(owner.elementId) as SubProcess;
  const event = boundary
    .map((id) => run.model.elements.get(id) as BoundaryEvent)
    .find((one) => one.catches.kind === 'cancel');
  removeToken(run, token);
  cancelScope(run, scope.id);
  record(run, owner, 'cancelled');
  happen(run, owner, event as BoundaryEvent, {});
}

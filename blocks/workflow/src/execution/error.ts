import { isActivity } from '../model/check-flow.ts';
import type { BoundaryEvent } from '../model/model.ts';
import { cancelEverything, cancelWork } from './cancel.ts';
import { happen } from './happen.ts';
import { isIteration, type Run, record, scopeOf } from './run.ts';
import type { Token } from './state.ts';

/** Boundary event of the token's activity that catches the code: an exact one before one that catches all. */
function catcher(run: Run, token: Token, code: string): BoundaryEvent | undefined {
  const element = run.model.elements.get(token.elementId);
  if (!element || !isActivity(element) || isIteration(run, token)) return undefined;
  const events = element.boundary
    .map((id) => run.model.elements.get(id) as BoundaryEvent)
    .filter((event) => event.catches.kind === 'error');
  const codeOf = (event: BoundaryEvent): string | undefined =>
    event.catches.kind === 'error' ? event.catches.code : undefined;
  return (
    events.find((event) => codeOf(event) === code) ?? events.find((event) => codeOf(event) === undefined)
  );
}

/**
 * A BPMN error: goes outwards from the token until a boundary event catches it, cancelling what it leaves behind.
 * Caught nowhere, it fails the instance.
 */
export function raiseError(run: Run, token: Token, code: string, message: string): void {
  record(run, token, 'error', code);
  for (let at: Token | undefined = token; at; at = run.tokens.get(scopeOf(run, at).owner ?? '')) {
    const event = catcher(run, at, code);
    if (!event) continue;
    const freed = cancelWork(run, at);
    if (at.id !== token.id) record(run, freed, 'cancelled');
    happen(run, freed, event, { error: { code, message } });
    return;
  }
  cancelEverything(run);
  run.status = 'failed';
  run.errorCode = code;
}

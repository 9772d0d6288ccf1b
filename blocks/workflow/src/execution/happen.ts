import type { Variables } from '../feel/json.ts';
import { FeelError } from '../feel/normalise.ts';
import type { BoundaryEvent, IntermediateCatchEvent, StartEvent } from '../model/model.ts';
import { raiseIncident } from './incident.ts';
import { leave } from './leave.ts';
import { change, type Run, record } from './run.ts';
import type { Token } from './state.ts';
import { applyOutputs } from './variables.ts';

/** An event has happened: the token passes through it, taking over what it brought. */
export function happen(
  run: Run,
  token: Token,
  event: BoundaryEvent | IntermediateCatchEvent | StartEvent,
  brought: Variables,
): void {
  const moved = change(run, token, {
    elementId: event.id,
    flowId: event.id === token.elementId ? token.flowId : undefined,
    wait: { kind: 'event' },
    subscriptions: [],
  });
  try {
    applyOutputs(run, moved.scopeId, event.outputs, brought);
  } catch (error) {
    if (!(error instanceof FeelError)) throw error;
    raiseIncident(run, moved, error.message, 'leave', { brought });
    return;
  }
  record(run, moved, 'completed');
  leave(run, moved, event);
}

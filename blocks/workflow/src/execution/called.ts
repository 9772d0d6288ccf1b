import type { CallActivity } from '../model/model.ts';
import { finishActivity } from './activity.ts';
import { raiseError } from './error.ts';
import { escalate } from './escalation.ts';
import type { EngineEvent } from './event.ts';
import { raiseIncident } from './incident.ts';
import { change, type Run } from './run.ts';
import type { Token } from './state.ts';

type Event = Extract<EngineEvent, { type: 'returned' | 'callRefused' }>;

const callerOf = (run: Run, instanceId: string): Token | undefined =>
  [...run.tokens.values()].find((one) => one.wait.kind === 'called' && one.wait.instanceId === instanceId);

/** An escalation that a called instance did not catch goes outwards from the call. Answers false when nobody waits for it. */
export function takeEscalation(run: Run, event: Extract<EngineEvent, { type: 'escalatedBelow' }>): boolean {
  const token = callerOf(run, event.instanceId);
  if (token) escalate(run, token, event.code);
  return token !== undefined;
}

/**
 * A called instance has ended, or was never begun. One that failed raises its error here; one that was stopped, or could
 * not be begun, leaves an incident whose retry calls again. Answers false when nobody waits for it.
 */
export function takeReturn(run: Run, event: Event): boolean {
  const token = callerOf(run, event.instanceId);
  const call = token && run.model.elements.get(token.elementId);
  if (!token || call?.kind !== 'callActivity') return false;
  // The called instance is over: there is nothing left to stop.
  const freed = change(run, token, { wait: { kind: 'event' } });
  if (event.type === 'callRefused') raiseIncident(run, freed, event.message, 'begin');
  else if (event.status === 'stopped') {
    raiseIncident(run, freed, `the called process ${call.process} was stopped`, 'begin');
  } else if (event.status === 'failed') {
    raiseError(run, freed, event.errorCode ?? '', `the called process ${call.process} failed`);
  } else finish(run, freed, call, event);
  return true;
}

const finish = (
  run: Run,
  token: Token,
  call: CallActivity,
  event: Extract<Event, { type: 'returned' }>,
): void => finishActivity(run, token, call, { result: event.variables });

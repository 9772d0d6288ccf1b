import { storable } from '../feel/json.ts';
import { change, command, type Run, record } from './run.ts';
import type { Token, Wait } from './state.ts';

type Incident = Extract<Wait, { kind: 'incident' }>;

/** Stops a token until an operator has dealt with it. The rest of the instance goes on. */
export function raiseIncident(
  run: Run,
  token: Token,
  message: string,
  resume: Incident['resume'],
  { jobId, brought }: Partial<Pick<Incident, 'jobId' | 'brought'>> = {},
): void {
  const incidentId = run.context.newId();
  const stopped = change(run, token, {
    wait: { kind: 'incident', incidentId, resume, jobId, ...(brought === undefined ? {} : { brought }) },
  });
  command(run, {
    type: 'raiseIncident',
    incidentId,
    tokenId: token.id,
    elementId: token.elementId,
    jobId,
    message: storable(message.slice(0, 1000)),
  });
  record(run, stopped, 'incident');
}

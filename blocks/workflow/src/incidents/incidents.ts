import { conflict, notFound, Problem } from '@govstack/platform';
import { type Kysely, sql, type Transaction } from 'kysely';
import type { Variables } from '../feel/json.ts';
import type { Actor } from '../history/actor.ts';
import { ownedBy, type Viewer } from '../history/viewer.ts';
import { type Aftermath, applyEvents, type Engine } from '../instances/apply.ts';
import type { Handover } from '../instances/write-jobs.ts';
import type { IncidentRow, WorkflowTables } from '../tables.ts';

export interface IncidentFilter {
  readonly open?: boolean;
  readonly processKey?: string;
  readonly instanceId?: string;
  readonly elementId?: string;
  /** Words that the message contains. */
  readonly message?: string;
  readonly limit: number;
  readonly after?: string;
}

export type ListedIncident = IncidentRow & { readonly definition_id: string; readonly process_key: string };

/** Incidents, oldest first. */
export async function listIncidents(
  db: Kysely<WorkflowTables>,
  viewer: Viewer,
  filter: IncidentFilter,
): Promise<ListedIncident[]> {
  let query = db
    .selectFrom('incident')
    .innerJoin('instance', 'instance.id', 'incident.instance_id')
    .selectAll('incident')
    .select(['instance.definition_id', 'instance.process_key'])
    .where(ownedBy(viewer, 'incident.owner'))
    .orderBy('incident.id')
    .limit(filter.limit);
  if (filter.open !== undefined) query = query.where('resolved_at', filter.open ? 'is' : 'is not', null);
  if (filter.processKey !== undefined) query = query.where('instance.process_key', '=', filter.processKey);
  if (filter.instanceId !== undefined) query = query.where('incident.instance_id', '=', filter.instanceId);
  if (filter.elementId !== undefined) query = query.where('incident.element_id', '=', filter.elementId);
  if (filter.message !== undefined)
    query = query.where(sql<boolean>`strpos(incident.message, ${filter.message}) > 0`);
  if (filter.after !== undefined) query = query.where('incident.id', '>', filter.after);
  return query.execute();
}

/**
 * Tries again where an incident stopped a token, after correcting variables if any are given. Throws problems: 404,
 * 409 when it is resolved already, 422 when the corrected variables make no request.
 */
export async function retryIncident(
  trx: Transaction<WorkflowTables>,
  engine: Engine,
  viewer: Viewer,
  incidentId: string,
  variables: Variables | undefined,
  actor: Actor,
  handover: Handover | undefined,
  reason?: string,
): Promise<Aftermath> {
  const row = await trx
    .selectFrom('incident')
    .leftJoin('job', 'job.id', 'incident.job_id')
    .select(['incident.id', 'incident.instance_id', 'incident.resolved_at', 'job.request'])
    .where('incident.id', '=', incidentId)
    .where(ownedBy(viewer, 'incident.owner'))
    .executeTakeFirst();
  if (!row) throw notFound('Incident');
  if (row.resolved_at !== null) throw conflict('The incident is resolved');
  const aftermath = await applyEvents(
    trx,
    engine,
    [
      {
        instanceId: row.instance_id,
        event: { type: 'retry', incidentId: row.id, variables, request: row.request ?? undefined },
        actor,
        ...(reason === undefined ? {} : { reason }),
      },
    ],
    handover,
  );
  const [outcome] = aftermath.outcomes;
  if (outcome?.refusal !== undefined) throw new Problem(422, outcome.refusal);
  if (!outcome?.taken) throw conflict('The incident is resolved');
  return aftermath;
}

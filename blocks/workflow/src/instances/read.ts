import { notFound } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import type { Variables } from '../feel/json.ts';
import { ownedBy, type Viewer } from '../history/viewer.ts';
import type { InstanceRow, WorkflowTables } from '../tables.ts';

export type ReadInstance = InstanceRow & { readonly incidents: number };

export interface InstanceFilter {
  /** Definition id, or key for all its revisions. */
  readonly process?: string;
  readonly businessKey?: string;
  readonly status?: InstanceRow['status'] | 'suspended';
  /** Instance that called them. */
  readonly calledBy?: string;
  /** Only those with an open incident, or that take longer than their process allows. */
  readonly incidents?: boolean;
  readonly overdue?: boolean;
  readonly limit: number;
  /** Instances older than the one with this id. */
  readonly before?: string;
}

const openIncidents = sql<number>`(
  select count(*)::integer
  from incident
  where incident.instance_id = instance.id
    and incident.resolved_at is null
)`;

/** Instances that the viewer may see, newest first. */
export async function listInstances(
  db: Kysely<WorkflowTables>,
  viewer: Viewer,
  filter: InstanceFilter,
): Promise<ReadInstance[]> {
  let query = db
    .selectFrom('instance')
    .selectAll()
    .select(openIncidents.as('incidents'))
    .where(ownedBy(viewer, 'owner'))
    .orderBy('id', 'desc')
    .limit(filter.limit);
  if (filter.process !== undefined) {
    query = query.where(filter.process.includes(':') ? 'definition_id' : 'process_key', '=', filter.process);
  }
  if (filter.businessKey !== undefined) query = query.where('business_key', '=', filter.businessKey);
  if (filter.status === 'suspended' || filter.status === 'running') {
    query = query
      .where('status', '=', 'running')
      .where('suspended_at', filter.status === 'running' ? 'is' : 'is not', null);
  } else if (filter.status !== undefined) query = query.where('status', '=', filter.status);
  if (filter.calledBy !== undefined) query = query.where('parent_instance_id', '=', filter.calledBy);
  if (filter.incidents) {
    query = query.where(sql<boolean>`exists (
      select 1
      from incident
      where incident.instance_id = instance.id
        and incident.resolved_at is null
    )`);
  }
  if (filter.overdue) query = query.where('status', '=', 'running').where('overdue_at', 'is not', null);
  if (filter.before !== undefined) query = query.where('id', '<', filter.before);
  return query.execute();
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** An id that is none is one that does not exist. */
export const isUuid = (text: string): boolean => uuid.test(text);

/** An instance that the viewer may see. Throws 404. */
export async function findInstance(
  db: Kysely<WorkflowTables>,
  viewer: Viewer,
  id: string,
): Promise<ReadInstance> {
  const row = isUuid(id)
    ? await db
        .selectFrom('instance')
        .selectAll()
        .select(openIncidents.as('incidents'))
        .where('id', '=', id)
        .where(ownedBy(viewer, 'owner'))
        .executeTakeFirst()
    : undefined;
  if (!row) throw notFound('Instance');
  return row;
}

/** Variables of the process as they stand now, or stood at its end. */
export async function readVariables(db: Kysely<WorkflowTables>, instanceId: string): Promise<Variables> {
  const row = await db
    .selectFrom('scope')
    .select('variables')
    .where('instance_id', '=', instanceId)
    .where('kind', '=', 'process')
    .executeTakeFirst();
  return row?.variables ?? {};
}

export interface ProcessCounts {
  readonly owner: string;
  readonly process_key: string;
  readonly name: string | null;
  readonly running: number;
  readonly suspended: number;
  readonly overdue: number;
  readonly completed: number;
  readonly failed: number;
  readonly stopped: number;
  readonly open_incidents: number;
  readonly open_tasks: number;
}

/** How many instances of each process are in which state. */
export async function countInstances(db: Kysely<WorkflowTables>, viewer: Viewer): Promise<ProcessCounts[]> {
  const counted = await sql<ProcessCounts>`
    with processes as (
      select distinct on (owner, key) owner, key as process_key, name
      from definition
      where deleted_at is null
        and ${ownedBy(viewer, 'owner')}
      order by owner, key, revision desc
    ), instances as (
      select owner, process_key,
        (count(*) filter (where status = 'running'))::integer as running,
        (count(*) filter (where status = 'running' and suspended_at is not null))::integer as suspended,
        (count(*) filter (where status = 'running' and overdue_at is not null))::integer as overdue,
        (count(*) filter (where status = 'completed'))::integer as completed,
        (count(*) filter (where status = 'failed'))::integer as failed,
        (count(*) filter (where status = 'stopped'))::integer as stopped
      from instance
      where ${ownedBy(viewer, 'owner')}
      group by owner, process_key
    ), incidents as (
      select instance.owner, instance.process_key, count(*)::integer as open
      from incident
      join instance on instance.id = incident.instance_id
      where incident.resolved_at is null
        and ${ownedBy(viewer, 'incident.owner')}
      group by instance.owner, instance.process_key
    ), tasks as (
      select owner, process_key, count(*)::integer as open
      from user_task
      where state = 'open'
        and ${ownedBy(viewer, 'owner')}
      group by owner, process_key
    )
    select owner, process_key, name, coalesce(running, 0) as running, coalesce(suspended, 0) as suspended,
      coalesce(overdue, 0) as overdue, coalesce(completed, 0) as completed, coalesce(failed, 0) as failed,
      coalesce(stopped, 0) as stopped, coalesce(incidents.open, 0) as open_incidents,
      coalesce(tasks.open, 0) as open_tasks
    from processes
    full join instances using (owner, process_key)
    left join incidents using (owner, process_key)
    left join tasks using (owner, process_key)
    order by process_key, owner
    limit 1000`.execute(db);
  return counted.rows;
}

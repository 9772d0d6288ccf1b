import { type Kysely, sql } from 'kysely';
import { countWorkers } from '../jobs/presence.ts';
import type { WorkflowTables } from '../tables.ts';
import { ownedBy, type Viewer } from './viewer.ts';

export interface Health {
  readonly processes: number;
  readonly disabled: number;
  readonly running: number;
  readonly started: number;
  readonly completed: number;
  readonly failed: number;
  readonly stopped: number;
  readonly incidents: number;
  readonly tasks: number;
  readonly overdue_tasks: number;
  readonly due_jobs: number;
  readonly late_jobs: number;
  readonly oldest_due: Date | null;
  readonly suspended: number;
  readonly overdue: number;
  readonly workers: number;
}

/** How much there is and how it goes: of the viewer's processes; workers of the whole block. */
export async function readHealth(
  db: Kysely<WorkflowTables>,
  viewer: Viewer,
  times: { readonly now: string; readonly dayAgo: string; readonly late: string },
): Promise<Health> {
  const { now, dayAgo, late } = times;
  const found = await sql<Health>`
    with definitions as (
      select
        (count(distinct (owner, key)) filter (where enabled))::integer as processes,
        (count(*) filter (where not enabled))::integer as disabled
      from definition
      where deleted_at is null
        and ${ownedBy(viewer, 'owner')}
    ), instances as (
      select
        (count(*) filter (where status = 'running'))::integer as running,
        (count(*) filter (where status = 'running' and suspended_at is not null))::integer as suspended,
        (count(*) filter (where status = 'running' and overdue_at is not null))::integer as overdue,
        (count(*) filter (where started_at >= ${dayAgo}))::integer as started,
        (count(*) filter (where status = 'completed' and ended_at >= ${dayAgo}))::integer as completed,
        (count(*) filter (where status = 'failed' and ended_at >= ${dayAgo}))::integer as failed,
        (count(*) filter (where status = 'stopped' and ended_at >= ${dayAgo}))::integer as stopped
      from instance
      where ${ownedBy(viewer, 'owner')}
    ), incidents as (
      select count(*)::integer as incidents
      from incident
      where resolved_at is null
        and ${ownedBy(viewer, 'owner')}
    ), tasks as (
      select count(*)::integer as tasks, (count(*) filter (where due_at < ${now}))::integer as overdue_tasks
      from user_task
      where state = 'open'
        and ${ownedBy(viewer, 'owner')}
    ), jobs as (
      select count(*)::integer as due_jobs,
        (count(*) filter (where job.due_at < ${late} and job.locked_by is null))::integer as late_jobs,
        min(job.due_at) as oldest_due
      from job
      join instance on instance.id = job.instance_id
      where job.due_at <= ${now}
        and ${ownedBy(viewer, 'instance.owner')}
    )
    select *
    from definitions, instances, incidents, tasks, jobs`.execute(db);
  return { ...(found.rows[0] as Omit<Health, 'workers'>), workers: await countWorkers(db) };
}

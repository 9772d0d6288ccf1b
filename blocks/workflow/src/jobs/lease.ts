import { type Kysely, sql } from 'kysely';
import type { JobRequest } from '../execution/event.ts';
import type { WorkflowTables } from '../tables.ts';

/** A call, timer, return or stop that this worker now has to itself. */
export interface LeasedJob {
  readonly id: string;
  readonly kind: WorkflowTables['job']['kind'];
  readonly instanceId: string;
  readonly request: JobRequest | undefined;
  readonly timeoutMs: number | undefined;
  /** Attempts that ended, without success. */
  readonly attempts: number;
  /** How often it was begun since an attempt last ended: more than once means that a worker died over it. */
  readonly leases: number;
  readonly owner: string;
  readonly correlationId: string;
  /** Whether it has its place in the rate limit of its connection. */
  readonly admitted: boolean;
  /** When it was leased, in milliseconds. */
  readonly leasedAt: number;
}

interface Row {
  id: string;
  kind: WorkflowTables['job']['kind'];
  instance_id: string;
  request: JobRequest | null;
  timeout_ms: number | null;
  attempts: number;
  leases: number;
  owner: string;
  correlation_id: string;
  admitted: boolean;
}

/** Leases up to `limit` jobs that are due, oldest first; others' leases are passed over without waiting. */
export async function leaseJobs(
  db: Kysely<WorkflowTables>,
  workerId: string,
  at: Date,
  until: string,
  limit: number,
  /** Owners whose calls others may make. */
  without: readonly string[] = [],
): Promise<readonly LeasedJob[]> {
  const now = at.toISOString();
  const leased = await sql<Row>`
    with due as (
      select id
      from job
      where due_at <= ${now}
        and (locked_until is null or locked_until < ${now})
        -- What a called instance let out comes before its end.
        and not (kind = 'return' and exists (
          select from job as before
          where before.instance_id = job.instance_id
            and before.kind = 'escalation'
            and before.request ->> 'from' = job.id::text
        ))
        and (${without.length === 0} or kind <> 'call' or not exists (
          select from instance as one
          where one.id = job.instance_id and one.owner = any (${without}::text[])
        ))
      order by due_at
      limit ${limit}
      for update skip locked
    )
    update job
    set locked_by = ${workerId}, locked_until = ${until}, leases = job.leases + 1
    from due, instance
    where job.id = due.id
      and instance.id = job.instance_id
    returning job.id, job.kind, job.instance_id, job.request, job.timeout_ms, job.attempts, job.leases,
      job.admitted, instance.owner, instance.correlation_id`.execute(db);
  return leased.rows.map((row) => ({
    id: row.id,
    kind: row.kind,
    instanceId: row.instance_id,
    request: row.request ?? undefined,
    timeoutMs: row.timeout_ms ?? undefined,
    attempts: row.attempts,
    leases: row.leases,
    owner: row.owner,
    correlationId: row.correlation_id,
    admitted: row.admitted,
    leasedAt: at.getTime(),
  }));
}

/** Leases a job anew that has waited in its worker; false when another worker has it by now, or it is gone. */
export async function renew(
  db: Kysely<WorkflowTables>,
  jobId: string,
  workerId: string,
  until: string,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('job')
    .set({ locked_until: until })
    .where('id', '=', jobId)
    .where('locked_by', '=', workerId)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Gives a leased job back: its turn in the rate limit of its connection comes later. */
export async function postpone(db: Kysely<WorkflowTables>, jobId: string, until: string): Promise<void> {
  await sql`
    update job
    set due_at = case when resumes_at is null then ${until}::timestamptz else due_at end,
      resumes_at = case when resumes_at is null then null else ${until}::timestamptz end,
      admitted = true, leases = greatest(0, leases - 1), locked_by = null, locked_until = null
    where id = ${jobId}`.execute(db);
}

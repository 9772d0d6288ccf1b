import { conflict } from '@govstack/platform';
import { type Kysely, sql, type Transaction } from 'kysely';
import type { EngineEvent } from '../execution/event.ts';
import { type Actor, engineActor, nameOf } from '../history/actor.ts';
import { writeNotice } from '../notices/notices.ts';
import type { InstanceRow, WorkflowTables } from '../tables.ts';
import { type Aftermath, applyEvents, type Engine, type Happening } from './apply.ts';
import type { Handover } from './write-jobs.ts';

async function lock(trx: Transaction<WorkflowTables>, id: string): Promise<InstanceRow> {
  const row = await trx
    .selectFrom('instance')
    .selectAll()
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirstOrThrow();
  if (row.status !== 'running') throw conflict('The instance has ended');
  return row;
}

const note = (
  trx: Transaction<WorkflowTables>,
  id: string,
  event: 'suspended' | 'resumed',
  actor: Actor,
  at: string,
  reason: string | undefined,
) =>
  trx
    .insertInto('history')
    .values({
      instance_id: id,
      at,
      event,
      application: actor.application,
      actor: nameOf(actor),
      organisation: actor.organisation,
      entries: JSON.stringify([]) as never,
      reason: reason ?? null,
    })
    .execute();

/**
 * Lets an instance stand still: timers wait, no call begins, answers of calls under way are kept, people are refused.
 * One that is suspended already stays so. Throws 409 when it has ended.
 */
export async function suspendInstance(
  trx: Transaction<WorkflowTables>,
  id: string,
  actor: Actor,
  at: string,
  reason?: string,
): Promise<void> {
  const row = await lock(trx, id);
  if (row.suspended_at !== null) return;
  await trx.updateTable('instance').set({ suspended_at: at, changed_at: at }).where('id', '=', id).execute();
  await sql`
    update job
    set resumes_at = due_at, due_at = 'infinity'
    where instance_id = ${id}
      and kind <> 'stop'`.execute(trx);
  await note(trx, id, 'suspended', actor, at, reason);
  await writeNotice(trx, row, 'suspended', at);
}

/**
 * Lets a suspended instance go on where it stood; what came meanwhile happens now, in order. Messages that wait for it
 * are delivered by the next upkeep. Throws 409 when it has ended.
 */
export async function resumeInstance(
  trx: Transaction<WorkflowTables>,
  engine: Engine,
  id: string,
  actor: Actor,
  handover: Handover | undefined,
  reason?: string,
): Promise<Aftermath | undefined> {
  const row = await lock(trx, id);
  if (row.suspended_at === null) return undefined;
  const at = engine.now().toISOString();
  await trx
    .updateTable('instance')
    .set({ suspended_at: null, changed_at: at })
    .where('id', '=', id)
    .execute();
  await sql`
    update job
    set due_at = resumes_at, resumes_at = null
    where instance_id = ${id}
      and resumes_at is not null`.execute(trx);
  await note(trx, id, 'resumed', actor, at, reason);
  await writeNotice(trx, row, 'running', at);
  const kept = await trx
    .deleteFrom('kept_event')
    .where('instance_id', '=', id)
    .returning(['id', 'job_id', 'event'])
    .execute();
  const happenings = kept
    .sort((a, b) => Number(a.id) - Number(b.id))
    .map((row): Happening => {
      const event = row.event as EngineEvent;
      const base = { instanceId: id, event, actor: engineActor(engine.application) };
      return row.job_id === null ? base : { ...base, jobId: row.job_id };
    });
  if (happenings.length === 0) return undefined;
  return applyEvents(trx, engine, happenings, handover);
}

const bulk = 1000;

/** Ids of up to a thousand running instances of a revision, suspended or not; and whether there are more. */
export async function runningOf(
  db: Kysely<WorkflowTables>,
  definitionId: string,
  suspended: boolean,
): Promise<{ readonly ids: readonly string[]; readonly more: boolean }> {
  const rows = await db
    .selectFrom('instance')
    .select('id')
    .where('definition_id', '=', definitionId)
    .where('status', '=', 'running')
    .where('suspended_at', suspended ? 'is not' : 'is', null)
    .orderBy('id')
    .limit(bulk + 1)
    .execute();
  return { ids: rows.slice(0, bulk).map((row) => row.id), more: rows.length > bulk };
}

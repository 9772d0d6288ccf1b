import { transaction } from '@govstack/platform';
import { type Kysely, sql, type Transaction } from 'kysely';
import { type Actor, engineActor } from '../history/actor.ts';
import { ownedBy, type Viewer } from '../history/viewer.ts';
import type { Engine } from '../instances/apply.ts';
import type { WorkflowTables } from '../tables.ts';
import { logChange } from './change-log.ts';

export interface RetainedProcess {
  readonly owner: string;
  readonly key: string;
}

/** The process of a definition id or key, also when every revision of it is removed. */
export const findProcess = (
  db: Kysely<WorkflowTables>,
  viewer: Viewer,
  idOrKey: string,
): Promise<RetainedProcess | undefined> =>
  db
    .selectFrom('definition')
    .select(['owner', 'key'])
    .where(ownedBy(viewer, 'owner'))
    .where(idOrKey.includes(':') ? 'id' : 'key', '=', idOrKey)
    .orderBy('owner')
    .orderBy('revision', 'desc')
    .limit(1)
    .executeTakeFirst();

/** Days that ended instances of a process are kept; null: for ever. */
export async function readRetention(
  db: Kysely<WorkflowTables>,
  { owner, key }: RetainedProcess,
): Promise<number | null> {
  const row = await db
    .selectFrom('retention')
    .select('days')
    .where('owner', '=', owner)
    .where('process_key', '=', key)
    .executeTakeFirst();
  return row?.days ?? null;
}

/** Sets how many days ended instances of a process are kept, and writes who did it and why. */
export async function setRetention(
  trx: Transaction<WorkflowTables>,
  process: RetainedProcess,
  days: number | null,
  by: { readonly actor: Actor; readonly reason: string; readonly at: string },
): Promise<void> {
  const { owner, key } = process;
  await sql`select pg_advisory_xact_lock(hashtext(${`retention ${owner} ${key}`}))`.execute(trx);
  if ((await readRetention(trx, process)) === days) return;
  await trx.deleteFrom('retention').where('owner', '=', owner).where('process_key', '=', key).execute();
  if (days !== null) await trx.insertInto('retention').values({ owner, process_key: key, days }).execute();
  const detail = days === null ? 'kept for ever' : `kept for ${days} days`;
  await logChange(trx, { owner, processKey: key, action: 'retention-set', detail, ...by });
}

const step = 200;
const parts = [
  'task_comment',
  'user_task',
  'incident',
  'job',
  'notice',
  'subscription',
  'signal_subscription',
  'token',
  'scope',
] as const;

/**
 * Removes one step of instances whose time is over, with all that belongs to them, and writes how many of which
 * process. Answers how many.
 */
export function removeExpired(db: Kysely<WorkflowTables>, engine: Engine): Promise<number> {
  const at = engine.now().toISOString();
  return transaction(db, async (trx) => {
    const expired = await sql<{ id: string }>`
      select old.id
      from retention
      cross join lateral (
        select id
        from instance
        where instance.owner = retention.owner
          and instance.process_key = retention.process_key
          and ended_at < ${at}::timestamptz - retention.days * interval '1 day'
          -- Its caller has not heard yet how it ended: that job bears its id.
          and not exists (select from job where job.id = instance.id)
        order by ended_at
        limit ${step}
      ) as old
      limit ${step}`.execute(trx);
    if (expired.rows.length === 0) return 0;
    const candidates = expired.rows.map((row) => row.id);
    const rows = await trx
      .selectFrom('instance')
      .select(['id', 'owner', 'process_key', 'ended_at'])
      .where('id', 'in', candidates)
      .where('ended_at', 'is not', null)
      .orderBy('id')
      .forUpdate()
      .skipLocked()
      .execute();
    const ids = rows.map((row) => row.id);
    if (ids.length === 0) return 0;
    for (const table of parts) await trx.deleteFrom(table).where('instance_id', 'in', ids).execute();
    await trx.updateTable('message').set({ payload: null }).where('delivered_to', 'in', ids).execute();
    await trx.deleteFrom('instance').where('id', 'in', ids).execute();
    await trx.deleteFrom('history').where('instance_id', 'in', ids).execute();
    for (const group of Map.groupBy(rows, (row) => JSON.stringify([row.owner, row.process_key])).values()) {
      const { owner, process_key: processKey } = group[0] as (typeof rows)[0];
      const ends = group.map((row) => row.ended_at as string).sort();
      await logChange(trx, {
        owner,
        processKey,
        action: 'instances-removed',
        detail: `${group.length} instances that ended from ${ends[0]} to ${ends.at(-1)}`,
        reason: 'retention',
        actor: engineActor(engine.application),
        at,
      });
    }
    return ids.length;
  });
}

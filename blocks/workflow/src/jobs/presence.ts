import { newId } from '@govstack/platform';
import type { Kysely } from 'kysely';
import { sql } from 'kysely';
import type pg from 'pg';
import type { WorkflowTables } from '../tables.ts';

/** First half of the advisory lock keys of workers, so that they meet no others. */
const lockSpace = 0x57_46;

/** A worker as the others see it: alive for as long as its connection holds its lock. */
export interface Presence {
  readonly workerId: string;
  /** False once the connection is gone: others may then take over its jobs. */
  readonly present: () => boolean;
  leave(): Promise<void>;
}

/** Registers a worker. Its jobs fall back to others the moment its process dies, not when a lease runs out. */
export async function enter(pool: pg.Pool, now: string): Promise<Presence> {
  const client = await pool.connect();
  let present = true;
  const gone = (): void => {
    present = false;
  };
  client.on('error', gone);
  client.on('end', gone);
  const workerId = newId();
  try {
    // Seen by others only together with its lock.
    await client.query('begin');
    const inserted = await client.query<{ number: string }>(
      'insert into worker (id, started_at) values ($1, $2) returning number',
      [workerId, now],
    );
    await client.query('select pg_advisory_lock($1::integer, $2::integer)', [
      lockSpace,
      inserted.rows[0]?.number,
    ]);
    await client.query('commit');
  } catch (error) {
    client.release(true);
    throw error;
  }
  return {
    workerId,
    present: () => present,
    async leave() {
      try {
        if (!present) return;
        await client.query(
          `update job
           set locked_by = null, locked_until = null, leases = greatest(0, leases - 1)
           where locked_by = $1`,
          [workerId],
        );
        await client.query('delete from worker where id = $1', [workerId]);
      } finally {
        present = false;
        client.off('error', gone);
        client.off('end', gone);
        client.on('error', () => undefined);
        client.release(true);
      }
    },
  };
}

/** Gives the jobs of dead workers back; answers how many workers were dead. */
export async function buryDead(db: Kysely<WorkflowTables>): Promise<number> {
  return db.transaction().execute(async (trx) => {
    const dead = await sql<{ id: string }>`
      select id
      from worker
      where pg_try_advisory_xact_lock(${lockSpace}::integer, number::integer)
      for update skip locked`.execute(trx);
    const ids = dead.rows.map((row) => row.id);
    if (ids.length === 0) return 0;
    await trx
      .updateTable('job')
      .set({ locked_by: null, locked_until: null })
      .where('locked_by', 'in', ids)
      .execute();
    await trx.deleteFrom('worker').where('id', 'in', ids).execute();
    return ids.length;
  });
}

/** Workers of all nodes that are alive. */
export async function countWorkers(db: Kysely<WorkflowTables>): Promise<number> {
  const alive = await sql<{ count: number }>`
    select count(*)::integer as count
    from worker
    where exists (
      select 1
      from pg_locks
      join pg_database on pg_database.oid = pg_locks.database
      where locktype = 'advisory'
        and granted
        and datname = current_database()
        and classid = ${lockSpace}::integer::oid
        and objid = worker.number::integer::oid
    )`.execute(db);
  return alive.rows[0]?.count ?? 0;
}

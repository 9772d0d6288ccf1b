import { type Kysely, sql, type Transaction } from 'kysely';
import type { Granted } from '../access/access.ts';
import type { RegistryTables } from '../tables.ts';

type Db = Kysely<RegistryTables>;

/**
 * Reads for a reader who sees some records only, behind the second wall: row-level security lets through what their
 * rights do, whatever the statements of `work` forget to ask. In a transaction of the caller's it ends with `work`.
 * For readers who see every record there is no wall and no cost. `work` reads registry tables and nothing else.
 */
export async function behindWall<T>(
  db: Db,
  { wall }: Pick<Granted, 'wall'>,
  work: (db: Db) => Promise<T>,
): Promise<T> {
  if (wall === undefined) return work(db);
  const within = async (trx: Transaction<RegistryTables>): Promise<T> => {
    // Where no such role was provisioned the first wall stands alone; the block says so when it starts.
    await sql`select set_config('reg.rows', ${wall}, true), set_config('role', coalesce(reg.reader(), 'none'), true)`.execute(
      trx,
    );
    const result = await work(trx);
    await sql`select set_config('role', 'none', true), set_config('reg.rows', '', true)`.execute(trx);
    return result;
  };
  return db.isTransaction ? within(db as Transaction<RegistryTables>) : db.transaction().execute(within);
}

/** Whether there is a role for the second wall. */
export async function wallStands(db: Db): Promise<boolean> {
  const { rows } = await sql<{ stands: boolean }>`select reg.reader() is not null as stands`.execute(db);
  return rows[0]?.stands ?? false;
}

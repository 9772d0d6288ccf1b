import { setTimeout as delay } from 'node:timers/promises';
import { type IsolationLevel, Kysely, PostgresDialect, sql, type Transaction } from 'kysely';
import pg from 'pg';
import { prepareMarked } from './prepared.ts';
import { rowTypes } from './row-types.ts';

export interface Connection<DB> {
  readonly pool: pg.Pool;
  readonly db: Kysely<DB>;
  close(): Promise<void>;
}

/** A pool and a typed query builder on one block's database. */
export function connect<DB>(
  url: string,
  options: { readonly max?: number; readonly applicationName?: string } = {},
): Connection<DB> {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.max ?? 10,
    application_name: options.applicationName ?? 'govstack',
    connectionTimeoutMillis: 30_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    types: rowTypes,
    options: '-c timezone=UTC -c datestyle=ISO -c idle_in_transaction_session_timeout=120000',
  });
  // A connection may be cut by the server at any time: idle ones the pool replaces, and one inside a transaction fails
  // at its next query. Without a listener each would end the process.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  prepareMarked(pool);
  const db = new Kysely<DB>({ dialect: new PostgresDialect({ pool }) });
  return {
    pool,
    db,
    async close() {
      await db.destroy();
      // The query builder leaves alone a pool it never used.
      if (!pool.ending) await pool.end();
    },
  };
}

const retriable = new Set(['40001', '40P01']);
const attempts = 8;
/** Advisory lock of the transaction that is trying again. */
const another = 7_274_519;

/** Whether PostgreSQL asks to try again: a deadlock, a serialisation failure. Nothing has been written. */
export const mayBeTriedAgain = (error: unknown): boolean =>
  retriable.has((error as { code?: string } | undefined)?.code ?? '');

/**
 * Runs `work` in a transaction; repeats it, up to eight times in all, when PostgreSQL asks to (serialisation failure,
 * deadlock). `work` must therefore do nothing outside the database. Those that try again take turns, so that contenders
 * that failed together do not meet again and again.
 */
export async function transaction<DB, R>(
  db: Kysely<DB>,
  work: (trx: Transaction<DB>) => Promise<R>,
  options: { readonly isolation?: IsolationLevel } = {},
): Promise<R> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const start = db.transaction();
      if (options.isolation) return await start.setIsolationLevel(options.isolation).execute(work);
      return await start.execute(async (trx) => {
        if (attempt > 1) await sql`select pg_advisory_xact_lock(${another})`.execute(trx);
        return work(trx);
      });
    } catch (error) {
      if (attempt >= attempts || !mayBeTriedAgain(error)) throw error;
      await delay(Math.random() * 10 * 2 ** attempt);
    }
  }
}

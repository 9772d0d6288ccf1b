import { Kysely, PostgresDialect, type Transaction } from 'kysely';
import pg from 'pg';

const { builtins } = pg.types;

const utc = (text: string): string => {
  if (text === 'infinity' || text === '-infinity') return text;
  return new Date(text.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00')).toISOString();
};

/** Values as they travel: numbers too large for a float and all dates as text, instants in UTC (CFR-DAT-2). */
const parsers: ReadonlyMap<number, (text: string) => unknown> = new Map<number, (text: string) => unknown>([
  [builtins.INT8, (text) => text],
  [builtins.NUMERIC, (text) => text],
  [builtins.DATE, (text) => text],
  [builtins.TIMESTAMP, (text) => text],
  [builtins.TIMESTAMPTZ, utc],
]);

const types = {
  getTypeParser: (oid: number, format?: string) =>
    (format === 'binary' ? undefined : parsers.get(oid)) ?? pg.types.getTypeParser(oid, format as 'text'),
};

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
    types: types as pg.CustomTypesConfig,
    options: '-c timezone=UTC -c idle_in_transaction_session_timeout=120000',
  });
  // An idle connection may be cut by the server; the pool replaces it at the next use.
  pool.on('error', () => undefined);
  const db = new Kysely<DB>({ dialect: new PostgresDialect({ pool }) });
  return { pool, db, close: () => db.destroy() };
}

const retriable = new Set(['40001', '40P01']);

/** Runs `work` in a transaction; repeats it when PostgreSQL asks to (serialisation failure, deadlock). */
export async function transaction<DB, R>(
  db: Kysely<DB>,
  work: (trx: Transaction<DB>) => Promise<R>,
): Promise<R> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await db.transaction().execute(work);
    } catch (error) {
      const code = (error as { code?: string }).code;
      if (attempt >= 5 || code === undefined || !retriable.has(code)) throw error;
    }
  }
}

import { type RawBuilder, sql } from 'kysely';
import type pg from 'pg';

const mark = '/* prepared */';
const mostPrepared = 300;

/**
 * A statement that begins with this is parsed and planned once a connection, not each time: twice as fast for those
 * that run all the time. It must name its columns (`select *` fails when the table has another one), and should find
 * its rows the same way whatever its parameters.
 *
 *   sql`${prepared} select id from note where owner = ${owner}`
 */
export const prepared: RawBuilder<unknown> = sql.raw(mark);

/** A column of rows that a statement brings along. `type`: its SQL type, written as it is. */
export interface BroughtColumn {
  readonly name: string;
  readonly type: string;
  /** As many as rows. */
  readonly values: readonly unknown[];
}

const plain = (name: string): string => {
  if (!/^[a-z][a-z0-9_]*$/.test(name)) throw new Error(`${name} cannot be the name of a column here`);
  return name;
};

/**
 * Rows that a statement brings along, as a table to stand in `from`. A single row stands there as such: of a list the
 * database does not know before how long it is, and it plans a prepared statement anew each time.
 */
export function brought(name: string, columns: readonly BroughtColumn[]): RawBuilder<unknown> {
  const table = sql.raw(plain(name));
  if (columns[0]?.values.length === 1) {
    const row = columns.map(
      ({ name, type, values }) => sql`${values[0]}::${sql.raw(`${type} as ${plain(name)}`)}`,
    );
    return sql`(select ${sql.join(row)}) as ${table}`;
  }
  const lists = columns.map(({ type, values }) => sql`${values}::${sql.raw(`${type}[]`)}`);
  return sql`unnest(${sql.join(lists)}) as ${table}(${sql.raw(columns.map(({ name }) => plain(name)).join(', '))})`;
}

/** Names under which connections of a pool keep such statements; what is over the bound is planned each time. */
export function prepareMarked(pool: pg.Pool): void {
  const names = new Map<string, string>();
  const nameOf = (text: string): string | undefined => {
    const known = names.get(text);
    if (known !== undefined || names.size >= mostPrepared) return known;
    const name = `p${names.size + 1}`;
    names.set(text, name);
    return name;
  };
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    (client as { query: unknown }).query = (text: unknown, values: unknown, ...rest: unknown[]) => {
      const name = typeof text === 'string' && text.startsWith(mark) ? nameOf(text) : undefined;
      return name === undefined ? query(text, values, ...rest) : query({ name, text, values }, ...rest);
    };
  });
}

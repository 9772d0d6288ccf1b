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

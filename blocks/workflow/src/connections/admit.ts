import { type Kysely, sql } from 'kysely';
import type { WorkflowTables } from '../tables.ts';
import type { Connection } from './connections.ts';

/**
 * Takes the next place in the rate limit of a connection, which all nodes share: evenly spread, but what has not gone in
 * the last six seconds may go at once. Places are so far apart that no minute has more than the limit. Answers when the
 * place is; undefined: now.
 */
export async function takePlace(
  db: Kysely<WorkflowTables>,
  { owner, name, settings }: Connection,
): Promise<string | undefined> {
  const { perMinute } = settings;
  if (perMinute === undefined) return undefined;
  const { rows } = await sql<{ place: string; now: boolean }>`
    with taken as (
      update connection
      set free_at = greatest(free_at, now()) + interval '66 seconds' / ${perMinute}::float8
      where owner = ${owner}
        and name = ${name}
      returning free_at - greatest(interval '6 seconds', interval '66 seconds' / ${perMinute}::float8) as place
    )
    select place, place <= now() as now
    from taken`.execute(db);
  const [row] = rows;
  return row === undefined || row.now ? undefined : row.place;
}

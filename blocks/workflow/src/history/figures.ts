import { type Kysely, sql } from 'kysely';
import type { WorkflowTables } from '../tables.ts';
import { ownedBy, type Viewer } from './viewer.ts';

export const intervals = ['hour', 'day', 'month'] as const;
export type Interval = (typeof intervals)[number];

/** Instances of one interval. */
export interface InstanceFigures {
  readonly begin: Date;
  readonly started: number;
  readonly completed: number;
  readonly failed: number;
  readonly stopped: number;
}

export interface FiguresAsked {
  readonly from: string;
  readonly to: string;
  readonly interval: Interval;
  readonly timeZone: string;
  readonly processKey?: string;
}

/** How many instances began and ended in each interval of a span in which any did, in order of time. */
export async function instanceFigures(
  db: Kysely<WorkflowTables>,
  viewer: Viewer,
  { from, to, interval, timeZone, processKey }: FiguresAsked,
): Promise<readonly InstanceFigures[]> {
  const ofProcess = processKey === undefined ? sql`true` : sql`process_key = ${processKey}`;
  const count = (happened: string) => sql`(count(*) filter (where happened = ${happened}))::integer`;
  const found = await sql<InstanceFigures>`
    with happenings as (
      select started_at as at, 'started' as happened
      from instance
      where started_at >= ${from}
        and started_at < ${to}
        and ${ofProcess}
        and ${ownedBy(viewer, 'owner')}
      union all
      select ended_at, status
      from instance
      where ended_at >= ${from}
        and ended_at < ${to}
        and ${ofProcess}
        and ${ownedBy(viewer, 'owner')}
    )
    select date_trunc(${interval}, at, ${timeZone}) as begin, ${count('started')} as started,
      ${count('completed')} as completed, ${count('failed')} as failed, ${count('stopped')} as stopped
    from happenings
    group by begin
    order by begin`.execute(db);
  return found.rows;
}

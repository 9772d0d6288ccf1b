import { type Kysely, sql } from 'kysely';
import type { WorkflowTables } from '../tables.ts';

export interface ElementStatistics {
  readonly element_id: string;
  readonly entered: number;
  readonly left: number;
  readonly incidents: number;
  /** Seconds from entry to exit of the visits that ended in the span; null without one. */
  readonly mean: number | null;
  readonly p50: number | null;
  readonly p95: number | null;
}

export interface Span {
  readonly from: string;
  readonly to: string;
}

/** Most instances that are looked at for one answer, those of the newest events first. */
export const mostInstances = 10_000;

/**
 * How often the elements of a definition were entered and left in a span of time, and how long that took. An element
 * that is passed at once is entered and left at the same moment; a token that came from another revision has entered when
 * it came. `complete`: whether every instance was looked at.
 */
export async function elementStatistics(
  db: Kysely<WorkflowTables>,
  definitionId: string,
  { from, to }: Span,
): Promise<{ readonly elements: readonly ElementStatistics[]; readonly complete: boolean }> {
  const active = await sql<{ id: string }>`
    select instance.id
    from instance
    where definition_id = ${definitionId}
      and started_at < ${to}
      and changed_at >= ${from}
      and exists (
        select 1
        from history
        where history.instance_id = instance.id
          and at >= ${from}
          and at < ${to}
      )
    order by instance.id desc
    limit ${mostInstances + 1}`.execute(db);
  const ids = active.rows.slice(0, mostInstances).map((row) => row.id);
  const counted = await sql<ElementStatistics>`
    with visits as (
      select history.at, entry ->> 'elementId' as element_id, kind.event,
        lag(kind.event) over visit as event_before, lag(history.at) over visit as at_before
      from history
      cross join lateral jsonb_array_elements(history.entries) with ordinality as entries (entry, place)
      cross join lateral (
        select case entry ->> 'event' when 'migrated' then 'entered' else entry ->> 'event' end as event
      ) as kind
      where history.instance_id = any (${ids}::uuid[])
        and history.at < ${to}
        and kind.event in ('entered', 'completed', 'cancelled', 'error')
      window visit as (
        partition by history.instance_id, entry ->> 'tokenId', entry ->> 'elementId'
        order by history.id, place
      )
    ), times as (
      select at, element_id, event,
        event <> 'entered' and event_before is distinct from 'entered' as at_once,
        case
          when event = 'entered' then null
          when event_before = 'entered' then extract(epoch from at - at_before)::float8
          else 0
        end as seconds
      from visits
      where at >= ${from}
    ), incidents as (
      select element_id, count(*) as raised
      from incident
      where instance_id = any (${ids}::uuid[])
        and raised_at >= ${from}
        and raised_at < ${to}
      group by element_id
    )
    select element_id,
      (count(*) filter (where event = 'entered' or at_once))::integer as entered,
      (count(*) filter (where event <> 'entered'))::integer as left,
      coalesce(max(incidents.raised), 0)::integer as incidents,
      avg(seconds) as mean,
      percentile_cont(0.5) within group (order by seconds) as p50,
      percentile_cont(0.95) within group (order by seconds) as p95
    from times
    full join incidents using (element_id)
    group by element_id`.execute(db);
  return { elements: counted.rows, complete: active.rows.length <= mostInstances };
}

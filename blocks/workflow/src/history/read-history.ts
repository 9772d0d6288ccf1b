import { type Kysely, sql } from 'kysely';
import type { HistoryEntry } from '../execution/command.ts';
import type { InstanceRow, WorkflowTables } from '../tables.ts';

export interface HistoryRow {
  readonly id: string;
  readonly at: string;
  readonly event: string;
  readonly application: string;
  readonly actor: string | null;
  readonly organisation: string;
  readonly entries: readonly HistoryEntry[];
  /** Why an operator did it. */
  readonly reason: string | null;
}

/** History of an instance in order of time, after row `after`. */
export const readHistory = (
  db: Kysely<WorkflowTables>,
  instanceId: string,
  page: { readonly limit: number; readonly after?: string },
): Promise<HistoryRow[]> =>
  db
    .selectFrom('history')
    .select(['id', 'at', 'event', 'application', 'actor', 'organisation', 'entries', 'reason'])
    .where('instance_id', '=', instanceId)
    .$if(page.after !== undefined, (query) => query.where('id', '>', page.after as string))
    .orderBy('id')
    .limit(page.limit)
    .execute();

export type ElementState = 'active' | 'incident' | 'completed' | 'cancelled';

export interface ElementView {
  readonly state: ElementState | undefined;
  /** How often it has been completed. */
  readonly passes: number;
  readonly since: string | undefined;
  readonly until: string | undefined;
}

interface Passed {
  element_id: string;
  entered: string | null;
  left: string | null;
  passes: number;
  cancelled: number;
}

/** State of each element of an instance, from its tokens and its history. */
export async function readElementStates(
  db: Kysely<WorkflowTables>,
  instance: Pick<InstanceRow, 'id'>,
): Promise<{
  readonly elements: ReadonlyMap<string, ElementView>;
  readonly flows: ReadonlyMap<string, number>;
}> {
  const passed = await sql<Passed>`
    select entry ->> 'elementId' as element_id,
      min(history.at) as entered,
      max(history.at) filter (where entry ->> 'event' in ('completed', 'cancelled', 'error')) as left,
      (count(*) filter (where entry ->> 'event' = 'completed'))::integer as passes,
      (count(*) filter (where entry ->> 'event' in ('cancelled', 'error')))::integer as cancelled
    from history
    cross join lateral jsonb_array_elements(history.entries) as entry
    where history.instance_id = ${instance.id}
    group by entry ->> 'elementId'`.execute(db);
  const taken = await sql<{ flow_id: string; passes: number }>`
    select flow_id, count(*)::integer as passes
    from (
      select distinct entry ->> 'flowId' as flow_id, entry ->> 'tokenId' as token_id, entry ->> 'elementId' as element_id,
        case when entry ->> 'event' = 'completed' then history.id end as pass
      from history
      cross join lateral jsonb_array_elements(history.entries) as entry
      where history.instance_id = ${instance.id}
        and entry ->> 'flowId' is not null
        and entry ->> 'event' in ('entered', 'completed', 'incident')
    ) as visits
    group by flow_id`.execute(db);
  const tokens = await db
    .selectFrom('token')
    .select(['element_id', sql<string>`wait ->> 'kind'`.as('wait')])
    .where('instance_id', '=', instance.id)
    .execute();
  const elements = new Map<string, ElementView>();
  for (const row of passed.rows) {
    elements.set(row.element_id, {
      state: row.passes > 0 ? 'completed' : row.cancelled > 0 ? 'cancelled' : undefined,
      passes: row.passes,
      since: row.entered ?? undefined,
      until: row.left ?? undefined,
    });
  }
  for (const token of tokens) {
    const known = elements.get(token.element_id);
    const state = token.wait === 'incident' || known?.state === 'incident' ? 'incident' : 'active';
    elements.set(token.element_id, {
      state,
      passes: known?.passes ?? 0,
      since: known?.since,
      until: undefined,
    });
  }
  return { elements, flows: new Map(taken.rows.map((row) => [row.flow_id, row.passes])) };
}

/** Tokens of running instances per element, and how many of them are stopped by an incident. */
export async function countTokens(
  db: Kysely<WorkflowTables>,
  definitionId: string,
): Promise<ReadonlyMap<string, { readonly active: number; readonly incidents: number }>> {
  const rows = await sql<{ element_id: string; active: number; incidents: number }>`
    select token.element_id,
      count(*)::integer as active,
      (count(*) filter (where token.wait ->> 'kind' = 'incident'))::integer as incidents
    from token
    join instance on instance.id = token.instance_id
    where instance.definition_id = ${definitionId}
    group by token.element_id`.execute(db);
  return new Map(rows.rows.map((row) => [row.element_id, { active: row.active, incidents: row.incidents }]));
}

import { sql } from 'kysely';
import type { Rail, RailResult } from '../rails/port.ts';
import type { Trx } from '../tables.ts';
import { isUuid } from '../uuid.ts';

/**
 * Sorts the results one operator reports by the rail of its that was sent the transfer. What none of them was sent goes
 * to `otherwise`. In id order, so that two reports lock in the same order.
 */
export async function resultsByRail(
  trx: Trx,
  rails: readonly Rail[],
  otherwise: Rail,
  results: readonly RailResult[],
): Promise<[railId: string, results: RailResult[]][]> {
  if (rails.length === 1) return [[otherwise.id, [...results]]];
  const references = results.map((result) => result.reference).filter(isUuid);
  const { rows } = await sql<{ id: string; rail_id: string }>`
    select id, rail_id
    from (
      select id, rail_id from instruction
      union all
      select id, rail_id from voucher_redemption
    ) sent
    where id = any (${references}::uuid[])
      and rail_id = any (${rails.map((rail) => rail.id)}::text[])`.execute(trx);
  const railOf = new Map(rows.map((row) => [row.id, row.rail_id]));
  const groups = Map.groupBy(results, (result) => railOf.get(result.reference.toLowerCase()) ?? otherwise.id);
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
}

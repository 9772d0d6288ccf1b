import { type RawBuilder, sql } from 'kysely';
import type { Db } from '../tables.ts';
import type { Rail } from './port.ts';
import { findRail } from './registry.ts';

/**
 * The statement that answers the id of the rail for a payment: an active one that takes its modality, currency and
 * amount, and lists its institution or is a default one. The institution's own comes first, then the lowest rank.
 */
export const routing = (of: {
  readonly modality: RawBuilder<unknown>;
  readonly institution: RawBuilder<unknown>;
  readonly currency: RawBuilder<unknown>;
  /** Minor units. */
  readonly amount: RawBuilder<unknown>;
}): RawBuilder<{ id: string }> => sql`
  select r.id
  from rail r
  where r.active
    and ${of.modality} = any (r.modalities)
    and ${of.currency} = any (r.currencies)
    and (r.is_default or ${of.institution} = any (r.institutions))
    and ${of.amount} <= coalesce((r.maximum_amounts ->> ${of.currency})::bigint, ${of.amount})
  order by ${of.institution} = any (r.institutions) desc nulls last, r.rank, r.id
  limit 1`;

/** The rail that credits an account with an amount, by the same rule as for payments of runs. */
export async function railFor(
  db: Db,
  payment: {
    readonly modality: string;
    readonly institution: string | undefined;
    readonly currency: string;
    /** Minor units. */
    readonly amount: bigint;
  },
): Promise<Rail | undefined> {
  const { rows } = await routing({
    modality: sql`${payment.modality}::text`,
    institution: sql`${payment.institution ?? null}::text`,
    currency: sql`${payment.currency}::text`,
    amount: sql`${payment.amount.toString()}::bigint`,
  }).execute(db);
  return rows[0] && findRail(db, rows[0].id);
}

import { sql } from 'kysely';
import type { Rail } from '../rails/port.ts';
import { findRail } from '../rails/registry.ts';
import type { Db } from '../tables.ts';

/** The rail that credits an account: one that lists its institution, or else a default one, as for payments of a run. */
export async function railFor(
  db: Db,
  account: { readonly modality: string; readonly institution: string | undefined; readonly currency: string },
): Promise<Rail | undefined> {
  const { modality, institution = null, currency } = account;
  const { rows } = await sql<{ id: string }>`
    select r.id
    from rail r
    where r.active
      and ${modality} = any (r.modalities)
      and ${currency} = any (r.currencies)
      and (r.is_default or ${institution}::text = any (r.institutions))
    order by ${institution}::text = any (r.institutions) desc nulls last, r.id
    limit 1`.execute(db);
  return rows[0] && findRail(db, rows[0].id);
}

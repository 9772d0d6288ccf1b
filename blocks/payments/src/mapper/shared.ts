import { sql } from 'kysely';
import type { Payments } from '../payments-context.ts';
import { masked } from '../vault/vault.ts';

export interface SharedAccount {
  /** The last four characters. */
  readonly account: string;
  readonly payees: number;
  readonly sources: readonly string[];
  /** Entries of the mapper, by id. */
  readonly entries: readonly string[];
}

const most = 200;

/** Accounts to which at least so many payees want to be paid, over all sources; the most shared first. */
export async function sharedAccounts(payments: Payments, least: number): Promise<SharedAccount[]> {
  const { rows } = await sql<{
    version_id: string;
    address_cipher: Buffer;
    payees: string;
    sources: string[];
    entries: string[];
  }>`
    select
      s.payees, s.sources, s.entries, v.id as version_id, v.address_cipher
    from (
      select
        count(*) as payees,
        array_agg(distinct e.source_id) as sources,
        (array_agg(e.id::text order by e.id))[1:50] as entries,
        (array_agg(v.id order by v.id))[1] as version_id
      from mapper_entry e
      join mapper_version v on v.id = e.current_version
      where v.active and v.address_token is not null
      group by v.address_token
      having count(*) >= ${least}
      order by count(*) desc
      limit ${most}
    ) s
    join mapper_version v on v.id = s.version_id
    order by s.payees desc, v.id`.execute(payments.db);
  return rows.map((row) => ({
    account: masked(payments.vault.open(row.address_cipher, `address/${row.version_id}`)),
    payees: Number(row.payees),
    sources: row.sources,
    entries: row.entries,
  }));
}

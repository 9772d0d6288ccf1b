import { sql } from 'kysely';
import type { Db, Trx } from '../tables.ts';
import { derivedId } from './derived-id.ts';

/**
 * Chart of accounts, one account per kind, owner and currency:
 * `funding` mirror of a real bank account (owner: that account's token), `available` what a programme may spend,
 * `reserved` liquidity of one run, `clearing` sent to a rail and not yet final, `paid` confirmed by a rail,
 * `suspense` came back and waits for a decision, `voucher` value of vouchers given out (owner: programme), `fees` owed to
 * rails for what they did.
 */
export const normalSide = {
  funding: 'debit',
  available: 'credit',
  reserved: 'credit',
  clearing: 'credit',
  paid: 'credit',
  suspense: 'credit',
  voucher: 'credit',
  fees: 'credit',
} as const satisfies Record<string, 'debit' | 'credit'>;

export type AccountKind = keyof typeof normalSide;

/** Mirrors of what a bank does: they follow its statements, and may be below zero while one is awaited. */
const mirrors: ReadonlySet<AccountKind> = new Set(['funding', 'paid']);

export interface AccountKey {
  readonly kind: AccountKind;
  readonly owner: string;
  readonly currency: string;
}

/** The id of an account follows from what it is, so postings need no look-up. */
export const accountId = ({ kind, owner, currency }: AccountKey): string =>
  derivedId('account', kind, owner, currency);

/**
 * Opens the accounts that do not exist yet, without waiting for whoever books on those that do, and answers their ids in
 * the order given.
 */
export async function openAccounts(trx: Trx, keys: readonly AccountKey[]): Promise<string[]> {
  const rows = keys.map((key) => ({
    id: accountId(key),
    kind: key.kind,
    owner: key.owner,
    currency: key.currency,
    side: normalSide[key.kind],
    restricted: !mirrors.has(key.kind),
  }));
  const sorted = [...rows].sort((a, b) => (a.id < b.id ? -1 : 1));
  await sql`
    insert into ledger_account (id, kind, owner, currency, normal_side, restricted)
    select a.id, a.kind, a.owner, a.currency, a.side, a.restricted
    from jsonb_to_recordset(${JSON.stringify(sorted)}::jsonb)
      as a (id uuid, kind text, owner text, currency text, side text, restricted boolean)
    where not exists (select from ledger_account known where known.id = a.id)
    on conflict on constraint ledger_account_pkey do nothing`.execute(trx);
  return rows.map((row) => row.id);
}

export interface Balance {
  readonly posted: bigint;
  /** What may still leave the account: posted less what is promised away. */
  readonly free: bigint;
  /** Promised to come in. */
  readonly expected: bigint;
}

/** Balances of accounts on their normal side, in minor units; an account that was never opened is empty. */
export async function balances(db: Db | Trx, ids: readonly string[]): Promise<Map<string, Balance>> {
  const rows = await db
    .selectFrom('ledger_account')
    .select(['id', 'normal_side', 'debits_posted', 'credits_posted', 'debits_pending', 'credits_pending'])
    .where('id', 'in', ids.length > 0 ? [...ids] : ['00000000-0000-0000-0000-000000000000'])
    .execute();
  const found = new Map<string, Balance>(ids.map((id) => [id, { posted: 0n, free: 0n, expected: 0n }]));
  for (const row of rows) {
    const debit = row.normal_side === 'debit';
    const inward = BigInt(debit ? row.debits_posted : row.credits_posted);
    const outward = BigInt(debit ? row.credits_posted : row.debits_posted);
    const promised = BigInt(debit ? row.credits_pending : row.debits_pending);
    const expected = BigInt(debit ? row.debits_pending : row.credits_pending);
    found.set(row.id, { posted: inward - outward, free: inward - outward - promised, expected });
  }
  return found;
}

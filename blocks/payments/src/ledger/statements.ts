import { type Selectable, sql } from 'kysely';
import type { Db, PaymentsTables } from '../tables.ts';

export interface AccountLine {
  readonly id: string;
  readonly kind: string;
  readonly owner: string;
  readonly currency: string;
  /** On the account's normal side, minor units. */
  readonly posted: bigint;
  readonly free: bigint;
  readonly debits: bigint;
  readonly credits: bigint;
}

/** Accounts in id order, a page after an account id. */
export async function listAccounts(
  db: Db,
  filter: {
    readonly kind?: string;
    readonly currency?: string;
    readonly after?: string;
    readonly limit: number;
  },
): Promise<AccountLine[]> {
  const rows = await db
    .selectFrom('ledger_account')
    .selectAll()
    .$if(filter.kind !== undefined, (query) => query.where('kind', '=', filter.kind as string))
    .$if(filter.currency !== undefined, (query) => query.where('currency', '=', filter.currency as string))
    .$if(filter.after !== undefined, (query) => query.where('id', '>', filter.after as string))
    .orderBy('id')
    .limit(filter.limit)
    .execute();
  return rows.map((row) => {
    const debits = BigInt(row.debits_posted);
    const credits = BigInt(row.credits_posted);
    const debit = row.normal_side === 'debit';
    const posted = debit ? debits - credits : credits - debits;
    const promised = BigInt(debit ? row.credits_pending : row.debits_pending);
    const { id, kind, owner, currency } = row;
    return { id, kind, owner, currency, posted, free: posted - promised, debits, credits };
  });
}

export type TransferLine = Selectable<PaymentsTables['ledger_transfer']>;

/** Transfers that touch an account, newest first, a page before a sequence number; each side is read along its own index. */
export async function listTransfers(
  db: Db,
  accountId: string,
  before: string | undefined,
  limit: number,
): Promise<TransferLine[]> {
  const side = (column: 'debit_account' | 'credit_account') => sql`
    (select * from ledger_transfer
     where ${sql.ref(column)} = ${accountId} and sequence < coalesce(${before ?? null}::bigint, 9223372036854775807)
     order by sequence desc
     limit ${limit})`;
  const { rows } = await sql<TransferLine>`
    select
      id, sequence, type, debit_account, credit_account, currency, amount, pending_id, cause, cause_id, batch_id,
      instruction_id, created_at
    from (${side('debit_account')} union all ${side('credit_account')}) touched
    order by sequence desc
    limit ${limit}`.execute(db);
  return rows;
}

import { badRequest } from '@govstack/platform';
import { sql } from 'kysely';
import { type AccountKey, openAccounts } from '../ledger/accounts.ts';
import type { Payments } from '../payments-context.ts';
import type { Trx } from '../tables.ts';

/** An account number without the spaces people write into it. */
const plain = (account: string): string => account.replaceAll(/\s/g, '').toUpperCase();

/**
 * The funding account that mirrors a bank's account: one that a programme is or was paid from, or that a rail
 * debits. Found by its keyed hash; an account nobody registered is refused. Answers the id of the ledger account.
 */
export async function fundingAccountOf(
  payments: Payments,
  trx: Trx,
  account: string,
  currency: string,
): Promise<string> {
  const { rows } = await sql<{ account: string }>`
    select funding_account as account from programme where currency = ${currency}
    union
    select debtor_account from rail where debtor_account is not null and ${currency} = any (currencies)
    union
    select owner from ledger_account where kind = 'funding' and currency = ${currency}
    limit 10000`.execute(trx);
  const token = (text: string): Buffer => payments.vault.token(plain(text), 'funding-account');
  const wanted = token(account);
  const found = rows.find((row) => token(row.account).equals(wanted));
  if (!found)
    throw badRequest('The statement is of an account from which nothing is paid here in its currency');
  const key: AccountKey = { kind: 'funding', owner: found.account, currency };
  const [id = ''] = await openAccounts(trx, [key]);
  return id;
}

import { createHash } from 'node:crypto';
import { notFound } from '@govstack/platform';
import { sql } from 'kysely';
import { audit } from '../audit/audit.ts';
import { accountId } from '../ledger/accounts.ts';
import { formatAmount } from '../money/amount.ts';
import type { Payments } from '../payments-context.ts';
import type { Db, Trx } from '../tables.ts';
import { engineActor } from './move.ts';
import type { Batch, StateTotal } from './read.ts';
import { reservedAccount } from './reserve.ts';

interface RailLine {
  rail_id: string | null;
  state: string;
  count: string;
  amount: string;
}

interface AccountLine {
  kind: string;
  owner: string;
  incoming: string;
  outgoing: string;
}

export interface Certificate {
  readonly batchId: string;
  readonly state: string;
  readonly currency: string;
  readonly total: { readonly count: number; readonly amount: string };
  readonly byState: readonly { readonly state: string; readonly count: number; readonly amount: string }[];
  readonly byRail: readonly {
    readonly rail: string | null;
    readonly state: string;
    readonly count: number;
    readonly amount: string;
  }[];
  /** What this run moved on each ledger account: money in equals money out over all of them. */
  readonly accounts: readonly {
    readonly kind: string;
    readonly owner: string;
    readonly incoming: string;
    readonly outgoing: string;
  }[];
  /** Charged by rails for what was paid, beside the amounts. */
  readonly fees?: string;
  readonly moneyIn: string;
  readonly moneyOut: string;
  /** SHA-256 over every instruction with its result. */
  readonly resultHash: string;
}

/** Hash over the outcome of every instruction of a batch, in order. */
export async function resultHash(db: Db | Trx, batchId: string): Promise<string> {
  const { rows } = await sql<{ hash: string }>`
    select encode(sha256(convert_to(coalesce(string_agg(
      json_build_array(position, client_id, amount, currency, state, reason_code, rail_reference)::text,
      E'\n' order by position), ''), 'UTF8')), 'hex') as hash
    from instruction
    where batch_id = ${batchId}`.execute(db);
  return rows[0]?.hash ?? '';
}

/** Writes down, once and for ever, how a run ended: counts, sums, rails, and the money on both sides of each account. */
export async function issueCertificate(
  payments: Payments,
  trx: Trx,
  batch: Batch,
  totals: readonly StateTotal[],
): Promise<void> {
  const text = (minor: bigint | string) => formatAmount(minor, payments.currencies(batch.currency) ?? 2);
  const rails = await sql<RailLine>`
    select rail_id, state, count(*) as count, sum(amount) as amount
    from instruction
    where batch_id = ${batch.id}
    group by rail_id, state
    order by rail_id, state`.execute(trx);
  const accounts = await sql<AccountLine>`
    select
      a.kind,
      a.owner,
      coalesce(sum(t.amount) filter (where t.credit_account = a.id), 0) as incoming,
      coalesce(sum(t.amount) filter (where t.debit_account = a.id), 0) as outgoing
    from (
      select * from ledger_transfer where batch_id = ${batch.id} and cause <> 'payout'
      union all
      select * from ledger_transfer
      where debit_account = ${accountId(reservedAccount(batch))} and cause = 'payout'
    ) t
    join ledger_account a on a.id in (t.debit_account, t.credit_account)
    where t.type in ('post', 'post-pending')
    group by a.kind, a.owner
    order by a.kind, a.owner`.execute(trx);
  const sum = (pick: (line: AccountLine) => string): string =>
    text(accounts.rows.reduce((total, line) => total + BigInt(pick(line)), 0n));
  const content: Certificate = {
    batchId: batch.id,
    state: batch.state,
    currency: batch.currency,
    total: { count: batch.instruction_count, amount: text(batch.total_amount) },
    byState: totals.map((total) => ({ ...total, amount: text(total.amount) })),
    byRail: rails.rows.map((line) => ({
      rail: line.rail_id,
      state: line.state,
      count: Number(line.count),
      amount: text(line.amount),
    })),
    accounts: accounts.rows.map((line) => ({
      kind: line.kind,
      owner: line.owner,
      incoming: text(line.incoming),
      outgoing: text(line.outgoing),
    })),
    fees: text(
      accounts.rows
        .filter((line) => line.kind === 'fees')
        .reduce((total, line) => total + BigInt(line.incoming), 0n),
    ),
    moneyIn: sum((line) => line.incoming),
    moneyOut: sum((line) => line.outgoing),
    resultHash: await resultHash(trx, batch.id),
  };
  const json = JSON.stringify(content);
  const hash = createHash('sha256').update(json).digest('hex');
  await trx.insertInto('certificate').values({ batch_id: batch.id, content: json, hash }).execute();
  await audit(trx, {
    component: 'runs',
    action: 'certificate',
    subject: `batch/${batch.id}`,
    actor: engineActor,
    detail: { ...content, hash },
  });
}

export async function readCertificate(
  db: Db,
  batchId: string,
): Promise<{ content: Certificate; hash: string; issuedAt: string }> {
  const row = await db
    .selectFrom('certificate')
    .select(['content', 'hash', 'issued_at'])
    .where('batch_id', '=', batchId)
    .executeTakeFirst();
  if (!row) throw notFound('Certificate of the batch');
  return { content: row.content as Certificate, hash: row.hash, issuedAt: row.issued_at };
}

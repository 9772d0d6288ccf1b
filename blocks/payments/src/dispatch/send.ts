import { setImmediate as breathe } from 'node:timers/promises';
import { newContext, transaction, withContext } from '@govstack/platform';
import { sql } from 'kysely';
import { saidPaid } from '../batches/said-paid.ts';
import { openCases } from '../cases/cases.ts';
import { openAccounts } from '../ledger/accounts.ts';
import { createTransfers } from '../ledger/transfers.ts';
import { formatAmount } from '../money/amount.ts';
import type { Payments } from '../payments-context.ts';
import type { Rail, RailResult, RailTransfer } from '../rails/port.ts';
import { outcomeOfRefusal } from '../rails/refusal.ts';
import { adapterOf, railContext, railInUse, sendingSeconds } from '../rails/registry.ts';
import type { Trx } from '../tables.ts';
import { applyResults, ofAttempts } from './apply-results.ts';
import { type Claimed, claim, nothingSent } from './claim.ts';
import { clearingAccount, promised } from './payout.ts';
import type { RailTraffic } from './rail-traffic.ts';
import { settleSubBatches } from './settle.ts';

interface Sendable {
  id: string;
  /** Payment under whose id it leaves: its own, or the first of those to the same payee. */
  leader_id: string;
  state: 'queued' | 'submitted' | 'unknown';
  amount: string;
  narration: string | null;
  version_id: string;
  institution_code: string | null;
  /** Payees who get a voucher have no account. */
  address_cipher: Buffer | null;
  /** The failed payment that this one makes anew. */
  retry_of: string | null;
  sends: number;
  now_active: boolean;
  now_same: boolean;
}

/** So many accounts are opened before others have their turn. */
const atOnce = 100;

interface Parcel {
  readonly claimed: Claimed;
  readonly rail: Rail;
  readonly transfers: readonly RailTransfer[];
  /** Which sending of each transfer this is. */
  readonly attempts: ReadonlyMap<string, number>;
}

/**
 * Instructions that have no sending under way, with the mapper's entry as it was validated and as it is now. The lock of
 * the claimed sub-batch is theirs, too.
 */
async function sendable(trx: Trx, subBatchId: string): Promise<Sendable[]> {
  const { rows } = await sql<Sendable>`
    select
      i.id, coalesce(k.leader_id, i.id) as leader_id, i.state, i.amount, i.narration, i.retry_of, i.version_id,
      v.institution_code, v.address_cipher,
      coalesce(a.sends, 0)::integer as sends,
      c.active as now_active,
      (c.modality, c.institution_code, c.address_token)
        is not distinct from (v.modality, v.institution_code, v.address_token) as now_same
    from sub_batch s
    join instruction i
      on i.batch_id = s.batch_id
      and i.position between s.first_position and s.last_position
      and i.sub_batch_id = s.id
    left join combined_instruction k on k.instruction_id = i.id
    join mapper_version v on v.id = i.version_id
    join mapper_entry e on e.id = v.entry_id
    join mapper_version c on c.id = e.current_version
    left join lateral (
      select count(*) as sends, bool_or(t.state in ('open', 'unknown')) as under_way
      from attempt t
      where t.instruction_id = coalesce(k.leader_id, i.id) and s.sends > 1
    ) a on true
    where s.id = ${subBatchId}
      and i.state in ('queued', 'submitted', 'unknown')
      and a.under_way is not true
    order by i.id`.execute(trx);
  return rows;
}

/** Ends waiting instructions as failed, for the reason that goes with each. Answers the others. */
async function drop(
  trx: Trx,
  rows: readonly Sendable[],
  reasons: ReadonlyMap<string, string>,
): Promise<Sendable[]> {
  if (reasons.size > 0)
    await sql`
      update instruction i
      set state = 'failed', reason_code = r.reason_code, updated_at = now()
      from unnest(${[...reasons.keys()]}::uuid[], ${[...reasons.values()]}::text[]) as r (id, reason_code)
      where i.id = r.id`.execute(trx);
  return rows.filter((row) => !reasons.has(row.id));
}

/** An account that changed between approval and payment is not followed silently: the payment fails and is shown. */
async function dropChanged(trx: Trx, claimed: Claimed, rows: readonly Sendable[]): Promise<Sendable[]> {
  const changed = rows.filter((row) => row.state === 'queued' && !(row.now_active && row.now_same));
  await openCases(
    trx,
    changed
      .filter((row) => row.now_active)
      .map((row) => ({
        kind: 'address-changed' as const,
        key: row.id,
        batchId: claimed.batch_id,
        instructionId: row.id,
        detail: 'The account of the payee changed after the run was approved; nothing was sent',
      })),
  );
  const reason = (row: Sendable): string => (row.now_active ? 'address-changed' : 'payee-inactive');
  return drop(trx, rows, new Map(changed.map((row) => [row.id, reason(row)])));
}

/** What failed before and is said to have been paid since is not paid anew: the payment fails, and what leaves with it. */
async function dropPaid(trx: Trx, rows: readonly Sendable[]): Promise<Sendable[]> {
  const anew = rows.filter((row) => row.state === 'queued' && row.retry_of !== null);
  const said = await saidPaid(
    trx,
    anew.map((row) => row.retry_of as string),
  );
  const paid = new Set(anew.filter((row) => said.has(row.retry_of as string)).map((row) => row.leader_id));
  const together = rows.filter((row) => paid.has(row.leader_id));
  return drop(trx, rows, new Map(together.map((row) => [row.id, 'may-be-paid-before'])));
}

/** Keeps the sendings, which nobody asks about before they must be over. */
async function writeAttempts(
  payments: Payments,
  trx: Trx,
  claimed: Claimed,
  rail: Rail,
  rows: readonly Sendable[],
): Promise<void> {
  const sent = rows.filter((row) => row.id === row.leader_id);
  const patience = Math.max(payments.config.lostAfterSeconds, sendingSeconds(payments, rail, sent.length));
  await sql`
    insert into attempt (instruction_id, sub_batch_id, rail_id, number, state, next_check_at)
    select r.instruction_id, ${claimed.id}, ${claimed.rail_id}, r.number, 'open',
      clock_timestamp() + make_interval(secs => ${patience})
    from unnest(
      ${sent.map((row) => row.id)}::uuid[],
      ${sent.map((row) => row.sends + 1)}::integer[]
    ) as r (instruction_id, number)`.execute(trx);
  const first = rows.filter((row) => row.state === 'queued');
  if (first.length === 0) return;
  await sql`
    update instruction
    set state = 'submitted', updated_at = now()
    where id = any (${first.map((row) => row.id)}::uuid[])`.execute(trx);
  await openAccounts(trx, [clearingAccount(claimed.rail_id, claimed.currency)]);
  await createTransfers(
    trx,
    promised(
      first.map((row) => ({
        instructionId: row.id,
        batchId: claimed.batch_id,
        railId: claimed.rail_id,
        currency: claimed.currency,
        amount: BigInt(row.amount),
        fee: 0n,
      })),
    ),
  );
}

/** What the rail is told, combined payments as one. Accounts are opened a few at a time, so that nobody else's call waits for all of them. */
async function orders(
  payments: Payments,
  currency: string,
  rows: readonly Sendable[],
): Promise<RailTransfer[]> {
  const exponent = payments.currencies(currency) ?? 2;
  const transfers: RailTransfer[] = [];
  for (const [reference, [row, ...others]] of Map.groupBy(rows, (one) => one.leader_id)) {
    if (!row) continue;
    transfers.push({
      reference,
      address:
        row.address_cipher === null
          ? ''
          : payments.vault.open(row.address_cipher, `address/${row.version_id}`),
      institution: row.institution_code ?? undefined,
      amount: formatAmount(
        others.reduce((sum, one) => sum + BigInt(one.amount), BigInt(row.amount)),
        exponent,
      ),
      narration: row.narration ?? undefined,
    });
    if (transfers.length % atOnce === 0) await breathe();
  }
  return transfers;
}

/** Every place of the claimed sub-batch's rail was taken meanwhile: it stays where it was. */
class NoPlace extends Error {}

/**
 * Takes a sub-batch and a place at its rail, and writes down, committed before anything is sent, that its instructions
 * are on their way and their money promised. After a crash anywhere later, the open attempts tell what to ask the rail
 * about. Only a parcel keeps the place.
 */
async function prepare(payments: Payments, traffic: RailTraffic): Promise<Parcel | 'nothing' | 'settled'> {
  let place: string | undefined;
  const leave = (): void => {
    if (place !== undefined) traffic.leave(place);
    place = undefined;
  };
  try {
    const prepared = await transaction(payments.db, async (trx) => {
      leave();
      const claimed = await claim(payments, trx, traffic.blocked());
      if (!claimed) return 'nothing';
      const rail = await railInUse(trx, claimed.rail_id);
      if (!rail.active || !traffic.enter(rail)) throw new NoPlace();
      place = rail.id;
      const rows = await dropPaid(trx, await dropChanged(trx, claimed, await sendable(trx, claimed.id)));
      if (rows.length === 0) {
        await nothingSent(trx, claimed.rail_id);
        await settleSubBatches(payments, trx, [claimed.id]);
        return 'settled';
      }
      const transfers = await orders(payments, claimed.currency, rows);
      await writeAttempts(payments, trx, claimed, rail, rows);
      const attempts = new Map(rows.map((row) => [row.id, row.sends + 1]));
      return { claimed, rail, transfers, attempts };
    });
    if (typeof prepared === 'string') leave();
    return prepared;
  } catch (error) {
    leave();
    if (error instanceof NoPlace) return 'nothing';
    throw error;
  }
}

const withMissing = (transfers: readonly RailTransfer[], results: readonly RailResult[]): RailResult[] => {
  const sent = new Set(transfers.map((transfer) => transfer.reference));
  const answered = new Set(results.map((result) => result.reference));
  return [
    ...results.filter((result) => sent.has(result.reference)),
    ...transfers
      .filter(({ reference }) => !answered.has(reference))
      .map(
        ({ reference }): RailResult => ({ reference, outcome: 'unknown', reasonCode: 'missing-in-answer' }),
      ),
  ];
};

/** Sends the next sub-batch to its rail and takes over the answer. Answers whether there was one. */
export async function sendNext(payments: Payments, traffic: RailTraffic): Promise<boolean> {
  const parcel = await prepare(payments, traffic);
  if (parcel === 'nothing') return false;
  if (parcel === 'settled') {
    payments.wake();
    return true;
  }
  const { claimed, rail, transfers, attempts } = parcel;
  try {
    await withContext(newContext({ correlationId: claimed.correlation_id }), async () => {
      let results: RailResult[];
      let answered = true;
      try {
        const answer = await adapterOf(rail).submit(railContext(payments, rail), {
          subBatchId: claimed.id,
          debtorAccount: rail.debtor_account ?? claimed.funding_account,
          currency: claimed.currency,
          transfers,
        });
        results = withMissing(transfers, answer);
      } catch (error) {
        const { outcome, reasonCode } = outcomeOfRefusal(error);
        payments.ctx.log.warn(
          { err: error, rail: rail.id, subBatch: claimed.id, outcome },
          'sending gave no usable answer',
        );
        results = transfers.map(({ reference }) => ({ reference, outcome, reasonCode }));
        answered = outcome === 'failed';
      }
      await (answered ? traffic.succeeded(rail.id) : traffic.failed(rail.id));
      await applyResults(payments, rail.id, ofAttempts(results, attempts), 'answer');
    });
  } finally {
    traffic.leave(rail.id);
  }
  return true;
}

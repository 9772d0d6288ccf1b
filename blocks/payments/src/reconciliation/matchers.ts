import { type RawBuilder, sql } from 'kysely';
import type { InstructionState } from '../batches/states.ts';
import { applyResults } from '../dispatch/apply-results.ts';
import { paidAccount } from '../dispatch/payout.ts';
import type { AccountKey } from '../ledger/accounts.ts';
import type { Payments } from '../payments-context.ts';
import type { Trx } from '../tables.ts';
import { uuidIn } from '../uuid.ts';
import type { RedemptionState } from '../vouchers/states.ts';

/** Something paid out here that a statement line may be about. */
export interface Payment {
  readonly kind: string;
  readonly id: string;
  readonly batchId: string | undefined;
  readonly railId: string | undefined;
  readonly currency: string;
  /** Minor units. */
  readonly amount: bigint;
  /** `open`: sent, outcome not known; `unpaid`: not paid and not going to be, as far as is known here. */
  readonly state: 'paid' | 'returned' | 'open' | 'unpaid';
}

type By = 'endToEndId' | { readonly railReferenceOn: string };

/** Finds payments of one kind by what a bank tells of them. Another kind of payment is a line in the list below. */
export interface Matcher {
  readonly kind: string;
  /**
   * Payments by our own id, or by the rail's reference among those that a funding account pays: rails count on their own. A
   * reference that fits several fits none.
   */
  find(trx: Trx, by: By, references: readonly string[]): Promise<ReadonlyMap<string, Payment>>;
  /** Takes what a statement says as a result, with the money it moves. */
  report(
    payments: Payments,
    trx: Trx,
    outcome: 'succeeded' | 'returned',
    found: readonly Payment[],
  ): Promise<void>;
  /** Where the confirmed amount lies until a statement shows it. */
  account(payment: Payment): AccountKey;
}

const stateOf: Readonly<Record<InstructionState, Payment['state']>> = {
  received: 'unpaid',
  validated: 'unpaid',
  rejected: 'unpaid',
  queued: 'unpaid',
  submitted: 'open',
  unknown: 'open',
  completed: 'paid',
  failed: 'unpaid',
  returned: 'returned',
  cancelled: 'unpaid',
};

interface Row {
  id: string;
  batch_id: string | null;
  rail_id: string | null;
  rail_reference: string | null;
  currency: string;
  amount: string;
  state: string;
}

/** Whether a programme's payments by a rail leave this funding account, now or when its money was released. */
const leaves = (account: string): RawBuilder<boolean> => sql`
  exists (
    select
    from ledger_account a
    where a.id = ${account}
      and case
        when rail.debtor_account is not null then a.owner = rail.debtor_account
        else a.owner = p.funding_account or exists (
          select from budget_release b
          where b.source_id = p.source_id and b.programme_id = p.id and b.account_id = a.id)
      end)`;

/** Payments of a kind as banks know them: our end-to-end id is the payment's own (PAY-6.8-a, PAY-6.8-b). */
const matcherFor = <State extends string>(
  kind: string,
  states: Readonly<Record<State, Payment['state']>>,
  rowsOf: (by: By, keys: readonly string[]) => RawBuilder<Row>,
): Matcher => ({
  kind,
  async find(trx, by, references) {
    const ids = new Map(references.map((reference) => [reference, uuidIn(reference)]));
    const keys = by === 'endToEndId' ? [...ids.values()].filter((id) => id !== undefined) : [...references];
    if (keys.length === 0) return new Map();
    const { rows } = await rowsOf(by, keys).execute(trx);
    const found = Map.groupBy(rows, (row) => (by === 'endToEndId' ? row.id : (row.rail_reference ?? '')));
    return new Map(
      references.flatMap((reference) => {
        const [row, ...more] = found.get(by === 'endToEndId' ? (ids.get(reference) ?? '') : reference) ?? [];
        if (!row || more.length > 0) return [];
        const payment: Payment = {
          kind,
          id: row.id,
          batchId: row.batch_id ?? undefined,
          railId: row.rail_id ?? undefined,
          currency: row.currency,
          amount: BigInt(row.amount),
          state: states[row.state as State],
        };
        return [[reference, payment] as const];
      }),
    );
  },
  async report(payments, trx, outcome, found) {
    for (const [railId, group] of Map.groupBy(found, (one) => one.railId)) {
      if (railId === undefined) continue;
      const results = group.map((one) => ({ reference: one.id, outcome, reasonCode: 'bank-statement' }));
      await applyResults(payments, railId, results, 'statement', trx);
    }
  },
  account: (payment) => paidAccount(payment.railId ?? '', payment.currency),
});

const instructions = matcherFor('instruction', stateOf, (by, keys) =>
  by === 'endToEndId'
    ? sql<Row>`
          select i.id, i.batch_id, i.rail_id, i.rail_reference, i.currency, i.amount, i.state
          from carried_payment i
          where i.id = any (${keys}::uuid[]) and i.purpose = 'payment'`
    : sql<Row>`
          select i.id, i.batch_id, i.rail_id, r.rail_reference, i.currency, i.amount, i.state
          from instruction_reference r
          join carried_payment i on i.id = r.instruction_id and i.purpose = 'payment'
          join batch on batch.id = i.batch_id
          join programme p on p.source_id = batch.source_id and p.id = batch.programme_id
          join rail on rail.id = i.rail_id
          where r.rail_reference = any (${keys}::text[]) and ${leaves(by.railReferenceOn)}`,
);

/** Vouchers paid out to merchants. */
const redemptions = matcherFor(
  'redemption',
  {
    sent: 'open',
    unknown: 'open',
    succeeded: 'paid',
    failed: 'unpaid',
    returned: 'returned',
  } satisfies Record<RedemptionState, Payment['state']>,
  (by, keys) => sql<Row>`
    select d.id, null::uuid as batch_id, d.rail_id, d.rail_reference, d.currency, d.amount, d.state
    from voucher_redemption d
    join voucher v on v.id = d.voucher_id
    join programme p on p.source_id = v.source_id and p.id = v.programme_id
    join rail on rail.id = d.rail_id
    where ${
      by === 'endToEndId'
        ? sql`d.id = any (${keys}::uuid[])`
        : sql`d.rail_reference = any (${keys}::text[]) and ${leaves(by.railReferenceOn)}`
    }`,
);

/** Kinds of payment that are looked for, in this order. */
export const matchers: readonly Matcher[] = [instructions, redemptions];

export const matcherOf = (kind: string): Matcher => {
  const found = matchers.find((matcher) => matcher.kind === kind);
  if (!found) throw new Error(`nothing matches payments of kind ${kind}`);
  return found;
};

/** A payment by its id, as it stands now. */
export async function findPayment(trx: Trx, id: string): Promise<Payment | undefined> {
  for (const matcher of matchers) {
    const found = (await matcher.find(trx, 'endToEndId', [id])).get(id);
    if (found) return found;
  }
  return undefined;
}

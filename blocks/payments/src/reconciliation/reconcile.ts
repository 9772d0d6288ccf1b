import { newContext, transaction, withContext } from '@govstack/platform';
import { sql } from 'kysely';
import { openAccounts } from '../ledger/accounts.ts';
import { derivedId } from '../ledger/derived-id.ts';
import { createTransfers, type TransferRequest } from '../ledger/transfers.ts';
import type { Payments } from '../payments-context.ts';
import type { Trx } from '../tables.ts';
import { railOfAccount, settleCharges } from './charges.ts';
import { classify, type Line, paymentKey, type Seen, type Verdict } from './classify.ts';
import { matchDeposits } from './deposits.ts';
import type { Direction, EntryCode } from './files/parsed.ts';
import { openItems, resolveByLines, resolveMissing } from './items.ts';
import { matcherOf, matchers, type Payment } from './matchers.ts';
import { type Proof, prove } from './proof.ts';
import { followRuns } from './runs.ts';

interface Row {
  id: string;
  position: number;
  direction: Direction;
  amount: string;
  currency: string;
  code: EntryCode | null;
  end_to_end_id: string | null;
  rail_reference: string | null;
}

interface Work {
  readonly id: string;
  readonly account_id: string;
  readonly kind: 'statement' | 'notification';
  readonly continuous: boolean;
}

const chunkSize = 500;

/** Everything that decides about lines waits its turn: each is judged by what was said before it. */
export const lockReconciliation = async (trx: Trx): Promise<void> => {
  await sql`select pg_advisory_xact_lock(hashtext('payments/reconciliation'))`.execute(trx);
};

/** The payment that each line is about: by our own id, or else by the rail's reference. */
async function findPayments(
  trx: Trx,
  accountId: string,
  rows: readonly Row[],
): Promise<Map<string, Payment>> {
  const found = new Map<string, Payment>();
  for (const by of ['endToEndId', { railReferenceOn: accountId }] as const) {
    for (const matcher of matchers) {
      const reference = (row: Row) => (by === 'endToEndId' ? row.end_to_end_id : row.rail_reference);
      const left = rows.filter((row) => !found.has(row.id) && reference(row) !== null);
      const references = [...new Set(left.map((row) => reference(row) as string))];
      if (references.length === 0) continue;
      const known = await matcher.find(trx, by, references);
      for (const row of left) {
        const payment = known.get(reference(row) as string);
        if (payment && payment.currency === row.currency) found.set(row.id, payment);
      }
    }
  }
  return found;
}

/** What statements and people have said of these payments before. */
async function seenBefore(trx: Trx, payments: readonly Payment[]): Promise<Map<string, Seen>> {
  const { rows } = await sql<{
    payment_kind: string;
    payment_id: string;
    paid_by: string | null;
    returned_by: string | null;
    beside: { lineId: string; amount: string; decided: boolean }[];
    waiting: { lineId: string; amount: string }[];
  }>`
    select
      p.kind as payment_kind,
      p.id as payment_id,
      coalesce(
        (select l.id from statement_line l
         where l.payment_id = p.id and l.payment_kind = p.kind and l.class = 'matched'),
        decision.id
      ) as paid_by,
      coalesce(
        (select l.id from statement_line l
         where l.payment_id = p.id and l.payment_kind = p.kind and l.class = 'return'),
        decision.id
      ) as returned_by,
      coalesce(
        (select jsonb_agg(
           jsonb_build_object('lineId', l.id, 'amount', l.amount::text, 'decided', l.settled) order by l.id)
         from statement_line l
         where l.payment_id = p.id and l.payment_kind = p.kind and l.direction = 'debit'
           and l.class in ('duplicate-at-bank', 'missing-here', 'amount-differs', 'charge')
           and l.code is distinct from 'charge'
           and not exists (
             select from statement_line back where back.payment_id = l.payment_id and back.pair_id = l.id)),
        '[]') as beside,
      coalesce(
        (select jsonb_agg(jsonb_build_object('lineId', l.id, 'amount', l.amount::text) order by l.id)
         from statement_line l
         where l.payment_id = p.id and l.payment_kind = p.kind and l.direction = 'credit' and not l.settled
           and l.class in ('duplicate-at-bank', 'missing-here')),
        '[]') as waiting
    from unnest(
      ${payments.map((one) => one.kind)}::text[],
      ${payments.map((one) => one.id)}::text[]
    ) as p (kind, id)
    left join reconciliation_item decision
      on decision.payment_id = p.id and decision.payment_kind = p.kind and decision.class = 'missing-at-bank'
        and decision.resolution = 'not-executed'`.execute(trx);
  return new Map(
    rows.map((row) => [
      paymentKey({ kind: row.payment_kind, id: row.payment_id }),
      {
        paidBy: row.paid_by ?? undefined,
        returnedBy: row.returned_by ?? undefined,
        beside: row.beside.map((one) => ({ ...one, amount: BigInt(one.amount) })),
        waiting: row.waiting.map((one) => ({ ...one, amount: BigInt(one.amount) })),
      },
    ]),
  );
}

const distinct = (payments: readonly Payment[]): Payment[] => [
  ...new Map(payments.map((one) => [paymentKey(one), one])).values(),
];

/** Tells the payments' own side what a statement says of them. */
async function report(
  payments: Payments,
  trx: Trx,
  outcome: 'succeeded' | 'returned',
  found: readonly Payment[],
): Promise<void> {
  for (const [kind, group] of Map.groupBy(distinct(found), (one) => one.kind))
    await matcherOf(kind).report(payments, trx, outcome, group);
}

const toLine = (work: Work, row: Row, payment: Payment | undefined): Line => ({
  id: row.id,
  direction: row.direction,
  amount: BigInt(row.amount),
  code: row.code ?? undefined,
  opening: row.position === 0,
  afterGap: !work.continuous,
  payment,
});

/** A debit of exactly the amount says that the payment was made, whatever its rail has said or not (PAY-5.3.1-k). */
const saysPaid = (row: Row, payment: Payment | undefined): boolean =>
  payment !== undefined &&
  row.direction === 'debit' &&
  row.code !== 'charge' &&
  BigInt(row.amount) === payment.amount &&
  (payment.state === 'open' || payment.state === 'unpaid');

/** Books lines of a statement, one transfer per account that they go from or to and run. */
async function book(trx: Trx, work: Work, verdicts: readonly Verdict[]): Promise<Map<string, string>> {
  const booked = verdicts.filter((one) => one.book !== undefined);
  if (booked.length === 0) return new Map();
  const keys = booked.map(({ line }) =>
    matcherOf((line.payment as Payment).kind).account(line.payment as Payment),
  );
  const ids = await openAccounts(trx, keys);
  const groups = Map.groupBy(
    booked.map((one, index) => ({ ...one, account: ids[index] as string })),
    (one) => `${one.book}/${one.account}/${one.line.payment?.batchId}`,
  );
  const transfers = new Map<string, string>();
  const requests = [...groups.values()].map((group): TransferRequest => {
    const [first] = group;
    const lines = group.map((one) => one.line.id);
    const id = derivedId('statement', ...lines);
    for (const line of lines) transfers.set(line, id);
    const account = first?.account as string;
    const batchId = first?.line.payment?.batchId;
    return {
      id,
      type: 'post',
      debit: first?.book === 'out' ? account : work.account_id,
      credit: first?.book === 'out' ? work.account_id : account,
      amount: group.reduce((sum, one) => sum + one.line.amount, 0n),
      cause: 'statement',
      causeId: work.id,
      ...(batchId === undefined ? {} : { batchId }),
    };
  });
  await createTransfers(trx, requests);
  return transfers;
}

async function keep(
  trx: Trx,
  work: Work,
  verdicts: readonly Verdict[],
  transfers: ReadonlyMap<string, string>,
): Promise<void> {
  const rail = verdicts.some((one) => one.item?.class === 'charge')
    ? await railOfAccount(trx, work.account_id)
    : undefined;
  const railOf = (one: Verdict): string | undefined =>
    one.line.payment?.railId ?? (one.item?.class === 'charge' ? rail : undefined);
  await sql`
    update statement_line l
    set class = v.class,
        payment_kind = v.payment_kind,
        payment_id = v.payment_id,
        batch_id = v.batch_id,
        rail_id = v.rail_id,
        settled = v.settled,
        transfer_id = v.transfer_id,
        pair_id = v.pair_id
    from unnest(
      ${verdicts.map((one) => one.line.id)}::uuid[],
      ${verdicts.map((one) => one.class)}::text[],
      ${verdicts.map((one) => one.line.payment?.kind ?? null)}::text[],
      ${verdicts.map((one) => one.line.payment?.id ?? null)}::text[],
      ${verdicts.map((one) => one.line.payment?.batchId ?? null)}::uuid[],
      ${verdicts.map((one) => railOf(one) ?? null)}::text[],
      ${verdicts.map((one) => one.item === undefined)}::boolean[],
      ${verdicts.map((one) => transfers.get(one.line.id) ?? null)}::uuid[],
      ${verdicts.map((one) => one.pair ?? null)}::uuid[]
    ) as v (id, class, payment_kind, payment_id, batch_id, rail_id, settled, transfer_id, pair_id)
    where l.id = v.id`.execute(trx);
  const { rows } = await sql<{ currency: string }>`
    select currency from ledger_account where id = ${work.account_id}`.execute(trx);
  await openItems(
    trx,
    verdicts.flatMap((one) =>
      one.item === undefined
        ? []
        : [
            {
              class: one.item.class,
              accountId: work.account_id,
              lineId: one.line.id,
              paymentKind: one.line.payment?.kind,
              paymentId: one.line.payment?.id,
              batchId: one.line.payment?.batchId,
              railId: railOf(one),
              amount: one.line.amount,
              currency: rows[0]?.currency as string,
              detail: one.item.detail,
            },
          ],
    ),
  );
  const pairs = verdicts.map((one) => one.pair).filter((id) => id !== undefined);
  await sql`update statement_line set settled = true where id = any (${pairs}::uuid[])`.execute(trx);
  await resolveByLines(trx, pairs, 'taken-back-by-bank');
  await resolveMissing(
    trx,
    verdicts.flatMap((one) => (one.class === 'matched' && one.line.payment ? [one.line.payment.id] : [])),
  );
}

/** Looks at lines: finds their payments, classes each once, books it, and puts the rest on the worklist. */
async function takeLines(payments: Payments, trx: Trx, work: Work, rows: readonly Row[]): Promise<void> {
  let found = await findPayments(trx, work.account_id, rows);
  const paid = rows.filter((row) => saysPaid(row, found.get(row.id)));
  if (paid.length > 0) {
    await report(
      payments,
      trx,
      'succeeded',
      paid.map((row) => found.get(row.id) as Payment),
    );
    found = await findPayments(trx, work.account_id, rows);
  }
  if (work.kind === 'notification') {
    // What comes back waits for the statement: only that shows whether it is the payment or a second debit of it.
    const told = rows.map((row): Verdict => ({ line: toLine(work, row, found.get(row.id)), class: 'told' }));
    await keep(trx, work, told, new Map());
    return;
  }
  const seen = await seenBefore(trx, distinct([...found.values()]));
  const verdicts = classify(
    rows.map((row) => toLine(work, row, found.get(row.id))),
    seen,
  );
  // Payments before accounts: the order in which everybody locks.
  await report(
    payments,
    trx,
    'returned',
    verdicts.flatMap((one) =>
      one.class === 'return' && one.line.payment?.state === 'paid' ? [one.line.payment] : [],
    ),
  );
  const transfers = await book(trx, work, verdicts);
  await keep(trx, work, verdicts, transfers);
}

/** What follows for an account once a statement was taken over, or at any time later. */
export async function followUp(payments: Payments, trx: Trx, accountId: string): Promise<Proof | undefined> {
  await matchDeposits(trx, accountId);
  await settleCharges(trx, accountId);
  await followRuns(payments, trx);
  return prove(payments, trx, accountId);
}

/**
 * Takes over the next lines of a loaded statement, some hundred at a time, debits before credits: what came back is judged
 * knowing all that was taken. The last of them make the proof. Statements are taken one after the other in the order in
 * which they were loaded; a crash repeats what was not committed.
 */
export async function reconcileNext(payments: Payments): Promise<boolean> {
  const waiting = await sql`select from bank_statement where state = 'loaded' limit 1`.execute(payments.db);
  if (waiting.rows.length === 0) return false;
  const done = await withContext(newContext(), () =>
    transaction(payments.db, async (trx) => {
      await lockReconciliation(trx);
      const { rows: statements } = await sql<Work>`
        select id, account_id, kind, continuous from bank_statement where state = 'loaded' order by id limit 1`.execute(
        trx,
      );
      const [work] = statements;
      if (!work) return false;
      const { rows } = await sql<Row>`
        select id, position, direction, amount, currency, code, end_to_end_id, rail_reference
        from statement_line
        where statement_id = ${work.id} and class is null
        order by direction desc, position
        limit ${chunkSize}`.execute(trx);
      if (rows.length > 0) await takeLines(payments, trx, work, rows);
      if (rows.length < chunkSize) {
        await trx
          .updateTable('bank_statement')
          .set({ state: 'matched', matched_at: payments.ctx.now() })
          .where('id', '=', work.id)
          .execute();
        await followUp(payments, trx, work.account_id);
      }
      return true;
    }),
  );
  payments.wake();
  return done;
}

/** Makes the proofs of all accounts that have statements, after another look at what waits. */
export async function reconcileAccounts(payments: Payments): Promise<Proof[]> {
  const { rows } = await sql<{ account_id: string }>`
    select distinct account_id from bank_statement where kind = 'statement' and state = 'matched'`.execute(
    payments.db,
  );
  const proofs: Proof[] = [];
  for (const { account_id: accountId } of rows) {
    const proof = await transaction(payments.db, async (trx) => {
      await lockReconciliation(trx);
      return followUp(payments, trx, accountId);
    });
    if (proof) proofs.push(proof);
  }
  payments.wake();
  return proofs;
}

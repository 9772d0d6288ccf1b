import { badRequest, conflict, newId } from '@govstack/platform';
import { type Selectable, sql } from 'kysely';
import type { LineClass, ResolutionName } from '../api/reconciliation/classes.ts';
import { feesAccount } from '../fees/booking.ts';
import { type AccountKey, accountId, openAccounts } from '../ledger/accounts.ts';
import { derivedId } from '../ledger/derived-id.ts';
import { createTransfers, InsufficientFunds, type TransferRequest } from '../ledger/transfers.ts';
import type { Payments } from '../payments-context.ts';
import { programmeAccounts, readProgramme } from '../sources/programme.ts';
import type { PaymentsTables, Trx } from '../tables.ts';
import type { Item } from './items.ts';
import { findPayment, matcherOf, type Payment } from './matchers.ts';

type StatementLine = Selectable<PaymentsTables['statement_line']>;

export interface Wish {
  readonly resolution: ResolutionName;
  readonly note: string;
  readonly paymentId?: string;
  readonly railId?: string;
  readonly lineId?: string;
  readonly programme?: { readonly sourceId: string; readonly programmeId: string };
  readonly releases?: {
    readonly sourceId: string;
    readonly programmeId: string;
    readonly reference: string;
  }[];
}

/** These move no money: one person's word is enough. */
export const withoutMoney: readonly ResolutionName[] = ['releases', 'acknowledged'];

const byDirection: Readonly<Record<'debit' | 'credit', readonly ResolutionName[]>> = {
  debit: ['match', 'charge', 'transfer', 'loss', 'accept'],
  credit: ['match', 'transfer', 'releases', 'suspense'],
};

interface Subject {
  readonly payments: Payments;
  readonly trx: Trx;
  readonly item: Item;
  readonly line: StatementLine;
  readonly wish: Wish;
}

const refuse = (detail: string): never => {
  throw conflict(detail);
};

const given = <T>(value: T | undefined, name: string): T => {
  if (value === undefined) throw badRequest(`This resolution needs ${name}`);
  return value;
};

async function settle(
  trx: Trx,
  lineIds: readonly string[],
  lineClass: LineClass,
  more: { readonly payment?: Payment; readonly transferId?: string; readonly pairId?: string } = {},
): Promise<void> {
  await trx
    .updateTable('statement_line')
    .set({
      class: lineClass,
      settled: true,
      ...(more.payment === undefined
        ? {}
        : {
            payment_kind: more.payment.kind,
            payment_id: more.payment.id,
            batch_id: more.payment.batchId ?? null,
            rail_id: more.payment.railId ?? null,
          }),
      ...(more.transferId === undefined ? {} : { transfer_id: more.transferId }),
      ...(more.pairId === undefined ? {} : { pair_id: more.pairId }),
    })
    .where('id', 'in', [...lineIds])
    .execute();
}

const posting = (
  item: Item,
  step: string,
  move: {
    readonly debit: string;
    readonly credit: string;
    readonly amount: bigint;
    readonly batchId?: string | undefined;
  },
  cause: 'statement' | 'fee-settled' = 'statement',
): TransferRequest => ({
  id: derivedId('reconciliation-item', item.id, step),
  type: 'post',
  debit: move.debit,
  credit: move.credit,
  amount: move.amount,
  cause,
  causeId: item.id,
  ...(move.batchId === undefined ? {} : { batchId: move.batchId }),
});

const open = async (trx: Trx, key: AccountKey): Promise<string> =>
  (await openAccounts(trx, [key]))[0] as string;

/** The account of a programme's money, in the currency of the line. */
async function availableFor({ trx, line, wish }: Subject): Promise<string> {
  const { sourceId, programmeId } = given(wish.programme, 'the programme that bears it');
  const programme = await readProgramme(trx, sourceId, programmeId);
  if (programme.currency !== line.currency)
    throw badRequest(`The programme pays in ${programme.currency}, not in ${line.currency}`);
  return open(trx, programmeAccounts(programme).available);
}

/** The payment a line is said to be about, which no other line of the kind is. */
async function paymentFor({ trx, item, line, wish }: Subject, sameAmount: boolean): Promise<Payment> {
  const id = wish.paymentId ?? item.payment_id ?? undefined;
  const payment = await findPayment(trx, given(id, 'paymentId'));
  if (!payment || payment.currency !== line.currency)
    throw badRequest('paymentId is not a payment in this currency');
  if (payment.state !== 'paid' && payment.state !== 'returned')
    return refuse(`The payment is ${payment.state} here; decide what became of it first`);
  if (sameAmount && payment.amount !== BigInt(line.amount))
    return refuse('The payment is of another amount; accept the difference, or look for another one');
  const { rows } = await sql`
    select from statement_line
    where payment_kind = ${payment.kind} and payment_id = ${payment.id}
      and class = ${line.direction === 'debit' ? 'matched' : 'return'}`.execute(trx);
  if (rows.length > 0) return refuse('Another line is about this payment');
  return payment;
}

async function match(subject: Subject): Promise<void> {
  const { payments, trx, item, line } = subject;
  const payment = await paymentFor(subject, true);
  const out = line.direction === 'debit';
  if (!out && payment.state === 'paid')
    await matcherOf(payment.kind).report(payments, trx, 'returned', [payment]);
  const account = await open(trx, matcherOf(payment.kind).account(payment));
  const transfer = posting(item, 'match', {
    debit: out ? account : line.account_id,
    credit: out ? line.account_id : account,
    amount: payment.amount,
    batchId: payment.batchId,
  });
  await createTransfers(trx, [transfer]);
  await settle(trx, [line.id], out ? 'matched' : 'return', { payment, transferId: transfer.id });
}

/** A payment for which the bank took another amount: less stays in suspense, more is borne by a programme. */
async function accept(subject: Subject): Promise<void> {
  const { trx, item, line } = subject;
  if (item.class !== 'amount-differs') refuse('Only another amount for a payment can be accepted');
  const payment = await paymentFor(subject, false);
  const account = await open(trx, matcherOf(payment.kind).account(payment));
  const taken = BigInt(line.amount);
  const common = taken < payment.amount ? taken : payment.amount;
  const transfers = [
    posting(item, 'accept', {
      debit: account,
      credit: line.account_id,
      amount: common,
      batchId: payment.batchId,
    }),
  ];
  if (taken > payment.amount)
    transfers.push(
      posting(item, 'more', {
        debit: await availableFor(subject),
        credit: line.account_id,
        amount: taken - payment.amount,
      }),
    );
  if (taken < payment.amount) {
    const suspense = await open(trx, {
      kind: 'suspense',
      owner: payment.railId ?? '',
      currency: line.currency,
    });
    transfers.push(
      posting(item, 'less', { debit: account, credit: suspense, amount: payment.amount - taken }),
    );
    await hold(subject, 'difference', suspense, payment.amount - taken, payment);
  }
  await createTransfers(trx, transfers);
  await settle(trx, [line.id], 'matched', { payment });
}

async function hold(
  { trx, line }: Subject,
  kind: 'deposit' | 'difference',
  account: string,
  amount: bigint,
  payment?: Payment,
): Promise<void> {
  await trx
    .insertInto('suspense_entry')
    .values({
      id: newId(),
      kind,
      account_id: account,
      amount: amount.toString(),
      currency: line.currency,
      instruction_id: payment?.kind === 'instruction' ? payment.id : null,
      redemption_id: payment?.kind === 'redemption' ? payment.id : null,
      batch_id: payment?.batchId ?? null,
      line_id: line.id,
      reason_code: null,
      source_id: null,
      programme_id: null,
    })
    .execute();
}

async function transfer({ trx, item, line, wish }: Subject): Promise<void> {
  const other = await trx
    .selectFrom('statement_line')
    .selectAll()
    .where('id', '=', given(wish.lineId, 'lineId'))
    .executeTakeFirst();
  if (!other || other.currency !== line.currency) throw badRequest('lineId is not a line in this currency');
  if (other.settled || other.class === null) refuse('The other line is explained already');
  if (
    other.direction === line.direction ||
    other.amount !== line.amount ||
    other.account_id === line.account_id
  )
    refuse('The other line is not the other side of a transfer of this amount');
  const [from, to] = line.direction === 'debit' ? [line, other] : [other, line];
  const one = posting(item, 'transfer', {
    debit: to.account_id,
    credit: from.account_id,
    amount: BigInt(line.amount),
  });
  await createTransfers(trx, [one]);
  await settle(trx, [line.id], 'transfer', { pairId: other.id });
  await settle(trx, [other.id], 'transfer', { pairId: line.id });
  await sql`
    update reconciliation_item
    set state = 'resolved', resolution = 'transfer', resolved_by = 'payments', resolved_at = now()
    where line_id = ${other.id} and state <> 'resolved'`.execute(trx);
}

async function releases({ trx, line, wish }: Subject): Promise<void> {
  const wanted = given(wish.releases, 'releases');
  const { rows } = await sql<{ amount: string }>`
    update budget_release r
    set line_id = ${line.id}
    from unnest(
      ${wanted.map((one) => one.sourceId)}::text[],
      ${wanted.map((one) => one.programmeId)}::text[],
      ${wanted.map((one) => one.reference)}::text[]
    ) as w (source_id, programme_id, reference)
    where r.source_id = w.source_id and r.programme_id = w.programme_id and r.reference = w.reference
      and r.account_id = ${line.account_id} and r.line_id is null
    returning r.amount`.execute(trx);
  const sum = rows.reduce((total, row) => total + BigInt(row.amount), 0n);
  if (rows.length !== wanted.length)
    refuse('Not all of these are releases that this account has yet to show');
  if (sum !== BigInt(line.amount)) refuse('The releases do not add up to the line');
  await settle(trx, [line.id], line.class === 'opening' ? 'opening' : 'deposit');
}

async function decideLine(subject: Subject): Promise<void> {
  const { trx, item, line, wish } = subject;
  if (!byDirection[line.direction].includes(wish.resolution))
    refuse(`A ${line.direction} cannot be resolved as ${wish.resolution}`);
  const amount = BigInt(line.amount);
  switch (wish.resolution) {
    case 'match':
      return match(subject);
    case 'accept':
      return accept(subject);
    case 'transfer':
      return transfer(subject);
    case 'releases':
      return releases(subject);
    case 'suspense': {
      const suspense = await open(trx, { kind: 'suspense', owner: line.account_id, currency: line.currency });
      await hold(subject, 'deposit', suspense, amount);
      await createTransfers(trx, [
        posting(item, 'suspense', { debit: line.account_id, credit: suspense, amount }),
      ]);
      return settle(trx, [line.id], line.class ?? 'deposit');
    }
    case 'charge': {
      const rail = given(wish.railId ?? line.rail_id ?? undefined, 'railId');
      const fees = accountId(feesAccount(rail, line.currency));
      const known = await trx
        .selectFrom('ledger_account')
        .select('id')
        .where('id', '=', fees)
        .executeTakeFirst();
      if (!known) refuse('No fees were booked for this rail');
      await createTransfers(trx, [
        posting(item, 'charge', { debit: fees, credit: line.account_id, amount }, 'fee-settled'),
      ]);
      return settle(trx, [line.id], 'charge');
    }
    default: {
      const available = await availableFor(subject);
      await createTransfers(trx, [
        posting(item, 'loss', { debit: available, credit: line.account_id, amount }),
      ]);
      return settle(trx, [line.id], line.class ?? 'missing-here');
    }
  }
}

async function decideMissing(payments: Payments, trx: Trx, item: Item, wish: Wish): Promise<void> {
  if (wish.resolution === 'acknowledged') return;
  if (wish.resolution !== 'not-executed')
    return refuse('A payment missing at the bank was not executed, or it is acknowledged that it was');
  const payment = await findPayment(trx, item.payment_id as string);
  if (payment?.state === 'paid') await matcherOf(payment.kind).report(payments, trx, 'returned', [payment]);
}

/** Does what was decided about an item, or refuses with 400 or 409 and nothing is booked. */
export async function carryOut(payments: Payments, trx: Trx, item: Item, wish: Wish): Promise<void> {
  if (item.line_id === null) return decideMissing(payments, trx, item, wish);
  const line = await trx
    .selectFrom('statement_line')
    .selectAll()
    .where('id', '=', item.line_id)
    .executeTakeFirstOrThrow();
  if (line.settled) return refuse('The line is explained already');
  try {
    await decideLine({ payments, trx, item, line, wish });
  } catch (error) {
    if (error instanceof InsufficientFunds) throw conflict('There is not enough money to book this');
    throw error;
  }
}

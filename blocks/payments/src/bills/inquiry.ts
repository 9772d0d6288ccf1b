import { conflict, newId, notFound, transaction } from '@govstack/platform';
import { type Selectable, sql } from 'kysely';
import { type Biller, openBillerOf } from '../billers/biller.ts';
import { enqueueCallback } from '../callbacks/queue.ts';
import { formatAmount } from '../money/amount.ts';
import type { Payer } from '../payers/payer.ts';
import type { Payments } from '../payments-context.ts';
import type { Db, PaymentsTables, Trx } from '../tables.ts';
import type { BillAnswer } from './biller-answer.ts';
import { epoch, outgoing } from './wire.ts';

export type Inquiry = Selectable<PaymentsTables['bill_inquiry']>;

/** Who asks: a payer institution, or a person through a portal. */
export type Asker = { readonly payer: Payer } | { readonly personId: string; readonly application: string };

interface Question {
  readonly requestId: string;
  readonly billId: string;
  readonly correlationId: string;
  readonly tenantId: string | undefined;
}

/**
 * Takes an inquiry over; its biller is asked in the background and the answer is told and can be polled (PAY-8.3.1). The
 * same request again answers the same inquiry; one with another bill is refused.
 */
export async function startInquiry(payments: Payments, asker: Asker, question: Question): Promise<Inquiry> {
  const inquiry = await transaction(payments.db, async (trx) => {
    const payerId = 'payer' in asker ? asker.payer.id : null;
    if (payerId !== null) {
      const known = await inquiryByRequest(trx, payerId, question.requestId);
      if (known) return sameBill(known, question);
    }
    const biller = await openBillerOf(trx, question.billId);
    const inserted = await trx
      .insertInto('bill_inquiry')
      .values({
        id: newId(),
        payer_id: payerId,
        person_id: 'personId' in asker ? asker.personId : null,
        application: 'payer' in asker ? asker.payer.application : asker.application,
        request_id: question.requestId,
        bill_id: question.billId,
        biller_id: biller.id,
        outcome: null,
        currency: biller.currency,
        due_at: null,
        amount_on_due: null,
        amount_after_due: null,
        tenant_id: question.tenantId ?? null,
        correlation_id: question.correlationId,
        answered_at: null,
        valid_until: null,
      })
      .onConflict((clash) =>
        clash.columns(['payer_id', 'request_id']).where('payer_id', 'is not', null).doNothing(),
      )
      .returningAll()
      .executeTakeFirst();
    if (inserted) return inserted;
    const known = await inquiryByRequest(trx, payerId as string, question.requestId);
    if (!known) throw conflict('The request is being taken over');
    return sameBill(known, question);
  });
  payments.wake();
  return inquiry;
}

function sameBill(known: Inquiry, question: Question): Inquiry {
  if (known.bill_id !== question.billId)
    throw conflict('An inquiry with this request id was about another bill');
  return known;
}

export const inquiryByRequest = (
  db: Db | Trx,
  payerId: string,
  requestId: string,
): Promise<Inquiry | undefined> =>
  db
    .selectFrom('bill_inquiry')
    .selectAll()
    .where('payer_id', '=', payerId)
    .where('request_id', '=', requestId)
    .executeTakeFirst();

/** An inquiry of a person; one of somebody else looks like none. */
export async function inquiryOfPerson(db: Db | Trx, personId: string, id: string): Promise<Inquiry> {
  const row = await db
    .selectFrom('bill_inquiry')
    .selectAll()
    .where('id', '=', id)
    .where('person_id', '=', personId)
    .executeTakeFirst();
  if (!row) throw notFound('Bill inquiry');
  return row;
}

/**
 * What is to be paid on an open bill at an instant, in minor units: the due-date amount up to the due date, then the
 * other. What was quoted holds as long as the quote does.
 */
export function amountDue(inquiry: Inquiry, at: Date): bigint {
  const { due_at, amount_on_due, amount_after_due, answered_at, valid_until } = inquiry;
  if (amount_on_due === null || answered_at === null) throw conflict('The bill is not open');
  const quoted = valid_until !== null && at.getTime() <= Date.parse(valid_until);
  const counts = quoted ? Date.parse(answered_at) : at.getTime();
  return BigInt(
    due_at === null || counts <= Date.parse(due_at) ? amount_on_due : (amount_after_due ?? amount_on_due),
  );
}

const standings = { unpaid: 'UNPAID', paid: 'PAID', expired: 'EXPIRED' } as const;

/** The published answer to an inquiry, told and polled alike. */
export function billNotice(payments: Payments, inquiry: Inquiry, biller: Biller) {
  const exponent = payments.currencies(inquiry.currency) ?? 2;
  const number = (minor: string): number => Number(formatAmount(minor, exponent));
  const { outcome } = inquiry;
  const known = outcome === 'unpaid' || outcome === 'paid' || outcome === 'expired';
  return {
    requestId: inquiry.request_id,
    code: outcome === 'unpaid' ? 0 : 1,
    reason: outcome ?? 'asking',
    billId: inquiry.bill_id,
    ...(known
      ? {
          billDetails: {
            billerId: biller.id,
            billerName: biller.short_name,
            billStatus: standings[outcome],
            ...(inquiry.due_at === null ? {} : { dueDate: epoch(inquiry.due_at) }),
            ...(inquiry.amount_on_due === null ? {} : { amountonDueDate: number(inquiry.amount_on_due) }),
            ...(inquiry.amount_after_due === null
              ? {}
              : { amountAfterDueDate: number(inquiry.amount_after_due) }),
            currency: inquiry.currency,
          },
        }
      : {}),
    ...(outcome === 'unpaid'
      ? { amountDue: formatAmount(amountDue(inquiry, payments.ctx.now()), exponent) }
      : {}),
    ...(inquiry.valid_until === null ? {} : { validUntil: inquiry.valid_until }),
  };
}

/** Keeps the answer to an inquiry and queues it for the payer institution. The first answer counts. */
export async function finishInquiry(
  payments: Payments,
  trx: Trx,
  id: string,
  answer: BillAnswer | { readonly outcome: 'biller-down' },
): Promise<boolean> {
  const found = 'amountOnDue' in answer ? answer : undefined;
  const row = await trx
    .updateTable('bill_inquiry')
    .set({
      state: 'answered',
      outcome: answer.outcome,
      due_at: found?.dueAt ?? null,
      amount_on_due: found?.amountOnDue?.toString() ?? null,
      amount_after_due: found?.amountAfterDue?.toString() ?? null,
      answered_at: sql`now()`,
      valid_until:
        answer.outcome === 'unpaid'
          ? sql`now() + make_interval(secs => ${payments.config.billQuoteSeconds})`
          : null,
    })
    .where('id', '=', id)
    .where('state', '=', 'asking')
    .returningAll()
    .executeTakeFirst();
  if (!row) return false;
  if (row.payer_id === null) return true;
  const payer = await trx
    .selectFrom('payer_institution')
    .select('service')
    .where('id', '=', row.payer_id)
    .executeTakeFirstOrThrow();
  const biller = await trx
    .selectFrom('biller')
    .selectAll()
    .where('id', '=', row.biller_id)
    .executeTakeFirstOrThrow();
  if (payer.service !== null)
    await enqueueCallback(payments, trx, {
      party: `payer/${row.payer_id}`,
      kind: 'bill-inquiry',
      target: { kind: 'service', service: payer.service, path: `/bills/${row.bill_id}` },
      body: billNotice(payments, row, biller),
      headers: { ...outgoing(row), 'payerfi-id': row.payer_id },
    });
  return true;
}

import { createHash } from 'node:crypto';
import { conflict, notFound, type Person, transaction } from '@govstack/platform';
import { type Biller, closedBecause, readBiller } from '../billers/biller.ts';
import { amountDue, type Inquiry, inquiryOfPerson } from '../bills/inquiry.ts';
import { lockBill } from '../bills/payment.ts';
import { formatAmount } from '../money/amount.ts';
import { readPayer } from '../payers/payer.ts';
import type { Payments } from '../payments-context.ts';
import type { Db, Trx } from '../tables.ts';
import { assertOpenFor, insert, ownRtpId, type RequestToPay } from './request.ts';

const orders = {
  en: (amount: string, biller: string, bill: string) =>
    `I order the payment of ${amount} to ${biller} for bill ${bill}.`,
  fr: (amount: string, biller: string, bill: string) =>
    `J’ordonne le paiement de ${amount} à ${biller} pour la facture ${bill}.`,
  ar: (amount: string, biller: string, bill: string) =>
    `آمر بدفع ${amount} إلى ${biller} عن الفاتورة ${bill}.`,
} as const;
export type ConsentLanguage = keyof typeof orders;

/**
 * What a person has to read and approve before a bill is paid: amount, payee, bill, and the biller's disclaimer in the
 * biller's words (PAY-6.1-ad).
 */
export function consentText(
  payments: Payments,
  inquiry: Inquiry,
  biller: Biller,
  language: ConsentLanguage,
): string {
  const amount = formatAmount(
    amountDue(inquiry, payments.ctx.now()),
    payments.currencies(inquiry.currency) ?? 2,
  );
  const order = orders[language](`${amount} ${inquiry.currency}`, biller.name, inquiry.bill_id);
  return biller.disclaimer === null ? order : `${order}\n${biller.disclaimer}`;
}

/**
 * Starts the payment of a bill a person has looked up, at the payer institution they choose: their approval, their id
 * and the payment go there, and its word is waited for (PAY-6.1-ae). Approved must be exactly the text that holds now, in
 * one of its languages.
 * Starting it again while it is open answers the one there is.
 */
export async function startBillPayment(
  payments: Payments,
  person: Person,
  order: {
    readonly inquiryId: string;
    readonly payerId: string;
    readonly financialAddress: string | undefined;
    readonly approvedText: string;
    readonly correlationId: string;
  },
): Promise<RequestToPay> {
  const started = await transaction(payments.db, async (trx) => {
    const inquiry = await inquiryOfPerson(trx, person.id, order.inquiryId);
    await lockBill(trx, inquiry.bill_id);
    const open = await trx
      .selectFrom('request_to_pay')
      .selectAll()
      .where('bill_id', '=', inquiry.bill_id)
      .where('payer_id', '=', order.payerId)
      .where('state', '=', 'PND')
      .where('person_id', '=', person.id)
      .executeTakeFirst();
    if (open) return open;
    const now = payments.ctx.now();
    if (inquiry.outcome !== 'unpaid') throw conflict('The inquiry found no open bill');
    if (inquiry.valid_until === null || Date.parse(inquiry.valid_until) < now.getTime())
      throw conflict('The inquiry is too old; look the bill up again');
    const biller = await readBiller(trx, inquiry.biller_id);
    const closed = await closedBecause(trx, biller);
    if (closed !== undefined) throw conflict(closed);
    const texts = (Object.keys(orders) as ConsentLanguage[]).map((language) =>
      consentText(payments, inquiry, biller, language),
    );
    if (!texts.includes(order.approvedText))
      throw conflict('The approved text is not the one of this payment; show it and ask again');
    const payer = await readPayer(trx, order.payerId);
    if (!payer.active || payer.service === null)
      throw conflict('The payer institution does not take requests-to-pay now');
    await assertOpenFor(trx, inquiry.bill_id, payer.id);
    const rtpId = await ownRtpId(trx);
    return insert(payments, trx, payer, {
      biller,
      origin: 'person',
      rtpId,
      requestId: inquiry.request_id,
      hash: createHash('sha256').update(`${inquiry.id}/${payer.id}`).digest('hex'),
      billId: inquiry.bill_id,
      inquiryId: inquiry.id,
      financialAddress: order.financialAddress,
      amount: amountDue(inquiry, now),
      expiresAt: new Date(now.getTime() + payments.config.requestToPaySeconds * 1000),
      personId: person.id,
      approval: {
        text: order.approvedText,
        at: now.toISOString(),
        ...(person.acr === undefined ? {} : { acr: person.acr }),
      },
      callback: undefined,
      correlationId: order.correlationId,
      tenantId: undefined,
    });
  });
  payments.wake();
  return started;
}

export type CollectionOutcome =
  | 'awaiting-confirmation'
  | 'confirmed'
  | 'declined'
  | 'insufficient-balance'
  | 'credential-mismatch'
  | 'transfer-failed'
  | 'expired'
  | 'cancelled';

/** Reasons of payer institutions by what they mean for the payer; ISO 20022 codes where there are some. */
const failures: Readonly<Record<string, CollectionOutcome>> = {
  R: 'declined',
  W: 'declined',
  MD06: 'declined',
  AM04: 'insufficient-balance',
  AM14: 'insufficient-balance',
  AC01: 'credential-mismatch',
  BE01: 'credential-mismatch',
  CRED: 'credential-mismatch',
};

/** How a payment stands, in words for its payer (PAY-6.1-aa). */
export function outcomeFor(request: RequestToPay): CollectionOutcome {
  switch (request.state) {
    case 'PND':
      return 'awaiting-confirmation';
    case 'COM':
      return 'confirmed';
    case 'EXP':
      return 'expired';
    case 'CAN':
      return 'cancelled';
    case 'RJC':
      return failures[request.reason ?? 'R'] ?? 'transfer-failed';
  }
}

/** A payment that a person started; one of somebody else looks like none. */
export async function requestOfPerson(db: Db | Trx, personId: string, id: string): Promise<RequestToPay> {
  const row = await db
    .selectFrom('request_to_pay')
    .selectAll()
    .where('id', '=', id)
    .where('person_id', '=', personId)
    .executeTakeFirst();
  if (!row) throw notFound('Bill payment');
  return row;
}

/** Payments a person started, newest first, a page before an id. */
export const requestsOfPerson = (
  db: Db,
  personId: string,
  page: { readonly before: string | undefined; readonly limit: number },
): Promise<RequestToPay[]> =>
  db
    .selectFrom('request_to_pay')
    .selectAll()
    .where('person_id', '=', personId)
    .$if(page.before !== undefined, (query) => query.where('id', '<', page.before as string))
    .orderBy('id', 'desc')
    .limit(page.limit)
    .execute();

import { createHash } from 'node:crypto';
import { badRequest, conflict, newId, notFound, transaction } from '@govstack/platform';
import type { Selectable } from 'kysely';
import { sql } from 'kysely';
import type { Biller } from '../billers/biller.ts';
import { openBillerOf } from '../billers/biller.ts';
import { countingPayment, lockBill } from '../bills/payment.ts';
import type { CallbackTarget } from '../callbacks/target.ts';
import { type Alias, findAlias } from '../payers/alias.ts';
import { findPayerByBic, type Payer, readPayer } from '../payers/payer.ts';
import type { Payments } from '../payments-context.ts';
import type { Db, PaymentsTables, Trx } from '../tables.ts';
import { askPayer } from './notices.ts';
import type { Approval } from './tables.ts';

/** Somebody's payer institution is asked to have a bill paid. */
export type RequestToPay = Selectable<PaymentsTables['request_to_pay']>;

/** Where the payer is found: at a named institution (type 00), or behind an alias (type 01) (PAY-9.3.5). */
export type Addressee =
  | { readonly bic: string; readonly financialAddress: string | undefined }
  | { readonly alias: Alias };

interface Found {
  readonly payer: Payer;
  readonly financialAddress: string | undefined;
}

async function payerFor(payments: Payments, trx: Trx, addressee: Addressee): Promise<Found> {
  if ('bic' in addressee) {
    const payer = await findPayerByBic(trx, addressee.bic);
    if (!payer) throw badRequest('payerFIBIC is not the BIC of a registered payer institution');
    return { payer: reachable(payer), financialAddress: addressee.financialAddress };
  }
  const found = await findAlias(payments, trx, addressee.alias);
  if (!found) throw badRequest('The alias leads to no customer of a payer institution');
  return {
    payer: reachable(await readPayer(trx, found.payerId)),
    financialAddress: found.financialAddress,
  };
}

function reachable(payer: Payer): Payer {
  if (!payer.active || payer.service === null)
    throw badRequest('The payer institution does not take requests-to-pay now');
  return payer;
}

export interface NewRequest {
  readonly rtpId: string;
  readonly requestId: string;
  readonly billId: string;
  readonly amount: bigint;
  readonly addressee: Addressee;
  readonly expiresAt: Date | undefined;
  readonly callback: CallbackTarget | undefined;
  readonly correlationId: string;
  readonly tenantId: string | undefined;
}

const hashOf = (payments: Payments, request: NewRequest): string => {
  const { billId, amount, addressee, expiresAt } = request;
  const content = JSON.stringify([billId, amount.toString(), addressee, expiresAt ?? null]);
  // Keyed: the addressee is personal data.
  return createHash('sha256').update(payments.vault.token(content, 'request-to-pay')).digest('hex');
};

const longestMs = 31 * 86_400_000;

/**
 * Starts a biller's request-to-pay (PAY-8.3.4). The same one again answers the one there is; the same id with other
 * content is refused, and so is a second open one for a bill and payer institution.
 */
export async function requestPayment(
  payments: Payments,
  biller: Biller,
  request: NewRequest,
): Promise<RequestToPay> {
  const hash = hashOf(payments, request);
  const started = await transaction(payments.db, async (trx) => {
    await lockBill(trx, request.billId);
    const known = await trx
      .selectFrom('request_to_pay')
      .selectAll()
      .where('biller_id', '=', biller.id)
      .where('origin', '=', 'biller')
      .where('rtp_id', '=', request.rtpId)
      .executeTakeFirst();
    if (known) {
      if (known.request_hash !== hash) throw conflict('This rtpId was used for another request-to-pay');
      return known;
    }
    const routed = await openBillerOf(trx, request.billId);
    if (routed.id !== biller.id) throw badRequest('The bill id is another biller’s');
    const now = payments.ctx.now();
    const expiresAt =
      request.expiresAt ?? new Date(now.getTime() + payments.config.requestToPaySeconds * 1000);
    if (expiresAt <= now || expiresAt.getTime() > now.getTime() + longestMs)
      throw badRequest('expiresAt must be in the future, within 31 days');
    const { payer, financialAddress } = await payerFor(payments, trx, request.addressee);
    await assertOpenFor(trx, request.billId, payer.id);
    return insert(payments, trx, payer, {
      biller,
      origin: 'biller',
      rtpId: request.rtpId,
      requestId: request.requestId,
      hash,
      billId: request.billId,
      inquiryId: null,
      financialAddress,
      amount: request.amount,
      expiresAt,
      personId: null,
      approval: null,
      callback: request.callback,
      correlationId: request.correlationId,
      tenantId: request.tenantId,
    });
  });
  payments.wake();
  return started;
}

/** A bill that is paid, or asked for at this institution already, is not asked for again. */
export async function assertOpenFor(trx: Trx, billId: string, payerId: string): Promise<void> {
  const paid = await countingPayment(trx, billId);
  if (paid)
    throw conflict(paid.state === 'tendering' ? 'The bill is being paid' : 'The bill is paid already');
  const open = await trx
    .selectFrom('request_to_pay')
    .select('id')
    .where('bill_id', '=', billId)
    .where('payer_id', '=', payerId)
    .where('state', '=', 'PND')
    .executeTakeFirst();
  if (open) throw conflict('A request-to-pay for this bill is open at this payer institution');
}

/** Keeps a new request and queues it for the payer institution. */
export async function insert(
  payments: Payments,
  trx: Trx,
  payer: Payer,
  wanted: {
    readonly biller: Biller;
    readonly origin: 'biller' | 'person';
    readonly rtpId: string;
    readonly requestId: string;
    readonly hash: string;
    readonly billId: string;
    readonly inquiryId: string | null;
    readonly financialAddress: string | undefined;
    readonly amount: bigint;
    readonly expiresAt: Date;
    readonly personId: string | null;
    readonly approval: Approval | null;
    readonly callback: CallbackTarget | undefined;
    readonly correlationId: string;
    readonly tenantId: string | undefined;
  },
): Promise<RequestToPay> {
  const id = newId();
  const row = await trx
    .insertInto('request_to_pay')
    .values({
      id,
      biller_id: wanted.biller.id,
      origin: wanted.origin,
      rtp_id: wanted.rtpId,
      request_id: wanted.requestId,
      request_hash: wanted.hash,
      bill_id: wanted.billId,
      inquiry_id: wanted.inquiryId,
      payer_id: payer.id,
      address_cipher:
        wanted.financialAddress === undefined
          ? null
          : payments.vault.seal(wanted.financialAddress, `request-to-pay/${id}`),
      amount: wanted.amount.toString(),
      currency: wanted.biller.currency,
      reason: null,
      accepted_at: null,
      payment_reference: null,
      expires_at: wanted.expiresAt,
      person_id: wanted.personId,
      approval: wanted.approval === null ? null : JSON.stringify(wanted.approval),
      callback_target: wanted.callback === undefined ? null : JSON.stringify(wanted.callback),
      tenant_id: wanted.tenantId ?? null,
      correlation_id: wanted.correlationId,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  await askPayer(payments, trx, row, payer, wanted.biller);
  return row;
}

/** A request of a biller by its own id. */
export async function readRequest(db: Db | Trx, billerId: string, rtpId: string): Promise<RequestToPay> {
  const row = await db
    .selectFrom('request_to_pay')
    .selectAll()
    .where('biller_id', '=', billerId)
    .where('origin', '=', 'biller')
    .where('rtp_id', '=', rtpId)
    .executeTakeFirst();
  if (!row) throw notFound('Request-to-pay');
  return row;
}

/** The next id of a request that no biller has numbered. */
export async function ownRtpId(trx: Trx): Promise<string> {
  const { rows } = await sql<{ id: string }>`select nextval('request_to_pay_number')::text as id`.execute(
    trx,
  );
  return rows[0]?.id ?? '';
}

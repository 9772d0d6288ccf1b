import { badRequest } from '@govstack/platform';
import { CompactEncrypt, importJWK, type JWK } from 'jose';
import { audit } from '../audit/audit.ts';
import type { CallbackTarget } from '../callbacks/target.ts';
import { formatAmount } from '../money/amount.ts';
import type { Payments } from '../payments-context.ts';
import type { Db, Trx } from '../tables.ts';
import { voucherKeys } from './keys.ts';
import type { VoucherRequest } from './requests.ts';
import type { Voucher } from './voucher.ts';

/** How numbers are encrypted to a key: by what kind of key it is. */
export const keyEncryption = (key: JWK): 'RSA-OAEP-256' | 'ECDH-ES' | undefined =>
  key.kty === 'RSA' ? 'RSA-OAEP-256' : key.kty === 'EC' || key.kty === 'OKP' ? 'ECDH-ES' : undefined;

/** Checks and keeps the public key to which the numbers of a source's vouchers are encrypted (PAY-6.2.5-b). */
export async function putRecipientKey(trx: Trx, sourceId: string, key: JWK, actor: string): Promise<void> {
  const alg = keyEncryption(key);
  if (alg === undefined || 'd' in key) throw badRequest('publicKey must be a public RSA, EC or X25519 key');
  await encryptTo(key, 'probe').catch(() => {
    throw badRequest('publicKey is not a usable JSON Web Key');
  });
  await trx
    .insertInto('voucher_recipient_key')
    .values({ source_id: sourceId, public_key: JSON.stringify(key) })
    .onConflict((clash) =>
      clash.column('source_id').doUpdateSet({ public_key: JSON.stringify(key), updated_at: new Date() }),
    )
    .execute();
  await audit(trx, {
    component: 'vouchers',
    action: 'put-recipient-key',
    subject: `source/${sourceId}`,
    actor,
    detail: { publicKey: key },
  });
}

async function encryptTo(key: JWK, text: string): Promise<string> {
  const alg = keyEncryption(key) as string;
  return new CompactEncrypt(new TextEncoder().encode(text))
    .setProtectedHeader({
      alg,
      enc: 'A256GCM',
      ...(key.kid === undefined ? {} : { kid: key.kid }),
    })
    .encrypt(await importJWK(key, alg));
}

export const recipientKey = async (db: Db | Trx, sourceId: string): Promise<JWK | undefined> =>
  (
    await db
      .selectFrom('voucher_recipient_key')
      .select('public_key')
      .where('source_id', '=', sourceId)
      .executeTakeFirst()
  )?.public_key;

/** Outside the mediator numbers leave only encrypted: without a key of the source they do not leave at all. */
export async function assertMayLeave(
  db: Db | Trx,
  sourceId: string,
  target: CallbackTarget | undefined,
): Promise<void> {
  if (target?.kind === 'url' && (await recipientKey(db, sourceId)) === undefined)
    throw badRequest(
      'Voucher numbers leave the mediator only encrypted: register a public key of the source',
    );
}

export interface VoucherDetail {
  readonly serial: string;
  /** A JWE (RFC 7516) of serial and number when the source registered a key, the number itself otherwise. */
  readonly number: string;
}

/**
 * The secret numbers of vouchers for the one that ordered them, as long as they are kept: until activation says that
 * they are in the payees' hands.
 */
export async function voucherDetails(
  payments: Payments,
  trx: Trx,
  sourceId: string,
  vouchers: readonly Voucher[],
): Promise<Map<string, VoucherDetail>> {
  const keys = new Map((await voucherKeys(payments, trx)).map((key) => [key.id, key]));
  const recipient = await recipientKey(trx, sourceId);
  const details = await Promise.all(
    vouchers.map(async ({ id, serial, key_id, number_cipher }) => {
      if (number_cipher === null) return [];
      const plain = keys.get(key_id)?.vault.open(number_cipher, `voucher/${id}`) as string;
      const number = recipient
        ? await encryptTo(recipient, JSON.stringify({ serialNumber: serial, voucherNumber: plain }))
        : plain;
      return [[id, { serial, number }] as const];
    }),
  );
  return new Map(details.flat());
}

/** Vouchers that a request created, in the order of its instructions, those after an instruction. */
const vouchersOf = (trx: Db | Trx, requestId: string, after?: string): Promise<Voucher[]> =>
  trx
    .selectFrom('voucher')
    .selectAll()
    .where('request_id', '=', requestId)
    .$if(after !== undefined, (query) => query.where('instruction_id', '>', after as string))
    .orderBy('instruction_id')
    .limit(10_000)
    .execute();

/** The published message that returns vouchers to the source; the same content when polled, while the numbers are kept. */
export const detailsNotice = async (payments: Payments, trx: Trx, request: VoucherRequest, after?: string) =>
  detailsOf(payments, trx, request, await vouchersOf(trx, request.id, after));

/** The same message about some vouchers of a request. */
export async function detailsOf(
  payments: Payments,
  trx: Trx,
  request: Pick<VoucherRequest, 'source_id' | 'request_id' | 'batch_id'>,
  vouchers: readonly Voucher[],
) {
  const details = await voucherDetails(payments, trx, request.source_id, vouchers);
  return {
    requestID: request.request_id,
    ...(request.batch_id === null ? {} : { batchID: request.batch_id }),
    voucherInstructions: vouchers.map((one) => {
      const number = details.get(one.id)?.number;
      return {
        instructionID: one.instruction_id ?? '',
        serialNumber: one.serial,
        ...(number === undefined ? {} : { voucherNumber: number }),
        currency: one.currency,
        amount: Number(formatAmount(one.amount, payments.currencies(one.currency) ?? 2)),
        ...(one.narration === null ? {} : { narration: one.narration }),
        ...(one.reserved_until === null ? {} : { expiryDateTime: one.reserved_until }),
      };
    }),
  };
}

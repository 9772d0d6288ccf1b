import { badRequest, CallFailed, isApplicationId, notFound } from '@govstack/platform';
import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';
import type { Selectable } from 'kysely';
import { audit } from '../audit/audit.ts';
import { type Modality, normaliseAddress } from '../mapper/address.ts';
import type { Payments } from '../payments-context.ts';
import type { Db, PaymentsTables, Trx } from '../tables.ts';
import type { RedemptionPayee } from './redeem.ts';
import { VoucherRefused } from './refused.ts';

export type Merchant = Selectable<PaymentsTables['merchant']>;

export interface MerchantSettings {
  readonly id: string;
  readonly name: string;
  /** INSTANCE/CLASS/MEMBER/APPLICATION through which it redeems: its own, or one of a provider of counters. */
  readonly application: string;
  readonly voucherGroups: readonly string[];
  readonly modality: Modality;
  readonly institutionCode: string | undefined;
  readonly financialAddress: string;
  readonly active: boolean;
}

/** Registers a merchant or agent with the account that is credited, or changes it. The account lies sealed. */
export async function putMerchant(
  payments: Payments,
  trx: Trx,
  settings: MerchantSettings,
  actor: string,
): Promise<Merchant> {
  if (!isApplicationId(settings.application))
    throw badRequest('application must be INSTANCE/CLASS/MEMBER/APPLICATION');
  const address = normaliseAddress(settings.modality, settings.financialAddress);
  if ('fault' in address || address.address === undefined)
    throw badRequest('fault' in address ? address.fault : 'financialAddress is missing');
  const values = {
    name: settings.name,
    application: settings.application,
    voucher_groups: [...settings.voucherGroups],
    modality: settings.modality,
    institution_code: settings.institutionCode ?? null,
    address_cipher: payments.vault.seal(address.address, `merchant/${settings.id}`),
    active: settings.active,
  };
  const row = await trx
    .insertInto('merchant')
    .values({ id: settings.id, ...values })
    .onConflict((clash) => clash.column('id').doUpdateSet({ ...values, updated_at: new Date() }))
    .returningAll()
    .executeTakeFirstOrThrow();
  const { financialAddress: _sealed, ...detail } = settings;
  await audit(trx, {
    component: 'vouchers',
    action: 'put-merchant',
    subject: `merchant/${settings.id}`,
    actor,
    detail,
  });
  return row;
}

export async function readMerchant(db: Db | Trx, id: string): Promise<Merchant> {
  const row = await db.selectFrom('merchant').selectAll().where('id', '=', id).executeTakeFirst();
  if (!row) throw notFound('Merchant');
  return row;
}

export const listMerchants = (db: Db, after: string | undefined, limit: number): Promise<Merchant[]> =>
  db
    .selectFrom('merchant')
    .selectAll()
    .$if(after !== undefined, (query) => query.where('id', '>', after as string))
    .orderBy('id')
    .limit(limit)
    .execute();

/** What this block asks of a merchant registry outside (PAY-5.2.2). */
export const merchantRegistry = defineSurface({
  name: 'merchant-registry-v1',
  title: 'Merchant registry',
  version: '1.0.0',
  operations: {
    getMerchant: defineOperation({
      id: 'getMerchant',
      method: 'GET',
      path: '/merchants/{merchantId}',
      summary:
        'A merchant with the account to credit; 404 when it is not known or not allowed to take vouchers',
      access: { caller: 'application' },
      params: Type.Object({ merchantId: Type.String({ maxLength: 36 }) }),
      responses: {
        200: Type.Object({
          merchantId: Type.String({ maxLength: 36 }),
          name: Type.String({ maxLength: 100 }),
          application: Type.String({ maxLength: 400 }),
          voucherGroups: Type.Array(Type.String({ maxLength: 36 }), { maxItems: 100 }),
          paymentModality: Type.String({ maxLength: 2 }),
          bankingInstitutionCode: Type.Optional(Type.String({ maxLength: 11 })),
          financialAddress: Type.String({ maxLength: 40 }),
        }),
      },
    }),
  },
});

export interface FoundMerchant {
  /** Application that may redeem for it. */
  readonly application: string;
  readonly payee: RedemptionPayee;
}

/** A merchant as it is paid. */
export const merchantPayee = (payments: Payments, row: Merchant): RedemptionPayee => ({
  key: `merchant/${row.id}`,
  groups: row.voucher_groups,
  modality: row.modality,
  institution: row.institution_code ?? undefined,
  address: payments.vault.open(row.address_cipher, `merchant/${row.id}`),
});

/**
 * A merchant by its id: registered here, or else known to the merchant registry, if there is one. Undefined when nobody
 * knows it or it is not active. Throws `VoucherRefused` when the registry does not answer.
 */
export async function findMerchant(payments: Payments, id: string): Promise<FoundMerchant | undefined> {
  const row = await payments.db.selectFrom('merchant').selectAll().where('id', '=', id).executeTakeFirst();
  if (row)
    return row.active ? { application: row.application, payee: merchantPayee(payments, row) } : undefined;
  const { merchantRegistry: service, railTimeoutSeconds } = payments.config;
  if (service === '') return undefined;
  try {
    const { body } = await payments.ctx.mediation
      .client(merchantRegistry, service)
      .getMerchant({ params: { merchantId: id }, timeout: railTimeoutSeconds * 1000 });
    const address = normaliseAddress(body.paymentModality as Modality, body.financialAddress);
    if ('fault' in address || address.address === undefined || body.merchantId !== id) return undefined;
    return {
      application: body.application,
      payee: {
        key: `merchant/${id}`,
        groups: body.voucherGroups,
        modality: body.paymentModality,
        institution: body.bankingInstitutionCode,
        address: address.address,
      },
    };
  } catch (error) {
    if (error instanceof CallFailed && error.status === 404 && error.mediatorError === undefined)
      return undefined;
    const status = error instanceof CallFailed ? error.status : 0;
    payments.ctx.log.warn({ status, service }, 'the merchant registry does not answer');
    throw new VoucherRefused('no-answer', 'The merchant registry does not answer');
  }
}

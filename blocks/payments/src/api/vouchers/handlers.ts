import { type Caller, forbidden, type Handlers, notFound, transaction } from '@govstack/platform';
import { audit } from '../../audit/audit.ts';
import { formatAmount } from '../../money/amount.ts';
import type { Payments } from '../../payments-context.ts';
import { sourceOfCaller } from '../../sources/source.ts';
import { voucherCode, voucherCodeKey } from '../../vouchers/code.ts';
import { detailsNotice } from '../../vouchers/details.ts';
import { locateVoucher } from '../../vouchers/locate.ts';
import { refusals, VoucherRefused } from '../../vouchers/refused.ts';
import { failuresNotice, findRequest } from '../../vouchers/requests.ts';
import { statusCode } from '../../vouchers/states.ts';
import { findVoucher, type Voucher } from '../../vouchers/voucher.ts';
import { postVouchers, putVouchers, type vouchers } from './operations.ts';
import { activeSource, redeemAtMerchant } from './redemption-handler.ts';
import { sourceActions } from './source-handlers.ts';

/** The published voucher messages on the voucher engine. Every look at a voucher is kept (PAY-6.2.5-d). */
export function voucherHandlers(payments: Payments): Handlers<typeof vouchers.operations> {
  const { db } = payments;
  const actions = sourceActions(payments);
  const looked = (caller: Caller, subject: string, outcome: 'succeeded' | 'refused' = 'succeeded') =>
    audit(db, { component: 'vouchers', action: 'read', subject, actor: caller.application, outcome });
  const value = (voucher: Voucher): number =>
    Number(formatAmount(voucher.amount, payments.currencies(voucher.currency) ?? 2));
  /** A voucher of the calling source; another's looks like one that does not exist. */
  const own = async (caller: Caller, serial: string): Promise<Voucher | undefined> => {
    const source = await sourceOfCaller(db, caller.application);
    const voucher = await findVoucher(db, serial);
    const visible = voucher?.source_id === source.id && voucher.state !== 'provisioned';
    // What is no serial number here is not written down: it may be a secret number.
    await looked(
      caller,
      voucher ? `voucher/${voucher.serial}` : 'voucher',
      visible ? 'succeeded' : 'refused',
    );
    return visible ? voucher : undefined;
  };
  const usable = (voucher: Voucher): boolean =>
    voucher.state === 'activated' && Date.parse(voucher.expires_at ?? '') > Date.now();
  const validity = (voucher: Voucher | undefined, isValid: boolean) => ({
    status: 200 as const,
    body: voucher
      ? {
          isValid,
          message: isValid ? 'Valid' : 'Not valid',
          serialNumber: voucher.serial,
          value: value(voucher),
          currency: voucher.currency,
          ...(voucher.expires_at === null ? {} : { expiryDateTime: voucher.expires_at }),
        }
      : { isValid: false, message: refusals['unknown-number'].text },
  });
  const status = async (caller: Caller, serialNumber: string) => {
    const voucher = await own(caller, serialNumber);
    if (!voucher)
      return {
        status: 400 as const,
        body: { status: 9, message: refusals['unknown-serial'].text, serialNumber, value: 0 },
      };
    return {
      status: 200 as const,
      body: { status: statusCode[voucher.state], serialNumber, value: value(voucher) },
    };
  };
  const validBySerial = async (caller: Caller, serial: string) => {
    const voucher = await own(caller, serial);
    return validity(voucher, voucher !== undefined && usable(voucher));
  };
  const outcome = async (operation: 'activate' | 'cancel', caller: Caller, requestId: string) => {
    const source = await sourceOfCaller(db, caller.application);
    const request = await findRequest(payments, db, source.id, operation, requestId);
    await looked(caller, `voucher-request/${request.id}`);
    return { status: 200 as const, body: failuresNotice(request) };
  };
  const isMerchant = async (caller: Caller): Promise<boolean> =>
    (await db
      .selectFrom('merchant')
      .select('id')
      .where('application', '=', caller.application)
      .where('active', '=', true)
      .limit(1)
      .executeTakeFirst()) !== undefined;

  return {
    postVouchers(asking) {
      const { command } = asking.query;
      if (command === 'redeem') return redeemAtMerchant(payments, postVouchers, asking);
      return command === 'cancel' ? actions.move('cancel', asking) : actions.create(asking);
    },

    putVouchers(asking) {
      const { command } = asking.query;
      if (command === 'redeemPay') return redeemAtMerchant(payments, putVouchers, asking);
      if (command === 'activate') return actions.move('activate', asking);
      return actions.control(command === 'suspend' ? 'suspend' : 'unsuspend', asking);
    },

    async getVoucherDetails({ params, query, caller }) {
      const source = await sourceOfCaller(db, caller.application);
      const body = await transaction(db, async (trx) => {
        const request = await findRequest(payments, trx, source.id, 'create', params.requestID);
        await audit(trx, {
          component: 'vouchers',
          action: 'read-numbers',
          subject: `voucher-request/${request.id}`,
          actor: caller.application,
        });
        return detailsNotice(payments, trx, request, query.after);
      });
      return { status: 200, body };
    },

    getActivationResult: ({ params, caller }) => outcome('activate', caller, params.requestID),
    getCancellationResult: ({ params, caller }) => outcome('cancel', caller, params.requestID),
    getVoucherStatus: ({ params, caller }) => status(caller, params.serialNumber),
    getVoucher: ({ params, caller }) => status(caller, params.serialNumber),
    getVoucherValidity: ({ query, caller }) => validBySerial(caller, query.serialNumber),
    getValidity: ({ query, caller }) => validBySerial(caller, query.serialNumber),

    async checkVoucherValidity({ body, caller }) {
      const sourceId = await activeSource(payments, caller.application);
      if (sourceId === undefined && !(await isMerchant(caller)))
        throw forbidden('Only sources of payments and merchants ask about vouchers');
      const number = String(body.voucherNumber);
      const voucher = await locateVoucher(
        payments,
        { number },
        {
          scope: `application/${caller.application}`,
          knows: ({ group_code, source_id }) =>
            group_code === body.groupCode && (sourceId === undefined || source_id === sourceId),
        },
      ).catch((error: unknown) => {
        if (error instanceof VoucherRefused && error.reason === 'unknown-number') return undefined;
        throw error;
      });
      await looked(
        caller,
        voucher ? `voucher/${voucher.serial}` : 'voucher',
        voucher ? 'succeeded' : 'refused',
      );
      return voucher ? validity(voucher, usable(voucher)) : validity(undefined, false);
    },

    async getVoucherCode({ params, caller }) {
      const voucher = await own(caller, params.serialNumber);
      if (!voucher) throw notFound('Voucher');
      return { status: 200, body: await voucherCode(payments, voucher) };
    },

    async getVoucherKeys() {
      return { status: 200, body: { keys: [(await voucherCodeKey(payments)) as Record<string, unknown>] } };
    },
  };
}

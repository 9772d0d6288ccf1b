import { type ImplementedSurface, implement, Problem, transaction } from '@govstack/platform';
import { formatAmount } from '../../money/amount.ts';
import type { Payments } from '../../payments-context.ts';
import { readSource, type Source } from '../../sources/source.ts';
import { activateVouchers } from '../../vouchers/activate.ts';
import { cancelVouchers } from '../../vouchers/cancel.ts';
import { voucherDetails } from '../../vouchers/details.ts';
import { issueVouchers } from '../../vouchers/issue.ts';
import { isDigits } from '../../vouchers/numbers.ts';
import { type Refusal, refusals, VoucherRefused } from '../../vouchers/refused.ts';
import type { VoucherState } from '../../vouchers/states.ts';
import { findVoucher } from '../../vouchers/voucher.ts';
import { vouchersSuite } from './vouchers-operations.ts';
import { redeemForSuite } from './vouchers-redeem.ts';

const refuse = (reason: Refusal, code: number = refusals[reason].code): Problem =>
  new Problem(code, refusals[reason].text);

/** Says what the engine refuses with the statuses of this dialect. */
async function coded<T>(work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    throw error instanceof VoucherRefused ? refuse(error.reason) : error;
  });
}

/** The fields of a message, each of which must be there, with whatever value. */
function fields<const K extends string>(body: unknown, names: readonly K[]): Record<K, unknown> {
  const missing = names.filter((name) => !Object.hasOwn((body ?? {}) as object, name));
  if (body === null || typeof body !== 'object' || missing.length > 0)
    throw new Problem(400, `Missing: ${missing.join(', ')}`);
  return body as Record<K, unknown>;
}

/** A serial or secret number: digits as text, or a number that lost none. */
const digits = (value: unknown): string | undefined => {
  const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value;
  return typeof text === 'string' && isDigits(text) ? text : undefined;
};

/** How the dialect calls the states; it has none for used and expired vouchers, which are statuses of the answer. */
const statusNames: Readonly<Record<Exclude<VoucherState, 'redeemed' | 'expired'>, string>> = {
  provisioned: 'Not Pre-Activated',
  'pre-activated': 'Pre-Activated',
  activated: 'Activated',
  redeeming: 'Activated',
  suspended: 'Suspended',
  blocked: 'Blocked',
  cancelled: 'Blocked',
  purged: 'Purged',
};

/** Answers the voucher features of the compliance suite: body, then building block, then number, then everything else. */
export function answerVoucherSuite(payments: Payments): ImplementedSurface {
  const { db } = payments;
  const sourceOf = async (name: unknown, code?: number): Promise<Source> =>
    readSource(db, typeof name === 'string' ? name : '').catch(() => {
      throw refuse('unknown-source', code);
    });

  const redeem = async ({ body }: { readonly body: unknown }) => {
    const message = fields(body, [
      'voucher_number',
      'Gov_Stack_BB',
      'merchant_name',
      'merchant_bank_details',
      'merchant_voucher_group',
      'override',
    ]);
    const source = await sourceOf(message.Gov_Stack_BB);
    const number = digits(message.voucher_number);
    if (number === undefined) throw refuse('unknown-number');
    const merchant = {
      name: String(message.merchant_name),
      bank: String(message.merchant_bank_details),
      group: String(message.merchant_voucher_group),
    };
    const override = message.override === true;
    const outcome = await coded(
      redeemForSuite(payments, { number, sourceId: source.id, merchant, override }),
    );
    return {
      status: 200 as const,
      body: { result_status: outcome.state === 'redeemed' ? 'Voucher redeemed' : 'In progress' },
    };
  };

  return implement(vouchersSuite, {
    async preactivate({ body }) {
      const names = ['voucher_amount', 'voucher_currency', 'voucher_group', 'Gov_Stack_BB'] as const;
      const message = fields(body, names);
      const { voucher_amount: amount, voucher_currency: currency, voucher_group: group } = message;
      if (typeof amount !== 'string') throw refuse('bad-amount');
      if (typeof currency !== 'string') throw refuse('bad-currency');
      if (typeof group !== 'string') throw refuse('unknown-group');
      const source = await sourceOf(message.Gov_Stack_BB);
      const actor = `suite for ${source.id}`;
      const answer = await coded(
        transaction(db, async (trx) => {
          const order = { groupCode: group, currency, amount };
          const issued = await issueVouchers(payments, trx, source, [order], { actor });
          const [voucher] = issued as [(typeof issued)[number]];
          const detail = (await voucherDetails(payments, trx, source.id, issued)).get(voucher.id);
          return {
            voucher_number: detail?.number as string,
            voucher_serial_number: voucher.serial,
            expiry_date_time: voucher.reserved_until as string,
          };
        }),
      );
      return { status: 200, body: answer };
    },

    async activate({ body }) {
      const message = fields(body, ['voucher_serial_number', 'Gov_Stack_BB']);
      const source = await sourceOf(message.Gov_Stack_BB);
      const serial = digits(message.voucher_serial_number);
      if (serial === undefined) throw refuse('unknown-serial');
      const by = { actor: `suite for ${source.id}` };
      const failures = await transaction(db, (trx) =>
        activateVouchers(payments, trx, source.id, [serial], by),
      );
      // A repeat finds what it asks for.
      const repeated = failures[0]?.failureReason === 'Already activated';
      if (failures.length > 0 && !repeated) throw refuse('unknown-serial');
      return { status: 200, body: { result_status: 'Voucher activated' } };
    },

    redeem,
    redeemAsWritten: redeem,

    async status({ params }) {
      const serial = params.voucherserialnumber;
      if (!/^[A-Za-z0-9]+$/.test(serial)) throw new Problem(400, 'Invalid characters');
      const voucher = await findVoucher(db, serial);
      if (!voucher) throw refuse('unknown-serial');
      const { state } = voucher;
      if (state === 'redeemed') throw refuse('already-used');
      if (state === 'expired') throw refuse('expired');
      const exponent = payments.currencies(voucher.currency) ?? 2;
      return {
        status: 200,
        body: {
          voucher_status: statusNames[state],
          voucher_amount: formatAmount(voucher.amount, exponent),
        },
      };
    },

    async cancel({ body }) {
      const message = fields(body, ['voucherserialnumber', 'Gov_Stack_BB']);
      const invalid = refusals['cannot-credit'].code;
      const serial = digits(message.voucherserialnumber);
      if (serial === undefined) throw refuse('unknown-serial', invalid);
      const source = await sourceOf(message.Gov_Stack_BB, invalid);
      const by = { actor: `suite for ${source.id}` };
      const [failure] = await transaction(db, (trx) =>
        cancelVouchers(payments, trx, source.id, [serial], by),
      );
      if (failure?.failureReason === 'Already cancelled') throw refuse('cancelled');
      if (failure) throw new Problem(invalid, failure.failureReason);
      return { status: 200, body: { message: 'Voucher cancelled' } };
    },
  });
}

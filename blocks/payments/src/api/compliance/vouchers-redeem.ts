import { createHash } from 'node:crypto';
import type { Payments } from '../../payments-context.ts';
import { merchantPayee } from '../../vouchers/merchants.ts';
import { type RedemptionOutcome, redeemVoucher } from '../../vouchers/redeem.ts';
import { VoucherRefused } from '../../vouchers/refused.ts';

export interface SuiteMerchant {
  readonly name: string;
  readonly bank: string;
  readonly group: string;
}

/**
 * Redeems at a merchant that is named with its bank. The dialect has no request id: the same number at the same merchant
 * is the same request. Its group is the one that is registered, whatever the message says.
 */
export async function redeemForSuite(
  payments: Payments,
  order: {
    readonly number: string;
    readonly sourceId: string;
    readonly merchant: SuiteMerchant | undefined;
    readonly override: boolean;
  },
): Promise<RedemptionOutcome> {
  const { number, sourceId, merchant, override } = order;
  const row = await payments.db
    .selectFrom('merchant')
    .selectAll()
    .where('name', '=', merchant?.name ?? '')
    .where('active', '=', true)
    .limit(1)
    .executeTakeFirst();
  const payee = row && merchantPayee(payments, row);
  if (!payee || payee.address !== merchant?.bank) throw new VoucherRefused('cannot-credit');
  // A name for the request that does not give the number away.
  const token = payments.vault.token(number, 'suite-redemption');
  return redeemVoucher(payments, {
    presented: { number },
    payee,
    presenter: payee.key,
    requestId: createHash('sha256').update(token).digest('hex'),
    caller: payments.ctx.application,
    actor: `suite for ${sourceId}`,
    sourceId,
    override,
  });
}

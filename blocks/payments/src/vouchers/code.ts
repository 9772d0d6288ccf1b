import type { JWK } from 'jose';
import QRCode from 'qrcode';
import { signStatement, statementKey } from '../callbacks/signing.ts';
import { formatAmount } from '../money/amount.ts';
import type { Payments } from '../payments-context.ts';
import type { Voucher } from './voucher.ts';

/** The key with which codes of vouchers are checked, also by somebody without a connection. */
export const voucherCodeKey = (payments: Payments): Promise<JWK> => statementKey(payments, 'vouchers');

export interface VoucherCode {
  /** Compact JWS (ES256) over serial, value, currency, group and expiry. */
  readonly signedSerial: string;
  /** The same as a QR code. */
  readonly svg: string;
}

/**
 * A code to print beside a voucher: a merchant that is offline sees by it that the voucher is genuine, what it is worth
 * and until when. It holds no secret number and does not show whether the voucher is used: the first redemption counts
 * (PAY-6.1-ag).
 */
export async function voucherCode(payments: Payments, voucher: Voucher): Promise<VoucherCode> {
  const { expires_at: expires } = voucher;
  const claims = {
    ser: voucher.serial,
    val: formatAmount(voucher.amount, payments.currencies(voucher.currency) ?? 2),
    cur: voucher.currency,
    grp: voucher.group_code,
    ...(expires === null ? {} : { exp: Math.floor(Date.parse(expires) / 1000) }),
  };
  const signedSerial = await signStatement(payments, 'vouchers', JSON.stringify(claims));
  const svg = await QRCode.toString(signedSerial, { type: 'svg', errorCorrectionLevel: 'M' });
  return { signedSerial, svg };
}

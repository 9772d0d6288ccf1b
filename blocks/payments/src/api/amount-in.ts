import { badRequest } from '@govstack/platform';
import { BadAmount, parseAmount } from '../money/amount.ts';
import type { Payments } from '../payments-context.ts';

/**
 * Reads an amount of a body into minor units of its currency; `most` as for `parseAmount`. Throws a 400 that names the
 * field; `pointer` is its JSON pointer.
 */
export function amountIn(
  payments: Payments,
  value: string | number,
  currency: string,
  pointer: string,
  most?: bigint,
): bigint {
  const exponent = payments.currencies(currency);
  if (exponent === undefined) throw badRequest(`${currency} is not a known currency`);
  try {
    return parseAmount(value, exponent, most);
  } catch (error) {
    if (!(error instanceof BadAmount)) throw error;
    throw badRequest('The request is not valid', [{ in: 'body', pointer, detail: error.message }]);
  }
}

import { Type } from 'typebox';
import { Refusal } from '../http/operation.ts';
import { toMinor } from './amount.ts';

export const Text = (maxLength: number, description?: string) =>
  Type.String({ minLength: 1, maxLength, ...(description === undefined ? {} : { description }) });

export const Reference = Type.String({
  minLength: 1,
  maxLength: 50,
  pattern: '^[A-Za-z0-9._:-]+$',
  description: "The payer's own id of the transfer; sending it again never pays again",
});
export const Amount = Type.String({
  pattern: '^[0-9]{1,16}(\\.[0-9]{1,8})?$',
  maxLength: 24,
  description: 'Decimal text with at most the decimals of the currency, such as 125.00',
});
export const Currency = Type.String({ pattern: '^[A-Z]{3}$', description: 'ISO 4217 code, or XLD' });
export const ReferenceParams = Type.Object({ reference: Text(50) });

/** Most transfers or accounts in one request. */
export const largestBatch = 1_000;
export const batchBodyLimit = 4 * 1024 * 1024;

/** Decimal text as minor units in text. Refuses the request when it has too many decimals. */
export function minorText(amount: string, currency: string, pointer: string): string {
  const minor = toMinor(amount, currency);
  if (minor === undefined) {
    throw new Refusal(422, 'An amount is not valid; nothing was executed', {
      errors: [{ pointer, detail: `has more decimals than ${currency}` }],
    });
  }
  return String(minor);
}

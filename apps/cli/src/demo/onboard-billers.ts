import { onboardPropertyTax, propertyTaxPrefix } from '@govstack/country/seed';
import type { Stack } from '../stack/start-stack.ts';
import { staffSignIn } from './sign-in.ts';

/**
 * Has two officers let the property tax in as a biller, unless they did so before. Answers the number of a bill that is
 * open until somebody pays it.
 */
export async function onboardBillers(stack: Stack): Promise<string> {
  const known = await propertyTaxPrefix(stack.as);
  if (known !== undefined) return openBill(known);
  const tokenOf = await staffSignIn(stack);
  const officers = {
    maker: await tokenOf('revenue-manager', '2468'),
    checker: await tokenOf('approver', '2468'),
  };
  return openBill(await onboardPropertyTax(stack.as, officers));
}

/** Every number is a bill: another one each second. */
const openBill = (prefix: string): string =>
  `${prefix}0${String(Math.floor(Date.now() / 1000) % 10_000_000).padStart(7, '0')}`;

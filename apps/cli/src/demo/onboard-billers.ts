import { hasPropertyTax, onboardPropertyTax } from '@govstack/country/seed';
import type { Stack } from '../stack/start-stack.ts';
import { staffSignIn } from './sign-in.ts';

/** Has two officers let the property tax in as a biller, unless they did so before. */
export async function onboardBillers(stack: Stack): Promise<void> {
  if (await hasPropertyTax(stack.as)) return;
  const tokenOf = await staffSignIn(stack);
  await onboardPropertyTax(stack.as, {
    maker: await tokenOf('revenue-manager', '2468'),
    checker: await tokenOf('approver', '2468'),
  });
}

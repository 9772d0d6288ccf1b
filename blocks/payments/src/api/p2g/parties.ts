import { badRequest, type Caller, forbidden } from '@govstack/platform';
import { type Biller, speaksFor } from '../../billers/biller.ts';
import { type Payer, payerOfCaller } from '../../payers/payer.ts';
import type { Payments } from '../../payments-context.ts';

type Aliases = Readonly<Record<string, string | undefined>>;

/** Id under which the sender follows its request. */
export const correlationOf = (headers: Aliases): string | undefined =>
  headers['x-correlationid'] ?? headers['x-client-correlation-id'];

export const tenantOf = (headers: Aliases): string | undefined =>
  headers['platform-tenantid'] ?? headers['x-platform-tenantid'];

export const callbackOf = (headers: Aliases): string | undefined =>
  headers['x-callback-url'] ?? headers['x-callbackurl'] ?? headers['x-callback_url'];

/** The payer institution that calls; one that names itself must name itself. */
export async function callingPayer(payments: Payments, caller: Caller, headers: Aliases): Promise<Payer> {
  const payer = await payerOfCaller(payments.db, caller.application);
  const named = headers['payerfi-id'] ?? headers['x-payerfi-id'] ?? headers['x-payer-fi-id'];
  if (named !== undefined && named !== payer.id)
    throw forbidden('PayerFI-Id is not the id of the calling institution');
  return payer;
}

/** The billers a caller speaks for: itself, or all that are behind an aggregator. None: refused. */
export async function callingBillers(payments: Payments, caller: Caller): Promise<Biller[]> {
  const billers = await payments.db
    .selectFrom('biller')
    .selectAll()
    .where('application', '=', caller.application)
    .orderBy('id')
    .limit(10_000)
    .execute();
  if (billers.length === 0) throw forbidden('This application is not registered as a biller or aggregator');
  return billers;
}

/** The biller a caller names in X-billerId, or the only one it speaks for. */
export async function callingBiller(payments: Payments, caller: Caller, headers: Aliases): Promise<Biller> {
  const billers = await callingBillers(payments, caller);
  const named = headers['x-billerid'] ?? headers['x-biller-id'];
  const biller = named === undefined ? billers[0] : billers.find((one) => one.id === named);
  if (!biller || !speaksFor(biller, caller.application))
    throw forbidden('X-billerId names a biller this application does not speak for');
  if (named === undefined && billers.length > 1)
    throw badRequest('Name the biller in X-billerId: this application speaks for several');
  return biller;
}

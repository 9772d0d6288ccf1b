import { badRequest, isApplicationId, isServiceId } from '@govstack/platform';
import type { BillOutcome } from '../bills/tables.ts';
import type { Payments } from '../payments-context.ts';
import type { Trx } from '../tables.ts';
import { findAggregator } from './aggregator.ts';
import type { BillIdCheck } from './bill-id.ts';

/** What a proposal says about a biller, without its account, which is kept sealed beside it. */
export interface ProposedSettings {
  readonly name: string;
  /** At most ten characters, for the published messages. */
  readonly shortName: string;
  /** Member whose officers look after it. */
  readonly agency: string;
  readonly aggregatorId?: string;
  /** Application that calls, and the service where it is asked and told; those of the aggregator if there is one. */
  readonly application: string;
  readonly service: string;
  readonly group: string;
  readonly currency: string;
  /** Characters of a bill id with its prefix. */
  readonly billIdLength: number;
  readonly billIdCheck: BillIdCheck;
  readonly allowsPartPayment: boolean;
  /** What the biller's own codes mean. */
  readonly statusCodes: Readonly<Record<string, BillOutcome>>;
  readonly inquiryTimeoutSeconds: number;
  /** Wanted; one is allotted when absent. */
  readonly prefix?: string;
  /** Biller from which a longer prefix takes bill ids. */
  readonly within?: string;
  /** What payers must know before they pay. */
  readonly disclaimer?: string;
  /** Institution code (BIC) of the biller's account. */
  readonly institution: string;
}

export interface WantedSettings extends Omit<ProposedSettings, 'application' | 'service'> {
  readonly application: string | undefined;
  readonly service: string | undefined;
}

/** Checks what is wanted and fills in the addresses of its aggregator. */
export async function settledSettings(
  payments: Payments,
  trx: Trx,
  wanted: WantedSettings,
): Promise<ProposedSettings> {
  if (payments.currencies(wanted.currency) === undefined)
    throw badRequest(`${wanted.currency} is not a known currency`);
  if (wanted.prefix !== undefined && wanted.prefix.length >= wanted.billIdLength)
    throw badRequest('billIdLength must leave room behind the prefix');
  if (wanted.within !== undefined && wanted.prefix === undefined)
    throw badRequest('within goes with a prefix');
  if (wanted.aggregatorId !== undefined) {
    if (wanted.application !== undefined || wanted.service !== undefined)
      throw badRequest('A biller behind an aggregator has no application or service of its own');
    const aggregator = await findAggregator(trx, wanted.aggregatorId);
    if (!aggregator?.active) throw badRequest('aggregatorId is not a registered, active aggregator');
    return { ...wanted, application: aggregator.application, service: aggregator.service };
  }
  const { application, service } = wanted;
  if (application === undefined || !isApplicationId(application))
    throw badRequest('application must be INSTANCE/CLASS/MEMBER/APPLICATION');
  if (service === undefined || !isServiceId(service))
    throw badRequest('service must be INSTANCE/CLASS/MEMBER/APPLICATION/SERVICE');
  return { ...wanted, application, service };
}

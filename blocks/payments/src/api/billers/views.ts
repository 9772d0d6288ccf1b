import type { Aggregator, AggregatorProposal } from '../../billers/aggregator.ts';
import type { Biller } from '../../billers/biller.ts';
import type { Proposal } from '../../billers/proposal.ts';
import type { BillPayment } from '../../bills/payment.ts';
import type { BillOutcome } from '../../bills/tables.ts';
import type { Payer } from '../../payers/payer.ts';
import type { Payments } from '../../payments-context.ts';
import { masked } from '../../vault/vault.ts';
import { money, present } from '../admin/views.ts';

type Codes = Record<string, Exclude<BillOutcome, 'biller-down'>>;

const instant = (value: string | Date): string => (typeof value === 'string' ? value : value.toISOString());

export const payerView = (payer: Payer) => ({
  payerId: payer.id,
  application: payer.application,
  name: payer.name,
  ...present('bic', payer.bic),
  ...present('service', payer.service),
  active: payer.active,
});

export const aggregatorView = (aggregator: Aggregator) => ({
  aggregatorId: aggregator.id,
  name: aggregator.name,
  application: aggregator.application,
  service: aggregator.service,
  active: aggregator.active,
});

export const aggregatorProposalView = (proposal: AggregatorProposal) => ({
  proposalId: proposal.id,
  aggregatorId: proposal.aggregator_id,
  settings: { ...proposal.settings },
  state: proposal.state,
  proposedBy: proposal.proposed_by,
  ...present('decidedBy', proposal.decided_by),
  ...present('reason', proposal.reason),
  createdAt: proposal.created_at,
  ...present('decidedAt', proposal.decided_at === null ? null : instant(proposal.decided_at)),
});

const accountOf = (payments: Payments, biller: Biller): string =>
  payments.vault.open(biller.account_cipher, `biller/${biller.id}`);

export const billerView = (payments: Payments, biller: Biller) => ({
  billerId: biller.id,
  prefix: biller.prefix,
  name: biller.name,
  shortName: biller.short_name,
  agency: biller.agency,
  ...present('aggregatorId', biller.aggregator_id),
  application: biller.application,
  service: biller.service,
  group: biller.group_code,
  currency: biller.currency,
  billIdLength: biller.bill_id_length,
  billIdCheck: biller.bill_id_check,
  allowsPartPayment: biller.part_payment,
  statusCodes: biller.status_codes as Codes,
  inquiryTimeoutSeconds: biller.inquiry_timeout_seconds,
  ...present('disclaimer', biller.disclaimer),
  institution: biller.institution,
  account: masked(accountOf(payments, biller)),
  suspended: biller.suspended_at !== null,
});

export const proposalView = (payments: Payments, proposal: Proposal, prefix: string | undefined) => ({
  proposalId: proposal.id,
  ...present('billerId', proposal.biller_id),
  ...present('prefix', prefix),
  settings: { ...proposal.settings, statusCodes: proposal.settings.statusCodes as Codes },
  account: masked(payments.vault.open(proposal.account_cipher, `biller-proposal/${proposal.id}`)),
  state: proposal.state,
  proposedBy: proposal.proposed_by,
  ...present('decidedBy', proposal.decided_by),
  ...present('reason', proposal.reason),
  createdAt: proposal.created_at,
  ...present('decidedAt', proposal.decided_at === null ? null : instant(proposal.decided_at)),
});

/** A line of the billers table: the whole account, because the institution credits it. */
export const tableLine = (payments: Payments, biller: Biller) => ({
  billerId: biller.id,
  prefix: biller.prefix,
  name: biller.name,
  shortName: biller.short_name,
  group: biller.group_code,
  currency: biller.currency,
  billIdLength: biller.bill_id_length,
  billIdCheck: biller.bill_id_check,
  allowsPartPayment: biller.part_payment,
  institution: biller.institution,
  account: accountOf(payments, biller),
  active: biller.suspended_at === null,
  updatedAt: biller.updated_at,
});

export const billPaymentView = (payments: Payments, payment: BillPayment) => ({
  paymentId: payment.id,
  billId: payment.bill_id,
  billerId: payment.biller_id,
  payerId: payment.payer_id,
  paymentReference: payment.payment_reference,
  method: payment.method,
  amount: money(payments, payment.amount, payment.currency),
  currency: payment.currency,
  state: payment.state,
  ...present('rejectReason', payment.reject_reason),
  timesSent: payment.attempts,
  createdAt: payment.created_at,
  ...present('answeredAt', payment.answered_at),
});

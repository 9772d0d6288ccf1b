import type { Payments } from '../../payments-context.ts';
import { masked } from '../../vault/vault.ts';
import type { KnownGroup } from '../../vouchers/groups.ts';
import type { Merchant } from '../../vouchers/merchants.ts';
import type { StockLine, VoucherEvent } from '../../vouchers/read.ts';
import type { Redemption } from '../../vouchers/redemption.ts';
import type { Voucher } from '../../vouchers/voucher.ts';
import { money, present } from '../admin/views.ts';

export const groupView = (payments: Payments, { group, currency, denominations }: KnownGroup) => ({
  sourceId: group.source_id,
  groupCode: group.code,
  programmeId: group.programme_id,
  currency,
  name: group.name,
  ...present('description', group.description),
  validitySeconds: group.validity_seconds,
  merchantGroups: group.merchant_groups,
  onDemand: group.on_demand,
  forRuns: group.for_runs,
  variableAmounts: group.variable_amounts,
  cancelSuspended: group.cancel_suspended,
  ...present(
    'payeeCheck',
    group.payee_check && { ...group.payee_check, evidenceFields: [...group.payee_check.evidenceFields] },
  ),
  active: group.active,
  denominations: denominations.map((one) => ({
    amount: money(payments, one.amount, currency),
    stockThreshold: one.stock_threshold,
    low: one.alarmed_at !== null,
  })),
});

export const merchantView = (payments: Payments, row: Merchant) => ({
  merchantId: row.id,
  name: row.name,
  application: row.application,
  voucherGroups: row.voucher_groups,
  paymentModality: row.modality as '00' | '01' | '03' | '04',
  ...present('bankingInstitutionCode', row.institution_code),
  financialAddress: masked(payments.vault.open(row.address_cipher, `merchant/${row.id}`)),
  active: row.active,
});

export const voucherView = (payments: Payments, voucher: Voucher) => ({
  voucherId: voucher.id,
  serialNumber: voucher.serial,
  sourceId: voucher.source_id,
  programmeId: voucher.programme_id,
  groupCode: voucher.group_code,
  currency: voucher.currency,
  amount: money(payments, voucher.amount, voucher.currency),
  state: voucher.state,
  createdAt: voucher.created_at,
  ...present('reservedUntil', voucher.reserved_until),
  ...present('activatedAt', voucher.activated_at),
  ...present('expiresAt', voucher.expires_at),
  wrongNumbers: voucher.wrong_numbers,
  named: voucher.payee_token !== null,
});

export const historyView = (event: VoucherEvent) => ({
  ...present('from', event.from_state),
  to: event.to_state,
  ...present('reason', event.reason),
  actor: event.actor,
  at: event.at,
});

export const redemptionView = (one: Redemption) => ({
  transactionId: one.id,
  payee: one.payee,
  rail: one.rail_id,
  state: one.state,
  overridden: one.overridden,
  ...present('reasonCode', one.reason_code),
  ...present('railReference', one.rail_reference),
  sentAt: one.sent_at,
  ...present('answeredAt', one.answered_at),
});

export const stockView = (payments: Payments, line: StockLine) => {
  const stock = line.states.find((one) => one.state === 'provisioned')?.count ?? 0;
  return {
    sourceId: line.source_id,
    groupCode: line.group_code,
    currency: line.currency,
    ...present('denomination', line.amount === null ? null : money(payments, line.amount, line.currency)),
    stock,
    ...present('stockThreshold', line.stock_threshold),
    low: stock < (line.stock_threshold ?? 0),
    states: line.states.map(({ state, count, value }) => ({
      state,
      count,
      value: money(payments, value, line.currency),
    })),
  };
};

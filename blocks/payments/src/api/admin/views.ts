import type { Selectable } from 'kysely';
import type { Batch, Instruction } from '../../batches/read.ts';
import { isoStatus } from '../../batches/states.ts';
import { formatAmount } from '../../money/amount.ts';
import type { Payments } from '../../payments-context.ts';
import type { Rail } from '../../rails/port.ts';
import type { Programme } from '../../sources/programme.ts';
import type { Source } from '../../sources/source.ts';
import type { PaymentsTables } from '../../tables.ts';

/** Leaves out what is null: absent, not null, on the wire. */
const present = <K extends string, T>(name: K, value: T | null | undefined): { [P in K]?: T } =>
  value === null || value === undefined ? {} : ({ [name]: value } as { [P in K]?: T });

export const money = (payments: Payments, minor: bigint | string, currency: string): string =>
  formatAmount(minor, payments.currencies(currency) ?? 2);

export const sourceView = (payments: Payments, source: Source) => ({
  sourceId: source.id,
  application: source.application,
  name: source.name,
  institutionId: source.institution_id,
  ...present('callbackService', source.callback_service),
  ...present('callbackPath', source.callback_path),
  callbackUrls: source.callback_urls,
  active: source.active,
  ...(source.auto_approve_limit === null || source.auto_approve_currency === null
    ? {}
    : {
        autoApproveLimit: money(payments, source.auto_approve_limit, source.auto_approve_currency),
        autoApproveCurrency: source.auto_approve_currency,
      }),
});

/** How a programme's runs leave. */
const manner = (row: Pick<Programme, 'combine_payments' | 'stagger_payees' | 'stagger_seconds'>) => ({
  combinePayments: row.combine_payments,
  ...(row.stagger_payees !== null &&
    row.stagger_seconds !== null && {
      stagger: { payees: row.stagger_payees, seconds: row.stagger_seconds },
    }),
});

export const programmeView = (payments: Payments, programme: Programme, available: bigint) => ({
  sourceId: programme.source_id,
  programmeId: programme.id,
  name: programme.name,
  agency: programme.agency,
  currency: programme.currency,
  fundingAccount: programme.funding_account,
  ...present('payerRail', programme.payer_rail),
  ...present(
    'maximumInstructionAmount',
    programme.maximum_instruction_amount === null
      ? null
      : money(payments, programme.maximum_instruction_amount, programme.currency),
  ),
  ...present(
    'maximumRunAmount',
    programme.maximum_run_amount === null
      ? null
      : money(payments, programme.maximum_run_amount, programme.currency),
  ),
  ...manner(programme),
  available: money(payments, available, programme.currency),
});

export const railView = (payments: Payments, rail: Rail) => ({
  railId: rail.id,
  adapter: rail.adapter,
  settings: rail.settings as Record<string, unknown>,
  rank: rail.rank,
  maximumAmounts: Object.fromEntries(
    Object.entries(rail.maximum_amounts).map(([currency, amount]) => [
      currency,
      money(payments, amount, currency),
    ]),
  ),
  ...present('transfersPerSecond', rail.transfers_per_second),
  ...present('calendar', rail.calendar),
  ...present('answerWithinSeconds', rail.answer_within_seconds),
  service: rail.service,
  name: rail.name,
  modalities: rail.modalities as ('00' | '01' | '02' | '03' | '04')[],
  institutions: rail.institutions,
  currencies: rail.currencies,
  isDefault: rail.is_default,
  batchSize: rail.batch_size,
  concurrency: rail.concurrency,
  ...present('debtorAccount', rail.debtor_account),
  ...present('publicKey', rail.public_key as Record<string, unknown> | null),
  active: rail.active,
});

export const batchView = (payments: Payments, batch: Batch) => ({
  batchId: batch.id,
  clientBatchId: batch.client_batch_id,
  sourceId: batch.source_id,
  programmeId: batch.programme_id ?? '',
  state: batch.state,
  ...present('reason', batch.reason),
  currency: batch.currency,
  instructionCount: batch.instruction_count,
  totalAmount: money(payments, batch.total_amount, batch.currency),
  ...present('validCount', batch.valid_count),
  ...present(
    'validAmount',
    batch.valid_amount === null ? null : money(payments, batch.valid_amount, batch.currency),
  ),
  feeAmount: money(payments, batch.fee_amount, batch.currency),
  possibleDuplicates: batch.possible_duplicates,
  ...present('contentHash', batch.content_hash),
  makerApplication: batch.maker_application,
  ...present('makerPerson', batch.maker_person),
  paused: batch.dispatch_paused_at !== null,
  stopped: batch.stopped_at !== null,
  priority: batch.priority > 0 ? 'urgent' : batch.priority < 0 ? 'low' : 'normal',
  ...present('notBefore', batch.not_before),
  ...manner(batch),
  createdAt: batch.created_at,
  ...present('completedAt', batch.completed_at),
});

export interface InstructionExtras {
  readonly account: string | undefined;
  readonly retryOf: string | undefined;
  readonly combinedWith: string | undefined;
}

export const instructionView = (payments: Payments, row: Instruction, extras: InstructionExtras) => ({
  instructionId: row.id,
  requestId: row.client_id,
  batchId: row.batch_id,
  payeeIdentity: payments.vault.open(row.payee_cipher, `instruction/${row.id}`),
  ...present('account', extras.account),
  ...present('rail', row.rail_id),
  amount: money(payments, row.amount, row.currency),
  fee: money(payments, row.fee, row.currency),
  currency: row.currency,
  ...present('narration', row.narration),
  state: row.state,
  isoStatus: isoStatus[row.state],
  ...present('reasonCode', row.reason_code),
  ...present('railReference', row.rail_reference),
  possibleDuplicate: row.possible_duplicate,
  ...present('retryOf', extras.retryOf),
  ...present('combinedWith', extras.combinedWith),
  position: row.position,
  updatedAt: row.updated_at,
});

export const caseView = (row: Selectable<PaymentsTables['payment_case']>) => ({
  caseId: row.id,
  kind: row.kind,
  detail: row.detail,
  ...present('batchId', row.batch_id),
  ...present('instructionId', row.instruction_id),
  ...present('rail', row.rail_id),
  state: row.state,
  openedAt: row.opened_at,
  ...present('resolvedAt', row.resolved_at),
  ...present('resolvedBy', row.resolved_by),
  ...present('outcome', row.outcome),
  ...present('note', row.note),
});

export { present };

import type { FeeSchedule } from '../../fees/schedules.ts';
import type { FeeBand } from '../../fees/tables.ts';
import { formatAmount } from '../../money/amount.ts';
import type { Payments } from '../../payments-context.ts';
import type { Item } from '../../reconciliation/items.ts';
import type { BankStatement } from '../../reconciliation/load-file.ts';
import type { Proof } from '../../reconciliation/proof.ts';
import type { Wish } from '../../reconciliation/resolutions.ts';
import type { SuspenseEntry } from '../../returns/suspense.ts';
import { settlementFigures } from '../../settlement/export.ts';
import type { Settlement } from '../../settlement/figures.ts';
import { money, present } from '../admin/views.ts';

const age = (payments: Payments, since: string, until: string | null): number =>
  Math.max(
    0,
    Math.floor(
      ((until === null ? payments.ctx.now().getTime() : Date.parse(until)) - Date.parse(since)) / 86_400_000,
    ),
  );

export const statementView = (payments: Payments, row: BankStatement) => ({
  statementId: row.id,
  fileId: row.file_id,
  bankStatementId: row.statement_id,
  accountId: row.account_id,
  kind: row.kind,
  currency: row.currency,
  opening: money(payments, row.opening, row.currency),
  closing: money(payments, row.closing, row.currency),
  from: row.from_at,
  to: row.to_at,
  entryCount: row.entry_count,
  continuous: row.continuous,
  state: row.state,
  loadedAt: row.loaded_at,
  ...present('matchedAt', row.matched_at),
});

export const itemView = (payments: Payments, row: Item) => ({
  itemId: row.id,
  class: row.class,
  detail: row.detail,
  state: row.state,
  amount: money(payments, row.amount, row.currency),
  currency: row.currency,
  ...present('accountId', row.account_id),
  ...present('lineId', row.line_id),
  ...present('paymentId', row.payment_id),
  ...present('batchId', row.batch_id),
  ...present('rail', row.rail_id),
  ...present('owner', row.owner),
  openedAt: row.opened_at,
  ageDays: age(payments, row.opened_at, row.resolved_at),
  ...present('proposal', row.proposal as Wish | null),
  ...present('proposedBy', row.proposed_by),
  ...present('resolution', row.resolution),
  ...present('resolvedBy', row.resolved_by),
  ...present('resolvedAt', row.resolved_at),
  ...present('note', row.note),
});

export const proofView = (payments: Payments, row: Proof) => {
  const text = (minor: string): string => money(payments, minor, row.currency);
  return {
    proofId: row.id,
    accountId: row.account_id,
    currency: row.currency,
    statementId: row.statement_id,
    ledgerBalance: text(row.ledger_balance),
    closingBalance: text(row.closing_balance),
    releasesNotSeen: text(row.releases_not_seen),
    creditsOpen: text(row.credits_open),
    debitsOpen: text(row.debits_open),
    difference: text(row.difference),
    balances: BigInt(row.difference) === 0n,
    madeAt: row.made_at,
  };
};

export const suspenseView = (payments: Payments, row: SuspenseEntry) => ({
  entryId: row.id,
  kind: row.kind,
  state: row.state,
  amount: money(payments, row.amount, row.currency),
  currency: row.currency,
  since: row.since,
  ageDays: age(payments, row.since, row.released_at),
  ...present('instructionId', row.instruction_id),
  ...present('redemptionId', row.redemption_id),
  ...present('batchId', row.batch_id),
  ...present('lineId', row.line_id),
  ...present('reasonCode', row.reason_code),
  ...present('sourceId', row.source_id),
  ...present('programmeId', row.programme_id),
  ...present('proposedBy', row.proposed_by),
  ...present('releasedBy', row.released_by),
  ...present('releasedAt', row.released_at),
  ...present('note', row.note),
});

export const settlementView = (payments: Payments, row: Settlement) => ({
  settlementId: row.id,
  ...settlementFigures(payments, row),
  closedAt: row.closed_at,
  ...present('settledAt', row.settled_at),
});

const perMille = (perMillion: number): string => formatAmount(BigInt(perMillion), 3).replace(/\.?0+$/, '');

const bandView = (payments: Payments, band: FeeBand, currency: string) => {
  const text = (minor: number | undefined) =>
    minor === undefined ? undefined : money(payments, BigInt(minor), currency);
  return {
    ...present('upTo', text(band.upTo)),
    flat: money(payments, BigInt(band.flat), currency),
    perMille: perMille(band.perMillion),
    ...present('minimum', text(band.minimum)),
    ...present('maximum', text(band.maximum)),
  };
};

export const scheduleView = (payments: Payments, row: FeeSchedule) => ({
  scheduleId: row.id,
  railId: row.rail_id,
  ...(row.modality === '' ? {} : { modality: row.modality as '00' | '01' | '03' | '04' }),
  currency: row.currency,
  bands: row.bands.map((band) => bandView(payments, band, row.currency)),
  version: row.version,
  validFrom: row.valid_from,
  ...present('validTo', row.valid_to),
  createdBy: row.created_by,
  createdAt: row.created_at,
});

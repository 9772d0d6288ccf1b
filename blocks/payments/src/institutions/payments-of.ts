import { notFound } from '@govstack/platform';
import { sql } from 'kysely';
import type { InstructionState } from '../batches/states.ts';
import { formatAmount } from '../money/amount.ts';
import type { Payments } from '../payments-context.ts';
import { stateAsPayment } from '../vouchers/redemption.ts';

/** States an institution sees: payments that are approved and on their way, or were. */
const visible: readonly InstructionState[] = [
  'queued',
  'submitted',
  'unknown',
  'completed',
  'failed',
  'returned',
];

export interface CustomerPayment {
  readonly instructionId: string;
  readonly subBatchId: string;
  readonly rail: string;
  /** The whole account: it is the institution's own. */
  readonly account: string;
  readonly amount: string;
  readonly currency: string;
  readonly narration: string | undefined;
  readonly state: InstructionState;
  readonly reasonCode: string | undefined;
  readonly updatedAt: string;
}

interface Row {
  id: string;
  sub_batch_id: string;
  rail_id: string;
  address_cipher: Buffer;
  context: string;
  amount: string;
  currency: string;
  narration: string | null;
  state: InstructionState;
  reason_code: string | null;
  updated_at: string;
}

/**
 * Payments to customers of an institution in id order, a page after an id, those of vouchers to merchants included: each
 * of these is a sub-batch of its own, of its own id. Nothing of anybody else's.
 */
export async function customerPayments(
  payments: Payments,
  code: string,
  filter: {
    readonly subBatchId?: string | undefined;
    readonly state?: InstructionState | undefined;
    readonly after?: string | undefined;
    readonly limit: number;
  },
): Promise<CustomerPayment[]> {
  const { subBatchId = null, state, after = null, limit } = filter;
  const states = visible.filter((one) => state === undefined || one === state);
  const { rows } = await sql<Row>`
    (
      select
        i.id, i.sub_batch_id, i.rail_id, v.address_cipher, 'address/' || v.id as context, i.amount, i.currency,
        i.narration, i.state, i.reason_code, i.updated_at
      from mapper_version v
      join mapper_entry e on e.id = v.entry_id
      join instruction i
        on i.source_id = e.source_id and i.payee_token = e.payee_token and i.version_id = v.id
      where v.institution_code = ${code}
        and v.address_cipher is not null
        and i.purpose = 'payment'
        and i.sub_batch_id is not null
        and i.state = any (${states}::text[])
        and (${subBatchId}::uuid is null or i.sub_batch_id = ${subBatchId}::uuid)
        and (${after}::uuid is null or i.id > ${after}::uuid)
      order by i.id
      limit ${limit}
    )
    union all
    (
      select
        d.id, d.id, d.rail_id, d.address_cipher, 'redemption/' || d.id, d.amount, d.currency, 'Voucher ' || v.serial,
        ${stateAsPayment}, d.reason_code, coalesce(d.answered_at, d.sent_at)
      from voucher_redemption d
      join voucher v on v.id = d.voucher_id
      where d.institution_code = ${code}
        and d.address_cipher is not null
        and ${stateAsPayment} = any (${states}::text[])
        and (${subBatchId}::uuid is null or d.id = ${subBatchId}::uuid)
        and (${after}::uuid is null or d.id > ${after}::uuid)
      order by d.id
      limit ${limit}
    )
    order by id
    limit ${limit}`.execute(payments.db);
  return rows.map((row) => ({
    instructionId: row.id,
    subBatchId: row.sub_batch_id,
    rail: row.rail_id,
    account: payments.vault.open(row.address_cipher, row.context),
    amount: formatAmount(row.amount, payments.currencies(row.currency) ?? 2),
    currency: row.currency,
    narration: row.narration ?? undefined,
    state: row.state,
    reasonCode: row.reason_code ?? undefined,
    updatedAt: row.updated_at,
  }));
}

export interface CustomerSubBatch {
  readonly subBatchId: string;
  readonly rail: string;
  readonly currency: string;
  readonly count: number;
  readonly open: number;
  /** Minor units. */
  readonly amount: bigint;
}

/** Sub-batches that hold payments to customers of an institution; only these are counted. Newest first. */
export async function customerSubBatches(
  payments: Payments,
  code: string,
  page: { readonly before?: string | undefined; readonly limit: number },
): Promise<CustomerSubBatch[]> {
  const { before = null, limit } = page;
  const { rows } = await sql<{
    id: string;
    rail_id: string;
    currency: string;
    count: string;
    open: string;
    amount: string;
  }>`
    (
      select
        i.sub_batch_id as id, i.rail_id, i.currency, count(*) as count, sum(i.amount) as amount,
        count(*) filter (where i.state in ('queued', 'submitted', 'unknown')) as open
      from mapper_version v
      join mapper_entry e on e.id = v.entry_id
      join instruction i
        on i.source_id = e.source_id and i.payee_token = e.payee_token and i.version_id = v.id
      where v.institution_code = ${code}
        and i.purpose = 'payment'
        and i.sub_batch_id is not null
        and (${before}::uuid is null or i.sub_batch_id < ${before}::uuid)
      group by i.sub_batch_id, i.rail_id, i.currency
      order by i.sub_batch_id desc
      limit ${limit}
    )
    union all
    (
      select d.id, d.rail_id, d.currency, 1, d.amount, case when d.state in ('sent', 'unknown') then 1 else 0 end
      from voucher_redemption d
      where d.institution_code = ${code}
        and (${before}::uuid is null or d.id < ${before}::uuid)
      order by d.id desc
      limit ${limit}
    )
    order by id desc
    limit ${limit}`.execute(payments.db);
  return rows.map((row) => ({
    subBatchId: row.id,
    rail: row.rail_id,
    currency: row.currency,
    count: Number(row.count),
    open: Number(row.open),
    amount: BigInt(row.amount),
  }));
}

const largestFile = 1000;

/** Everything of one sub-batch that an institution has to credit. */
export async function customerFile(
  payments: Payments,
  code: string,
  subBatchId: string,
): Promise<CustomerPayment[]> {
  const rows = await customerPayments(payments, code, { subBatchId, limit: largestFile });
  if (rows.length === 0) throw notFound('Sub-batch');
  return rows;
}

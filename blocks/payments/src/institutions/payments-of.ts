import { notFound } from '@govstack/platform';
import { sql } from 'kysely';
import type { InstructionState } from '../batches/states.ts';
import { formatAmount } from '../money/amount.ts';
import type { Payments } from '../payments-context.ts';
import { adapterOf } from '../rails/registry.ts';

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
  /** Whether the institution itself says what became of it. */
  readonly byHand: boolean;
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
  adapter: string;
  version_id: string;
  address_cipher: Buffer;
  amount: string;
  currency: string;
  narration: string | null;
  state: InstructionState;
  reason_code: string | null;
  updated_at: string;
}

/** Payments to customers of an institution in id order, a page after an instruction id; nothing of anybody else's. */
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
  const { rows } = await sql<Row>`
    select
      i.id, i.sub_batch_id, i.rail_id, r.adapter, i.version_id, v.address_cipher, i.amount, i.currency, i.narration, i.state,
      i.reason_code, i.updated_at
    from mapper_version v
    join mapper_entry e on e.id = v.entry_id
    join instruction i
      on i.source_id = e.source_id and i.payee_token = e.payee_token and i.version_id = v.id
    join rail r on r.id = i.rail_id
    where v.institution_code = ${code}
      and v.address_cipher is not null
      and i.purpose = 'payment'
      and i.sub_batch_id is not null
      and i.state = any (${filter.state === undefined ? [...visible] : visible.filter((one) => one === filter.state)}::text[])
      ${filter.subBatchId === undefined ? sql`` : sql`and i.sub_batch_id = ${filter.subBatchId}`}
      ${filter.after === undefined ? sql`` : sql`and i.id > ${filter.after}`}
    order by i.id
    limit ${filter.limit}`.execute(payments.db);
  return rows.map((row) => ({
    instructionId: row.id,
    subBatchId: row.sub_batch_id,
    rail: row.rail_id,
    byHand: adapterOf(row).byHand === true,
    account: payments.vault.open(row.address_cipher, `address/${row.version_id}`),
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
  readonly railName: string;
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
  const { rows } = await sql<{
    id: string;
    rail_id: string;
    name: string;
    currency: string;
    count: string;
    open: string;
    amount: string;
  }>`
    select
      i.sub_batch_id as id, i.rail_id, r.name, i.currency, count(*) as count, sum(i.amount) as amount,
      count(*) filter (where i.state in ('queued', 'submitted', 'unknown')) as open
    from mapper_version v
    join mapper_entry e on e.id = v.entry_id
    join instruction i
      on i.source_id = e.source_id and i.payee_token = e.payee_token and i.version_id = v.id
    join rail r on r.id = i.rail_id
    where v.institution_code = ${code}
      and i.purpose = 'payment'
      and i.sub_batch_id is not null
      ${page.before === undefined ? sql`` : sql`and i.sub_batch_id < ${page.before}`}
    group by i.sub_batch_id, i.rail_id, r.name, i.currency
    order by i.sub_batch_id desc
    limit ${page.limit}`.execute(payments.db);
  return rows.map((row) => ({
    subBatchId: row.id,
    rail: row.rail_id,
    railName: row.name,
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

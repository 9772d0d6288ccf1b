import { notFound } from '@govstack/platform';
import { sql } from 'kysely';
import type { InstructionState } from '../batches/states.ts';
import { formatAmount } from '../money/amount.ts';
import type { Payments } from '../payments-context.ts';
import { adapterOf, adaptersByHand } from '../rails/registry.ts';
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

/** States in which an institution has a payment and has not yet told what became of it. */
const toCredit: readonly InstructionState[] = ['submitted', 'unknown'];

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
    /** Only what the institution still has to credit itself. */
    readonly toCredit?: boolean;
    readonly limit: number;
  },
): Promise<CustomerPayment[]> {
  const { subBatchId = null, state, after = null, limit } = filter;
  const states = (filter.toCredit === true ? toCredit : visible).filter(
    (one) => state === undefined || one === state,
  );
  const ofRail = filter.toCredit === true ? sql`and r.adapter = any (${adaptersByHand}::text[])` : sql``;
  const { rows } = await sql<Row>`
    (
      select
        i.id, i.sub_batch_id, i.rail_id, v.address_cipher, 'address/' || v.id as context, i.amount, i.currency,
        i.narration, i.state, i.reason_code, i.updated_at, r.adapter
      from mapper_version v
      join mapper_entry e on e.id = v.entry_id
      join instruction i
        on i.source_id = e.source_id and i.payee_token = e.payee_token and i.version_id = v.id
      join rail r on r.id = i.rail_id
      where v.institution_code = ${code}
        and v.address_cipher is not null
        and i.purpose = 'payment'
        and i.sub_batch_id is not null
        and i.state = any (${states}::text[])
        ${
          subBatchId === null
            ? sql``
            : sql`
        and i.sub_batch_id = ${subBatchId}
        and exists (
          select
          from sub_batch s
          where s.id = ${subBatchId}
            and s.batch_id = i.batch_id
            and i.position between s.first_position and s.last_position
        )`
        }
        ${ofRail}
        and (${after}::uuid is null or i.id > ${after}::uuid)
      order by i.id
      limit ${limit}
    )
    union all
    (
      select
        d.id, d.id, d.rail_id, d.address_cipher, 'redemption/' || d.id, d.amount, d.currency, 'Voucher ' || v.serial,
        ${stateAsPayment}, d.reason_code, coalesce(d.answered_at, d.sent_at), r.adapter
      from voucher_redemption d
      join rail r on r.id = d.rail_id
      join voucher v on v.id = d.voucher_id
      where d.institution_code = ${code}
        and d.address_cipher is not null
        and ${stateAsPayment} = any (${states}::text[])
        and (${subBatchId}::uuid is null or d.id = ${subBatchId}::uuid)
        ${ofRail}
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
    byHand: adapterOf(row).byHand === true,
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
  readonly railName: string;
  readonly currency: string;
  readonly count: number;
  /** Of these, what the institution still has to credit. */
  readonly open: number;
  /** Minor units. */
  readonly amount: bigint;
}

/**
 * Sub-batches processed by hand that hold payments to customers of an institution; only these are counted. Newest first,
 * one sub-batch after the other until the page is full.
 */
export async function customerSubBatches(
  payments: Payments,
  code: string,
  page: { readonly before?: string | undefined; readonly limit: number },
): Promise<CustomerSubBatch[]> {
  const { before = null, limit } = page;
  const { rows } = await sql<{
    id: string;
    rail_id: string;
    name: string;
    currency: string;
    count: string;
    open: string;
    amount: string;
  }>`
    (
      select s.id, s.rail_id, r.name, own.currency, own.count, own.amount, own.open
      from sub_batch s
      join rail r on r.id = s.rail_id and r.adapter = any (${adaptersByHand}::text[])
      cross join lateral (
        select
          i.currency, count(*) as count, sum(i.amount) as amount,
          count(*) filter (where i.state = any (${[...toCredit]}::text[])) as open
        from instruction i
        join mapper_version v on v.id = i.version_id
        where i.batch_id = s.batch_id
          and i.position between s.first_position and s.last_position
          and i.sub_batch_id = s.id
          and v.institution_code = ${code}
        group by i.currency
      ) own
      where (${before}::uuid is null or s.id < ${before}::uuid)
      order by s.id desc
      limit ${limit}
    )
    union all
    (
      select d.id, d.rail_id, r.name, d.currency, 1, d.amount, case when d.state in ('sent', 'unknown') then 1 else 0 end
      from voucher_redemption d
      join rail r on r.id = d.rail_id and r.adapter = any (${adaptersByHand}::text[])
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
    railName: row.name,
    currency: row.currency,
    count: Number(row.count),
    open: Number(row.open),
    amount: BigInt(row.amount),
  }));
}

const largestFile = 1000;

/** Everything of one sub-batch that an institution still has to credit: given to it by hand, and its end not known. */
export async function customerFile(
  payments: Payments,
  code: string,
  subBatchId: string,
): Promise<CustomerPayment[]> {
  const rows = await customerPayments(payments, code, { subBatchId, toCredit: true, limit: largestFile });
  if (rows.length === 0) throw notFound('Sub-batch');
  return rows;
}

import type { ColumnType, Generated } from 'kysely';
import type { Refusal } from '../vouchers/refused.ts';

type Created = ColumnType<string, never, never>;
type Instant = ColumnType<string, Date | string, Date | string>;
type DefaultInstant = ColumnType<string, Date | string | undefined, Date | string>;
type Int8 = ColumnType<string, string | bigint, string | bigint>;

/** What was found out about a bill. `biller-down`: nothing, because its biller did not answer in time or made no sense. */
export type BillOutcome = 'unpaid' | 'paid' | 'expired' | 'unknown' | 'biller-down';

/** Why a biller did not take a payment: default, duplicate, undefined. */
export type RejectReason = 'Def' | 'Dup' | 'Und';

export interface BillTables {
  bill_inquiry: {
    id: string;
    payer_id: string | null;
    person_id: string | null;
    application: string;
    request_id: string;
    biller_request_id: Generated<string>;
    bill_id: string;
    biller_id: string;
    state: Generated<'asking' | 'answered'>;
    outcome: BillOutcome | null;
    attempts: Generated<number>;
    next_at: DefaultInstant;
    currency: string;
    due_at: Instant | null;
    amount_on_due: Int8 | null;
    amount_after_due: Int8 | null;
    tenant_id: string | null;
    correlation_id: string;
    created_at: Created;
    answered_at: Instant | null;
    valid_until: Instant | null;
  };
  bill_payment: {
    id: string;
    payer_id: string;
    request_id: string;
    inquiry_id: string | null;
    request_to_pay_id: string | null;
    biller_request_id: Generated<string>;
    bill_id: string;
    biller_id: string;
    payment_reference: string;
    method: 'account' | 'voucher';
    amount: Int8;
    currency: string;
    part: boolean;
    state: 'tendering' | 'pending' | 'acknowledged' | 'rejected' | 'refused';
    reject_reason: RejectReason | null;
    refusal: Refusal | null;
    attempts: Generated<number>;
    next_at: DefaultInstant;
    last_sent_at: Instant | null;
    tenant_id: string | null;
    correlation_id: string;
    created_at: Created;
    answered_at: Instant | null;
  };
}

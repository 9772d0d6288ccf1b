import type { ColumnType, Generated } from 'kysely';
import type { CallbackTarget } from '../callbacks/target.ts';

type Json<T> = ColumnType<T, string, string>;
type Created = ColumnType<string, never, never>;
type Instant = ColumnType<string, Date | string, Date | string>;
type DefaultInstant = ColumnType<string, Date | string | undefined, Date | string>;
type Int8 = ColumnType<string, string | bigint, string | bigint>;

/** Pending, completed, rejected by the payer, expired, cancelled by the biller. */
export type RequestToPayState = 'PND' | 'COM' | 'RJC' | 'EXP' | 'CAN';

/** What a person read and approved before a payment was asked for. */
export interface Approval {
  readonly text: string;
  readonly at: string;
  readonly acr?: string;
}

export interface RequestToPayTables {
  request_to_pay: {
    id: string;
    biller_id: string;
    origin: 'biller' | 'person';
    rtp_id: string;
    request_id: string;
    request_hash: string;
    txn_id: Generated<string>;
    bill_id: string;
    inquiry_id: string | null;
    payer_id: string;
    address_cipher: Buffer | null;
    amount: Int8;
    currency: string;
    state: Generated<RequestToPayState>;
    reason: string | null;
    accepted_at: Instant | null;
    payment_reference: string | null;
    expires_at: Instant;
    person_id: string | null;
    approval: Json<Approval> | null;
    callback_target: Json<CallbackTarget> | null;
    tenant_id: string | null;
    correlation_id: string;
    created_at: Created;
    updated_at: DefaultInstant;
  };
}

import type { JWK } from 'jose';
import type { ColumnType, Generated } from 'kysely';
import type { PayeeCheck } from './payee-check.ts';
import type { RedemptionState, VoucherState } from './states.ts';

type Json<T> = ColumnType<T, string, string>;
type Instant = ColumnType<string, Date | string, Date | string>;
type DefaultInstant = ColumnType<string, Date | string | undefined, Date | string>;
type Int8 = ColumnType<string, string | bigint, string | bigint>;
type Created = ColumnType<string, never, never>;

export interface VoucherTables {
  voucher_group: {
    source_id: string;
    code: string;
    programme_id: string;
    name: string;
    description: string | null;
    validity_seconds: number;
    merchant_groups: string[];
    on_demand: boolean;
    for_runs: boolean;
    variable_amounts: boolean;
    cancel_suspended: boolean;
    payee_check: ColumnType<PayeeCheck | null, string | null, string | null>;
    active: boolean;
    created_at: Created;
    updated_at: DefaultInstant;
  };
  voucher_denomination: {
    source_id: string;
    group_code: string;
    amount: Int8;
    stock_threshold: Generated<number>;
    alarmed_at: Instant | null;
  };
  voucher_key: { id: number; wrapped: Buffer; created_by: string; created_at: Created };
  voucher_recipient_key: { source_id: string; public_key: Json<JWK>; updated_at: DefaultInstant };
  voucher_request: {
    id: string;
    source_id: string;
    operation: 'create' | 'activate' | 'cancel';
    request_id: string;
    batch_id: string | null;
    content_hash: string;
    voucher_count: number;
    failures_cipher: Buffer | null;
    caller: string;
    created_at: Created;
  };
  voucher_stock_batch: {
    id: string;
    source_id: string;
    group_code: string;
    reference: string;
    amount: Int8;
    voucher_count: number;
    actor: string;
    created_at: Created;
  };
  voucher: {
    id: string;
    serial: string;
    number_token: Buffer;
    number_cipher: Buffer | null;
    key_id: number;
    source_id: string;
    programme_id: string;
    group_code: string;
    currency: string;
    amount: Int8;
    stock_batch_id: string | null;
    state: VoucherState;
    actor: string;
    reason: string | null;
    request_id: string | null;
    instruction_id: string | null;
    payee_token: Buffer | null;
    payee_cipher: Buffer | null;
    narration: string | null;
    wrong_numbers: Generated<number>;
    reserved_until: Instant | null;
    activated_at: Instant | null;
    expires_at: Instant | null;
    purge_after: Instant | null;
    created_at: Created;
    updated_at: DefaultInstant;
    due_at: ColumnType<string | null, never, never>;
  };
  voucher_event: {
    id: Generated<string>;
    voucher_id: string;
    from_state: VoucherState | null;
    to_state: VoucherState;
    reason: string | null;
    actor: string;
    at: Created;
  };
  merchant: {
    id: string;
    name: string;
    application: string;
    voucher_groups: string[];
    modality: string;
    institution_code: string | null;
    address_cipher: Buffer;
    active: boolean;
    created_at: Created;
    updated_at: DefaultInstant;
  };
  voucher_redemption: {
    id: string;
    voucher_id: string;
    payee: string;
    request_id: string;
    caller: string;
    overridden: boolean;
    rail_id: string;
    institution_code: string | null;
    address_cipher: Buffer | null;
    amount: Int8;
    currency: string;
    state: Generated<RedemptionState>;
    reason_code: string | null;
    rail_reference: string | null;
    sends: Generated<number>;
    resend: Generated<boolean>;
    checks: Generated<number>;
    next_check_at: Instant;
    correlation_id: string;
    sent_at: Created;
    answered_at: Instant | null;
    answered_by: string | null;
  };
  voucher_guess: { id: Generated<string>; scope: string; at: Created };
}

/** A voucher that a request could not move, and why. */
export interface VoucherFailure {
  readonly serialNumber: string;
  readonly failureReason: string;
}

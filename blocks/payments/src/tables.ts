import type { JWK } from 'jose';
import type { ColumnType, Generated, Kysely, Transaction } from 'kysely';
import type { Calendar } from './api/admin/calendar.ts';
import type { AuditTables } from './audit/tables.ts';
import type { BatchState, InstructionState } from './batches/states.ts';
import type { BillerTables } from './billers/tables.ts';
import type { BillTables } from './bills/tables.ts';
import type { CallbackTarget } from './callbacks/target.ts';
import type { DispatchTables } from './dispatch/tables.ts';
import type { DisputeTables } from './disputes/tables.ts';
import type { FeeTables } from './fees/tables.ts';
import type { InstitutionTables } from './institutions/tables.ts';
import type { DirectoryTables } from './mapper/directory/tables.ts';
import type { PayerTables } from './payers/tables.ts';
import type { RailFileTables } from './rails/file/tables.ts';
import type { ReceiptTables } from './receipts/tables.ts';
import type { ReconciliationTables } from './reconciliation/tables.ts';
import type { ReportingTables } from './reporting/tables.ts';
import type { RequestToPayTables } from './requests-to-pay/tables.ts';
import type { ReturnTables } from './returns/tables.ts';
import type { ScreeningTables } from './screening/tables.ts';
import type { SettlementTables } from './settlement/tables.ts';
import type { SignatureTables } from './signatures/tables.ts';
import type { SubmissionTables } from './submissions/tables.ts';
import type { VaultTables } from './vault/tables.ts';
import type { VoucherTables } from './vouchers/tables.ts';

/** jsonb: read as a value, written as JSON text. */
type Json<T> = ColumnType<T, string, string>;
/** Instants and 64-bit integers come as text. */
type Instant = ColumnType<string, Date | string, Date | string>;
type DefaultInstant = ColumnType<string, Date | string | undefined, Date | string>;
type Int8 = ColumnType<string, string | bigint, string | bigint>;
type Created = ColumnType<string, never, never>;

/** All tables; a capability declares its own beside its code. */
export interface PaymentsTables
  extends AuditTables,
    BillerTables,
    BillTables,
    DirectoryTables,
    DispatchTables,
    DisputeTables,
    FeeTables,
    InstitutionTables,
    PayerTables,
    RailFileTables,
    ReceiptTables,
    ReconciliationTables,
    ReportingTables,
    RequestToPayTables,
    ReturnTables,
    ScreeningTables,
    SettlementTables,
    SignatureTables,
    SubmissionTables,
    VaultTables,
    VoucherTables {
  source_system: {
    id: string;
    application: string;
    name: string;
    institution_id: string;
    callback_service: string | null;
    callback_path: string | null;
    callback_urls: string[];
    auto_approve_limit: Int8 | null;
    auto_approve_currency: string | null;
    active: boolean;
    created_at: Created;
    updated_at: DefaultInstant;
  };
  rail: {
    id: string;
    adapter: string;
    service: string;
    name: string;
    modalities: string[];
    institutions: string[];
    currencies: string[];
    is_default: boolean;
    batch_size: number;
    concurrency: number;
    debtor_account: string | null;
    public_key: Json<JWK> | null;
    active: boolean;
    settings: Json<Readonly<Record<string, unknown>>>;
    rank: number;
    maximum_amounts: Json<Readonly<Record<string, string>>>;
    transfers_per_second: number | null;
    calendar: ColumnType<Calendar | null, string | null, string | null>;
    answer_within_seconds: number | null;
    created_at: Created;
    updated_at: DefaultInstant;
  };
  programme: {
    source_id: string;
    id: string;
    name: string;
    agency: string;
    currency: string;
    funding_account: string;
    payer_rail: string | null;
    maximum_instruction_amount: Int8 | null;
    maximum_run_amount: Int8 | null;
    combine_payments: Generated<boolean>;
    stagger_payees: number | null;
    stagger_seconds: number | null;
    created_at: Created;
    updated_at: DefaultInstant;
  };
  budget_release: {
    source_id: string;
    programme_id: string;
    reference: string;
    amount: Int8;
    currency: string;
    released_by: string;
    released_at: Created;
    /** The funding account of the programme when it was booked. */
    account_id: string;
    line_id: ColumnType<string | null, never, string>;
  };
  mapper_entry: {
    id: string;
    source_id: string;
    payee_token: Buffer;
    payee_cipher: Buffer;
    current_version: string;
    created_at: Created;
  };
  mapper_version: {
    id: string;
    entry_id: string;
    number: number;
    modality: string;
    institution_code: string | null;
    address_token: Buffer | null;
    address_cipher: Buffer | null;
    active: boolean;
    request_id: string;
    created_at: Created;
  };
  mapper_request: {
    id: string;
    source_id: string;
    operation: string;
    request_id: string;
    content_hash: string;
    record_count: number;
    failures_cipher: Buffer | null;
    failure_count: Generated<number>;
    caller: string;
    created_at: Created;
  };
  account_check: {
    version_id: string;
    rail_id: string;
    reason_code: string | null;
    amount: Int8;
    checked_at: Instant;
  };
  batch: {
    id: string;
    purpose: 'payment' | 'validation';
    source_id: string;
    programme_id: string | null;
    client_batch_id: string;
    request_id: string | null;
    request_hash: string;
    currency: string;
    instruction_count: number;
    total_amount: Int8;
    valid_count: number | null;
    valid_amount: Int8 | null;
    content_hash: string | null;
    fee_amount: Generated<string>;
    possible_duplicates: Generated<number>;
    state: BatchState;
    reason: string | null;
    maker_application: string;
    maker_person: string | null;
    not_before: Instant | null;
    callback_target: Json<CallbackTarget> | null;
    progress_told: Generated<number>;
    funds_authorised_at: Instant | null;
    dispatch_paused_at: Instant | null;
    stopped_at: Generated<string | null>;
    priority: Generated<number>;
    correlation_id: string;
    lease_token: string | null;
    lease_until: Instant | null;
    failures: Generated<number>;
    next_at: DefaultInstant;
    created_at: Created;
    updated_at: DefaultInstant;
    completed_at: Instant | null;
    submission_id: ColumnType<string | null, string | undefined, never>;
    part: ColumnType<number | null, number | undefined, never>;
    combine_payments: Generated<boolean>;
    stagger_payees: ColumnType<number | null, number | null | undefined, never>;
    stagger_seconds: ColumnType<number | null, number | null | undefined, never>;
  };
  combined_instruction: { instruction_id: string; leader_id: string };
  batch_event: {
    id: Generated<string>;
    batch_id: string;
    from_state: string | null;
    to_state: string;
    reason: string | null;
    actor: string;
    at: Created;
  };
  approval: {
    batch_id: string;
    decision: 'approved' | 'rejected';
    person: string;
    agency: string | null;
    application: string;
    content_hash: string;
    reason: string | null;
    exchange_id: string;
    at: Created;
  };
  approval_signature: {
    batch_id: string;
    token_hash: string;
    token_cipher: Buffer;
    claims: Json<Record<string, unknown>>;
    signature: string;
    at: Created;
  };
  sub_batch: {
    id: string;
    batch_id: string;
    rail_id: string;
    position: number;
    instruction_count: number;
    total_amount: Int8;
    /** Its instructions: those of its rail between two positions of the run. */
    first_position: number;
    last_position: number;
    state: 'queued' | 'sent' | 'settled';
    sends: Generated<number>;
    completed_count: Generated<number>;
    failed_count: Generated<number>;
    next_at: DefaultInstant;
    turn: Generated<string>;
    created_at: Created;
  };
  instruction: {
    id: string;
    batch_id: string;
    purpose: 'payment' | 'validation';
    position: number;
    source_id: string;
    client_id: string;
    payee_token: Buffer;
    payee_cipher: Buffer;
    amount: Int8;
    fee: Generated<string>;
    currency: string;
    narration: string | null;
    retry_of: string | null;
    state: InstructionState;
    reason_code: string | null;
    possible_duplicate: Generated<boolean>;
    version_id: string | null;
    rail_id: string | null;
    sub_batch_id: string | null;
    rail_reference: string | null;
    correlation_id: string;
    created_at: Created;
    updated_at: DefaultInstant;
  };
  instruction_event: {
    id: Generated<string>;
    instruction_id: string;
    from_state: string;
    to_state: string;
    reason_code: string | null;
    at: Created;
  };
  instruction_reference: { rail_reference: string; instruction_id: string };
  attempt: {
    instruction_id: string;
    sub_batch_id: string;
    rail_id: string;
    number: number;
    state: 'open' | 'unknown' | 'succeeded' | 'failed' | 'refused' | 'not-received';
    sent_at: Created;
    next_check_at: Instant;
    checks: Generated<number>;
    answered_at: Instant | null;
    answered_by: string | null;
    reason_code: string | null;
  };
  certificate: { batch_id: string; content: Json<unknown>; hash: string; issued_at: Created };
  callback: {
    id: string;
    source_id: string | null;
    party: string | null;
    headers: Json<Readonly<Record<string, string>>> | null;
    recipient: ColumnType<string, never, never>;
    kind: string;
    target: Json<CallbackTarget>;
    body_cipher: Buffer;
    state: Generated<'waiting' | 'delivered' | 'dead'>;
    attempts: Generated<number>;
    next_at: DefaultInstant;
    last_status: number | null;
    correlation_id: string;
    created_at: Created;
    delivered_at: Instant | null;
    resent_at: ColumnType<string | null, never, Date>;
  };
  rail_notice: {
    rail_id: string;
    event_id: string;
    body: Json<unknown>;
    signature: Json<unknown> | null;
    received_at: Created;
  };
  payment_case: {
    id: string;
    kind: string;
    dedup_key: string;
    batch_id: string | null;
    instruction_id: string | null;
    rail_id: string | null;
    detail: string;
    state: Generated<'open' | 'resolved'>;
    opened_at: Created;
    resolved_at: Instant | null;
    resolved_by: string | null;
    outcome: string | null;
    note: string | null;
  };
  ledger_account: {
    id: string;
    kind: string;
    owner: string;
    currency: string;
    normal_side: 'debit' | 'credit';
    restricted: boolean;
    debits_posted: Int8;
    credits_posted: Int8;
    debits_pending: Int8;
    credits_pending: Int8;
    created_at: Created;
  };
  ledger_transfer: {
    id: string;
    sequence: string;
    type: string;
    debit_account: string;
    credit_account: string;
    currency: string;
    amount: string;
    pending_id: string | null;
    cause: string;
    cause_id: string;
    batch_id: string | null;
    instruction_id: string | null;
    created_at: Created;
  };
  ledger_seal: {
    number: string;
    from_transaction: string;
    to_transaction: string;
    transfers: string;
    previous_hash: string;
    hash: string;
    sealed_at: Created;
  };
  signing_key: { id: string; public_key: Json<JWK>; private_cipher: Buffer; created_at: Created };
}

export type Db = Kysely<PaymentsTables>;
export type Trx = Transaction<PaymentsTables>;

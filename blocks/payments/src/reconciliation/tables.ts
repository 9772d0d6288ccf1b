import type { ColumnType, Generated } from 'kysely';
import type { ItemClass, LineClass } from '../api/reconciliation/classes.ts';
import type { Direction, EntryCode, StatementFormat } from './files/parsed.ts';

type Created = ColumnType<string, never, never>;
type Int8 = ColumnType<string, string | bigint, string | bigint>;
type Instant = ColumnType<string, Date, Date>;
type LaterInstant = ColumnType<string | null, Date | undefined, Date | null>;

export interface ReconciliationTables {
  bank_file: {
    id: string;
    hash: string;
    format: StatementFormat;
    size: number;
    loaded_by: string;
    loaded_at: Created;
  };
  bank_statement: {
    id: string;
    file_id: string;
    account_id: string;
    kind: 'statement' | 'notification';
    statement_id: string;
    currency: string;
    opening: Int8;
    closing: Int8;
    from_at: Instant;
    to_at: Instant;
    entry_count: number;
    continuous: boolean;
    state: Generated<'loaded' | 'matched'>;
    loaded_at: Created;
    matched_at: LaterInstant;
  };
  statement_line: {
    id: string;
    statement_id: string;
    account_id: string;
    position: number;
    direction: Direction;
    amount: string;
    currency: string;
    booked_on: string;
    value_on: string | null;
    entry_reference: string | null;
    end_to_end_id: string | null;
    rail_reference: string | null;
    code: EntryCode | null;
    description_cipher: Buffer | null;
    class: LineClass | null;
    payment_kind: string | null;
    payment_id: string | null;
    batch_id: string | null;
    rail_id: string | null;
    settled: Generated<boolean>;
    transfer_id: string | null;
    pair_id: string | null;
  };
  reconciliation_item: {
    id: string;
    class: ItemClass;
    account_id: string | null;
    line_id: string | null;
    payment_kind: string | null;
    payment_id: string | null;
    batch_id: string | null;
    rail_id: string | null;
    amount: string;
    currency: string;
    detail: string;
    owner: string | null;
    state: Generated<'open' | 'proposed' | 'resolved'>;
    opened_at: Created;
    proposal: ColumnType<unknown, string | null, string | null>;
    proposed_by: string | null;
    proposed_at: LaterInstant;
    resolution: string | null;
    resolved_by: string | null;
    resolved_at: LaterInstant;
    note: string | null;
  };
  reconciliation_proof: {
    id: string;
    account_id: string;
    currency: string;
    statement_id: string;
    ledger_balance: Int8;
    closing_balance: Int8;
    releases_not_seen: Int8;
    credits_open: Int8;
    debits_open: Int8;
    difference: Int8;
    made_at: Created;
  };
  run_reconciliation: { batch_id: string; opened_at: Created; closed_at: LaterInstant };
}

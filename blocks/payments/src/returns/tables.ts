import type { ColumnType, Generated } from 'kysely';

type Instant = ColumnType<string | null, Date | string | null, Date | string | null>;

export interface ReturnTables {
  suspense_entry: {
    id: string;
    kind: 'return' | 'deposit' | 'difference';
    account_id: string;
    amount: string;
    currency: string;
    instruction_id: string | null;
    redemption_id: string | null;
    batch_id: string | null;
    line_id: string | null;
    reason_code: string | null;
    source_id: string | null;
    programme_id: string | null;
    state: Generated<'held' | 'proposed' | 'released'>;
    since: ColumnType<string, never, never>;
    proposed_by: ColumnType<string | null, string | null | undefined, string | null>;
    proposed_at: ColumnType<string | null, never, Date | null>;
    released_by: ColumnType<string | null, never, string>;
    released_at: ColumnType<string | null, never, Date>;
    note: ColumnType<string | null, string | null | undefined, string | null>;
  };
  single_decision_limit: { currency: string; amount: string; set_by: string; updated_at: Instant };
}

import type { ColumnType, Generated } from 'kysely';

type Created = ColumnType<string, never, never>;

export interface AuditTables {
  audit_entry: {
    id: string;
    sequence: Generated<string>;
    component: string;
    action: string;
    subject: string;
    actor: string;
    terminal: string | null;
    outcome: Generated<'succeeded' | 'refused' | 'failed'>;
    detail: ColumnType<unknown, string | undefined, never>;
    sealed: Buffer | null;
    key_id: string | null;
    correlation_id: string;
    at: Created;
  };
  audit_seal: {
    number: string;
    from_transaction: string;
    to_transaction: string;
    entries: string;
    previous_hash: string;
    hash: string;
    sealed_at: Created;
  };
  audit_disclosure: {
    id: string;
    entry_id: string;
    reason: string;
    requested_by: string;
    requested_at: Created;
    decision: 'granted' | 'refused' | null;
    decided_by: string | null;
    decided_at: ColumnType<string, Date | string, Date | string> | null;
  };
}

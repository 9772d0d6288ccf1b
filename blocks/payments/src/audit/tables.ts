import type { ColumnType, Generated } from 'kysely';

export interface AuditTables {
  audit_entry: {
    id: string;
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
    at: ColumnType<string, never, never>;
  };
}

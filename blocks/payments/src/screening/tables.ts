import type { ColumnType, Generated } from 'kysely';

type Created = ColumnType<string, never, never>;

export interface ScreeningTables {
  screening_check: {
    id: string;
    name: string;
    kind: 'kyc' | 'aml' | 'sanctions' | 'deceased' | 'account-status' | 'other';
    service: string;
    source_id: string | null;
    programme_id: string | null;
    on_hit: 'reject' | 'review';
    sends_account: boolean;
    timeout_seconds: number;
    active: boolean;
    created_at: Created;
    updated_at: ColumnType<string, Date | string | undefined, Date | string>;
  };
  screening_result: {
    instruction_id: string;
    check_id: string;
    version_id: string;
    hit: boolean;
    on_hit: 'reject' | 'review';
    reason_code: string | null;
    at: Created;
  };
  screening_review: {
    id: string;
    batch_id: string;
    instruction_id: string;
    check_id: string;
    version_id: string;
    reason_code: string | null;
    state: Generated<'open' | 'released' | 'rejected'>;
    opened_at: Created;
    decided_by: string | null;
    decided_at: ColumnType<string, Date | string, Date | string> | null;
    note: string | null;
  };
}

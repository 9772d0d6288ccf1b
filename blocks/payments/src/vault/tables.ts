import type { ColumnType } from 'kysely';

export interface VaultTables {
  vault_key: {
    number: number;
    provider: string;
    fingerprint: string | null;
    created_by: string;
    reason: string;
    created_at: ColumnType<string, never, never>;
  };
}

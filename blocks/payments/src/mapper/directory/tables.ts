import type { ColumnType } from 'kysely';

type Instant = ColumnType<string, Date | string, Date | string>;

export interface DirectoryTables {
  mapper_directory: {
    source_id: string;
    service: string;
    valid_seconds: number;
    updated_at: ColumnType<string, Date | string | undefined, Date | string>;
  };
  directory_answer: { source_id: string; payee_token: Buffer; valid_until: Instant };
}

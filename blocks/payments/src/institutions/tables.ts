import type { ColumnType } from 'kysely';

type Created = ColumnType<string, never, never>;

export interface InstitutionTables {
  institution: {
    code: string;
    name: string;
    member: string;
    active: boolean;
    created_at: Created;
    updated_at: ColumnType<string, Date | string | undefined, Date | string>;
  };
  institution_upload: {
    institution_code: string;
    upload_id: string;
    content_hash: string;
    results: number;
    actor: string;
    at: Created;
  };
}

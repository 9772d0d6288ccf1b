import type { ColumnType, Generated } from 'kysely';

type Created = ColumnType<string, never, never>;
type DefaultInstant = ColumnType<string, Date | string | undefined, Date | string>;

export interface PayerTables {
  payer_institution: {
    id: string;
    application: string;
    name: string;
    bic: string | null;
    service: string | null;
    active: Generated<boolean>;
    created_at: Created;
    updated_at: DefaultInstant;
  };
  payer_alias: {
    alias_type: string;
    alias_token: Buffer;
    payer_id: string;
    address_cipher: Buffer | null;
    created_at: Created;
    updated_at: DefaultInstant;
  };
}

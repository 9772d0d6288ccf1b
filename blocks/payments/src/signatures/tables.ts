import type { JWK } from 'jose';
import type { ColumnType } from 'kysely';

type Json<T> = ColumnType<T, string, string>;
type Created = ColumnType<string, never, never>;

export interface SignatureTables {
  request_signing: {
    source_id: string;
    required: boolean;
    keys: Json<JWK[]>;
    updated_at: ColumnType<string, Date | string | undefined, Date | string>;
  };
  signed_request: {
    source_id: string;
    signature_id: string;
    operation: string;
    key: Json<JWK>;
    protected: string;
    signature: string;
    body_hash: string;
    exchange_id: string;
    received_at: Created;
  };
}

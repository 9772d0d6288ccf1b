import type { ColumnType } from 'kysely';

type Instant = ColumnType<string | null, Date | string | null | undefined, Date | string | null>;

export interface RailFileTables {
  rail_file: {
    id: string;
    rail_id: string;
    direction: 'out' | 'in';
    message_id: string;
    sub_batch_id: string | null;
    number: number | null;
    transfer_count: number;
    currency: string | null;
    control_sum: ColumnType<string | null, string | bigint | null, never>;
    content_cipher: Buffer;
    content_hash: string;
    created_at: ColumnType<string, never, never>;
    fetched_at: Instant;
    fetched_by: string | null;
  };
  rail_file_entry: { rail_id: string; reference: string; file_id: string };
}

import type { ColumnType, Generated } from 'kysely';
import type { CallbackTarget } from '../callbacks/target.ts';

type Instant = ColumnType<string, Date | string, Date | string>;
type DefaultInstant = ColumnType<string, Date | string | undefined, Date | string>;

export interface SubmissionTables {
  submission: {
    id: string;
    source_id: string;
    programme_id: string;
    client_id: string;
    state: 'receiving' | 'received' | 'split';
    request_hash: string | null;
    currency: string | null;
    staged_count: Generated<number>;
    instruction_count: number | null;
    total_amount: string | null;
    part_size: number | null;
    maker_application: string;
    maker_person: string | null;
    not_before: Instant | null;
    callback_target: ColumnType<CallbackTarget | null, string | null, string | null>;
    correlation_id: string;
    created_at: DefaultInstant;
    touched_at: DefaultInstant;
  };
  submission_row: {
    submission_id: string;
    position: number;
    id: string;
    client_id: string;
    payee_token: Buffer;
    payee_cipher: Buffer;
    amount: string;
    narration: string | null;
  };
}

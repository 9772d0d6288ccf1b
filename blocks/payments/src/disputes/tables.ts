import type { ColumnType, Generated } from 'kysely';
import type { DisputeParty, DisputeReason, DisputeState } from './states.ts';

type Instant = ColumnType<string, Date | string, Date | string>;
type Created = ColumnType<string, never, never>;

export interface DisputeTables {
  dispute: {
    id: string;
    instruction_id: string;
    source_id: string;
    batch_id: string;
    opened_by_party: DisputeParty;
    opened_by: string;
    opened_by_application: string;
    opened_by_person: ColumnType<string | null, never, never>;
    client_id: string;
    content_hash: string;
    reason: DisputeReason;
    state: Generated<DisputeState>;
    outcome: 'upheld' | 'rejected' | null;
    assigned_to: string | null;
    case_id: string | null;
    deadline: Instant;
    opened_at: Created;
    closed_at: Instant | null;
  };
  dispute_entry: {
    id: string;
    dispute_id: string;
    kind: 'opened' | 'comment' | 'assigned' | 'moved';
    from_state: string | null;
    to_state: string | null;
    actor: string;
    text_cipher: Buffer | null;
    refs: string[];
    at: Created;
  };
}

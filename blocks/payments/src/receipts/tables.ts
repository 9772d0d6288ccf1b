import type { ColumnType } from 'kysely';

type Created = ColumnType<string, never, never>;

export interface ReceiptTables {
  receipt: {
    instruction_id: string;
    number: string;
    source_id: string;
    programme_id: string;
    batch_id: string;
    client_id: string;
    payee_token: Buffer;
    amount: string;
    currency: string;
    narration: string | null;
    rail_id: string;
    rail_reference: string | null;
    payer: { readonly programme: string; readonly agency: string; readonly institution: string };
    paid_at: string;
    turnaround_ms: string | null;
    hash: string;
  };
  receipt_acknowledgement: {
    instruction_id: string;
    party: 'payee' | 'source' | 'officer';
    actor: string;
    hash: string;
    at: Created;
  };
}

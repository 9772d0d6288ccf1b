import type { Generated } from 'kysely';

export type ImportState =
  | 'uploading'
  | 'waiting'
  | 'reading'
  | 'checking'
  | 'writing'
  | 'finished'
  | 'checked'
  | 'refused'
  | 'failed'
  | 'cancelled'
  | 'undoing'
  | 'undone';
export type ImportPhase = 'reading' | 'checking' | 'writing' | 'undoing';
export type FileFormat = 'csv' | 'xlsx' | 'json' | 'ndjson';
export type ExportState = 'waiting' | 'working' | 'finished' | 'failed' | 'cancelled';

export interface TransferTables {
  transfer_import: {
    id: string;
    owner: string;
    registry_id: string;
    code: string;
    version: string;
    format: FileFormat;
    mode: 'all-or-nothing' | 'good-rows';
    upsert_by: string[];
    dry_run: boolean;
    options: unknown;
    mapping: unknown;
    state: Generated<ImportState>;
    phase: Generated<ImportPhase>;
    failure: Generated<string | null>;
    reader: unknown;
    application: string;
    person: string | null;
    parts: Generated<number>;
    rows_read: Generated<string>;
    rows_faulty: Generated<string>;
    rows_created: Generated<string>;
    rows_changed: Generated<string>;
    rows_unchanged: Generated<string>;
    rows_undone: Generated<string>;
    rows_kept: Generated<string>;
    per_second: Generated<number>;
    faults: Generated<string>;
    written_to: Generated<string>;
    created_at: string;
    started_at: Generated<string | null>;
    ended_at: Generated<string | null>;
    content_until: string;
  };
  transfer_fault: {
    import_id: string;
    number: Generated<string>;
    row: string;
    field: string;
    detail: string;
    value: string | null;
  };
  transfer_chunk: {
    import_id: string;
    number: number;
    first_seq: string;
    last_seq: string;
    exchange_id: string;
  };
  transfer_export: {
    id: string;
    owner: string;
    registry_id: string;
    code: string;
    version: string;
    format: FileFormat;
    selection: unknown;
    state: Generated<ExportState>;
    failure: Generated<string | null>;
    reader: unknown;
    application: string;
    person: string | null;
    rows: Generated<string>;
    parts: Generated<number>;
    bytes: Generated<string>;
    place: Generated<string | null>;
    progress: Generated<unknown>;
    created_at: string;
    ended_at: Generated<string | null>;
    content_until: string;
  };
  transfer_part: { transfer_id: string; number: number; bytes: number; sha256: Buffer; content: Buffer };
}

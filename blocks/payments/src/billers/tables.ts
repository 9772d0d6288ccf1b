import type { ColumnType, Generated } from 'kysely';
import type { BillOutcome } from '../bills/tables.ts';
import type { AggregatorSettings } from './aggregator.ts';
import type { BillIdCheck } from './bill-id.ts';
import type { ProposedSettings } from './settings.ts';

type Json<T> = ColumnType<T, string, string>;
type Created = ColumnType<string, never, never>;
type DefaultInstant = ColumnType<string, Date | string | undefined, Date | string>;

export interface BillerTables {
  aggregator: {
    id: string;
    name: string;
    application: string;
    service: string;
    active: Generated<boolean>;
    created_at: Created;
    updated_at: DefaultInstant;
  };
  aggregator_proposal: {
    id: string;
    aggregator_id: string;
    settings: Json<AggregatorSettings>;
    state: Generated<'proposed' | 'approved' | 'rejected'>;
    proposed_by: string;
    proposed_by_application: string;
    decided_by: string | null;
    reason: string | null;
    created_at: Created;
    decided_at: string | Date | null;
  };
  biller: {
    id: string;
    prefix: string;
    name: string;
    short_name: string;
    agency: string;
    aggregator_id: string | null;
    application: string;
    service: string;
    group_code: string;
    currency: string;
    bill_id_length: number;
    bill_id_check: BillIdCheck;
    part_payment: boolean;
    status_codes: Json<Readonly<Record<string, BillOutcome>>>;
    inquiry_timeout_seconds: number;
    disclaimer: string | null;
    institution: string;
    account_cipher: Buffer;
    suspended_at: string | Date | null;
    created_at: Created;
    updated_at: DefaultInstant;
  };
  biller_proposal: {
    id: string;
    biller_id: string | null;
    settings: Json<ProposedSettings>;
    account_cipher: Buffer;
    state: Generated<'proposed' | 'approved' | 'rejected'>;
    proposed_by: string;
    proposed_by_application: string;
    agency: string;
    decided_by: string | null;
    reason: string | null;
    created_at: Created;
    decided_at: string | Date | null;
  };
}

import type { ColumnType } from 'kysely';

export interface ReportingTables {
  'reporting.run': {
    batch_id: string;
    source_id: string;
    source_name: string;
    programme_id: string;
    programme_name: string;
    agency: string;
    institution_id: string;
    currency: string;
    state: string;
    payments: number;
    amount: string;
    handed_over_at: string;
    completed_at: string | null;
    refreshed_at: ColumnType<string, never, never>;
  };
  'reporting.result': {
    batch_id: string;
    day: string;
    rail: string | null;
    institution: string | null;
    state: string;
    reason: string | null;
    payments: number;
    amount: string;
    turnaround_sum: string;
    turnaround_max: string;
    turnaround_breaches: number;
  };
}

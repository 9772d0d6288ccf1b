import type { ColumnType } from 'kysely';

export interface SettlementTables {
  settlement: {
    id: string;
    rail_id: string;
    currency: string;
    business_day: string;
    paid_count: number;
    paid_amount: string;
    returned_count: number;
    returned_amount: string;
    fee_amount: string;
    closed_by: string;
    closed_at: ColumnType<string, never, never>;
    settled_at: ColumnType<string | null, Date | undefined, Date>;
  };
}

import type { ColumnType } from 'kysely';

/** A band of a schedule; amounts in minor units as whole numbers, as they stand in the database. */
export interface FeeBand {
  /** Amounts up to this one; absent: all. */
  readonly upTo?: number;
  readonly flat: number;
  /** Share of the amount in millionths. */
  readonly perMillion: number;
  readonly minimum?: number;
  readonly maximum?: number;
}

export interface FeeTables {
  fee_schedule: {
    id: string;
    rail_id: string;
    modality: string;
    currency: string;
    version: number;
    bands: ColumnType<readonly FeeBand[], string, never>;
    valid_from: ColumnType<string, Date | string, never>;
    valid_to: ColumnType<string | null, Date | string | null, never>;
    created_by: string;
    created_at: ColumnType<string, never, never>;
  };
  run_fee: { batch_id: string; schedule_id: string; count: number; amount: string };
}

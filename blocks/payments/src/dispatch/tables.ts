import type { ColumnType } from 'kysely';

type DefaultInstant = ColumnType<string, Date | string | undefined, Date | string>;
type Instant = ColumnType<string | null, Date | string | null | undefined, Date | string | null>;

export interface DispatchTables {
  rail_traffic: {
    rail_id: string;
    next_at: DefaultInstant;
    faults: ColumnType<number, number | undefined, number>;
    rest_until: Instant;
    probe_until: Instant;
  };
}

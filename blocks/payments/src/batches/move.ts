import { type RawBuilder, sql } from 'kysely';
import type { Trx } from '../tables.ts';
import type { BatchState } from './states.ts';

/** Takes a batch into another state and keeps who did it and why. The database refuses a move that is not allowed. */
export async function moveBatch(
  trx: Trx,
  batchId: string,
  to: BatchState,
  by: {
    readonly actor: string;
    readonly reason?: string;
    readonly set?: RawBuilder<unknown>;
    readonly nextAt?: RawBuilder<unknown>;
  },
): Promise<void> {
  await sql`
    with before as (
      select b.id, b.state from batch b where b.id = ${batchId} for update
    ),
    moved as (
      update batch b
      set state = ${to},
          reason = ${by.reason ?? null},
          lease_token = null,
          lease_until = null,
          failures = 0,
          next_at = ${by.nextAt ?? sql`now()`},
          updated_at = now()
          ${by.set ? sql`, ${by.set}` : sql``}
      from before
      where b.id = before.id
      returning b.id
    )
    insert into batch_event (batch_id, from_state, to_state, reason, actor)
    select before.id, before.state, ${to}, ${by.reason ?? null}, ${by.actor}
    from before
    join moved on moved.id = before.id`.execute(trx);
}

/** The actor of moves that follow from the rules, not from a person. */
export const engineActor = 'payments';

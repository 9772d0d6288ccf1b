import { transaction } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import type { Logger } from 'pino';
import type { Json } from '../feel/json.ts';
import { engineActor } from '../history/actor.ts';
import { type Aftermath, applyEvents, type Engine, type Happening } from '../instances/apply.ts';
import type { Handover } from '../instances/write-jobs.ts';
import { isOutage } from '../jobs/completions.ts';
import { startBySignal } from '../starts/signal-start.ts';
import type { WorkflowTables } from '../tables.ts';

/** Deliveries in one transaction. */
const batchSize = 50;

export interface SignalsOptions {
  readonly db: Kysely<WorkflowTables>;
  readonly engine: Engine;
  readonly log: Logger;
  readonly handover: () => Handover | undefined;
  readonly after: (aftermath: Aftermath) => void;
}

interface Delivery {
  id: string;
  instance_id: string | null;
  subscription_id: string | null;
  owner: string | null;
  process_key: string | null;
  element_id: string | null;
  payload: Json;
  depth: number;
}

/** Takes deliveries off the list and lets them happen, in one transaction; those another node has are passed over. */
const deliver = (options: SignalsOptions, ids: readonly string[]): Promise<readonly Aftermath[]> =>
  transaction(options.db, async (trx) => {
    const { rows } = await sql<Delivery>`
      with taken as (
        select id
        from signal_delivery
        where id = any (${ids}::bigint[])
        for update skip locked
      )
      delete from signal_delivery
      using taken
      where signal_delivery.id = taken.id
      returning signal_delivery.id, instance_id, subscription_id, owner, process_key, element_id, payload, depth`.execute(
      trx,
    );
    const { engine } = options;
    const actor = engineActor(engine.application);
    const happenings: Happening[] = [];
    const aftermaths: Aftermath[] = [];
    for (const row of rows.toSorted((a, b) => Number(a.id) - Number(b.id))) {
      const { payload, depth } = row;
      if (row.instance_id !== null) {
        happenings.push({
          instanceId: row.instance_id,
          event: { type: 'triggered', subscriptionId: row.subscription_id as string, payload },
          actor,
          depth,
        });
        continue;
      }
      const started = await startBySignal(trx, engine, {
        owner: row.owner as string,
        processKey: row.process_key as string,
        elementId: row.element_id as string,
        payload,
        depth,
      });
      if (started) aftermaths.push(started);
    }
    if (happenings.length > 0) {
      aftermaths.push(await applyEvents(trx, engine, happenings, options.handover()));
    }
    return aftermaths;
  });

/**
 * Delivers signals that are on their way, each exactly once: the row goes in the transaction in which the signal
 * happens. Answers whether there may be more. One that cannot be written is given up, so that it does not hold the
 * others back.
 */
export async function deliverSignals(options: SignalsOptions): Promise<boolean> {
  const { db, log } = options;
  const rows = await db.selectFrom('signal_delivery').select('id').orderBy('id').limit(batchSize).execute();
  const pass = async (ids: readonly string[]): Promise<void> => {
    try {
      for (const aftermath of await deliver(options, ids)) options.after(aftermath);
    } catch (error) {
      if (isOutage(error)) throw error;
      if (ids.length > 1) {
        for (const id of ids) await pass([id]);
        return;
      }
      log.error({ err: error, delivery: ids[0] }, 'a signal could not be delivered');
      await db.deleteFrom('signal_delivery').where('id', 'in', ids).execute();
    }
  };
  if (rows.length > 0) await pass(rows.map((row) => row.id));
  return rows.length === batchSize;
}

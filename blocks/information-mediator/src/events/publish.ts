import { applicationOf, type MediatorPort, newContext, withContext } from '@govstack/platform';
import type { CloudEvent } from '@govstack/platform/operation';
import { type Kysely, sql } from 'kysely';
import type { Logger } from 'pino';
import type { MediatorTables } from '../directory/tables.ts';

/** Stores an event and one delivery per subscriber, once per (source, id). */
export async function storeEvent(db: Kysely<MediatorTables>, event: CloudEvent): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const fresh = await sql`
      insert into event (source, id, type, subject, document)
      values (${event.source}, ${event.id}, ${event.type}, ${event.subject ?? null}, ${JSON.stringify(event)}::jsonb)
      on conflict on constraint event_pkey do nothing`.execute(trx);
    if (fresh.numAffectedRows !== 1n) return;
    await sql`
      insert into delivery (source, event_id, subscriber)
      select ${event.source}, ${event.id}, subscriber
      from subscription
      where event_type = ${event.type}`.execute(trx);
  });
}

interface DeliveryRow {
  source: string;
  event_id: string;
  subscriber: string;
  attempts: number;
  document: CloudEvent;
}

const maxAttempts = 20;
const leaseSeconds = 60;
const batch = 32;

/** Takes due deliveries for this node; a node that dies holding them loses them after the lease. */
async function lease(db: Kysely<MediatorTables>): Promise<DeliveryRow[]> {
  const { rows } = await sql<DeliveryRow>`
    with due as (
      select source, event_id, subscriber
      from delivery
      where state = 'waiting' and next_at <= now()
      order by seq
      limit ${batch}
      for update skip locked
    )
    update delivery d
    set attempts = d.attempts + 1, next_at = now() + make_interval(secs => ${leaseSeconds})
    from due, event e
    where d.source = due.source and d.event_id = due.event_id and d.subscriber = due.subscriber
      and e.source = d.source and e.id = d.event_id
    returning d.source, d.event_id, d.subscriber, d.attempts, e.document`.execute(db);
  return rows;
}

/** Delivers waiting events until stopped: at least once, with growing delay, then set aside as dead. */
export function startDelivery(
  db: Kysely<MediatorTables>,
  exchange: MediatorPort['exchange'],
  log: Logger,
): { wake(): void; stop(): Promise<void> } {
  let stopped = false;
  let wakeUp: (() => void) | undefined;
  let timer: NodeJS.Timeout | undefined;
  let woken = false;
  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      if (woken) return resolve();
      wakeUp = resolve;
      timer = setTimeout(resolve, ms);
    });

  async function deliver(row: DeliveryRow): Promise<void> {
    const context = newContext({
      correlationId: row.document.correlationid,
      traceparent: row.document.traceparent,
    });
    const response = await withContext(context, () =>
      exchange({
        client: applicationOf(`${row.source}/events-v1`),
        service: `${row.subscriber}/events-v1`,
        method: 'POST',
        path: '/events',
        headers: {
          'content-type': 'application/json',
          'x-correlation-id': context.correlationId,
          traceparent: context.traceparent,
        },
        body: JSON.stringify(row.document),
      }),
    );
    const done = response.status >= 200 && response.status < 300;
    const dead = !done && row.attempts >= maxAttempts;
    const delay = Math.min(3600, 2 ** Math.min(row.attempts, 11));
    await sql`
      update delivery
      set state = ${done ? 'delivered' : dead ? 'dead' : 'waiting'},
        next_at = now() + make_interval(secs => ${done ? 0 : delay}),
        last_error = ${done ? null : `status ${response.status} ${response.headers['x-road-error'] ?? ''}`}
      where source = ${row.source} and event_id = ${row.event_id} and subscriber = ${row.subscriber}`.execute(
      db,
    );
    if (dead) log.error({ event: row.event_id, subscriber: row.subscriber }, 'event could not be delivered');
  }

  const loop = async (): Promise<void> => {
    while (!stopped) {
      try {
        woken = false;
        const rows = await lease(db);
        await Promise.all(
          rows.map((row) => deliver(row).catch((error: unknown) => log.warn({ err: error }, 'delivery'))),
        );
        if (rows.length === 0 && !stopped) await pause(300);
      } catch (error) {
        if (stopped) return;
        log.warn({ err: error }, 'deliveries could not be read');
        await pause(1000);
      }
    }
  };
  const running = loop();
  return {
    wake() {
      woken = true;
      wakeUp?.();
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      wakeUp?.();
      await running;
    },
  };
}

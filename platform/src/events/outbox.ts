import { type Kysely, sql, type Transaction } from 'kysely';
import type { Logger } from 'pino';
import type { Static, TSchema } from 'typebox';
import type { ApplicationId } from '../caller/caller.ts';
import { newId } from '../context/ids.ts';
import { currentContext, newContext, withContext } from '../context/request-context.ts';
import type { MediatorPort } from '../mediation/port.ts';
import type { CloudEvent, EventSpec } from './cloud-event.ts';

/**
 * Announces a fact in the same transaction as the change it tells of: both happen or neither.
 * `subject` names the thing by id. Answers the event id.
 */
export async function announce<DB, T extends TSchema>(
  trx: Transaction<DB>,
  event: EventSpec<T>,
  fact: { readonly subject?: string; readonly data: Static<T>; readonly at?: Date },
): Promise<string> {
  const id = newId();
  const context = currentContext() ?? newContext();
  await sql`
    insert into platform.outbox (id, type, subject, data, correlation_id, traceparent, occurred_at)
    values (${id}, ${event.type}, ${fact.subject ?? null}, ${JSON.stringify(fact.data)}::jsonb,
      ${context.correlationId}, ${context.traceparent}, ${(fact.at ?? new Date()).toISOString()})`.execute(
    trx,
  );
  return id;
}

interface OutboxRow {
  id: string;
  type: string;
  subject: string | null;
  data: unknown;
  correlation_id: string;
  traceparent: string;
  occurred_at: string;
}

const toEvent = (source: ApplicationId, row: OutboxRow): CloudEvent => ({
  specversion: '1.0',
  id: row.id,
  source,
  type: row.type,
  ...(row.subject === null ? {} : { subject: row.subject }),
  time: row.occurred_at,
  datacontenttype: 'application/json',
  correlationid: row.correlation_id,
  traceparent: row.traceparent,
  data: row.data,
});

const batchSize = 100;

/**
 * Hands waiting facts to the mediator, in order of announcement per node. A row leaves only after the mediator has
 * stored the event, so a crash anywhere repeats a hand-over (which the mediator recognises) and loses none.
 * Answers how many were handed over.
 */
export async function relayOutbox<DB>(
  db: Kysely<DB>,
  source: ApplicationId,
  mediator: Pick<MediatorPort, 'publish'>,
): Promise<number> {
  return db.transaction().execute(async (trx) => {
    const waiting = await sql<OutboxRow>`
      select id, type, subject, data, correlation_id, traceparent, occurred_at
      from platform.outbox
      order by id
      limit ${batchSize}
      for update skip locked`.execute(trx);
    if (waiting.rows.length === 0) return 0;
    for (const row of waiting.rows) {
      const context = newContext({ correlationId: row.correlation_id, traceparent: row.traceparent });
      await withContext(context, () => mediator.publish(source, toEvent(source, row)));
    }
    await sql`
      delete from platform.outbox
      where id = any(${waiting.rows.map((row) => row.id)}::uuid[])`.execute(trx);
    return waiting.rows.length;
  });
}

/** Relays continuously until stopped. A mediator that is down delays facts; it never loses them. */
export function startOutboxRelay<DB>(
  db: Kysely<DB>,
  source: ApplicationId,
  mediator: Pick<MediatorPort, 'publish'>,
  log: Logger,
  pollMs = 300,
): { stop(): Promise<void> } {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let wake: (() => void) | undefined;
  let failures = 0;
  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
      timer = setTimeout(resolve, ms);
    });
  const loop = async (): Promise<void> => {
    while (!stopped) {
      try {
        const relayed = await relayOutbox(db, source, mediator);
        failures = 0;
        if (relayed === 0 && !stopped) await pause(pollMs);
      } catch (error) {
        if (stopped) return;
        failures += 1;
        log.warn({ err: error, failures }, 'events could not be handed to the mediator; will try again');
        await pause(Math.min(30_000, pollMs * 2 ** Math.min(failures, 8)));
      }
    }
  };
  const running = loop();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      wake?.();
      await running;
    },
  };
}

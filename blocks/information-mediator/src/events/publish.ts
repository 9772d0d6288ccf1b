import { transaction } from '@govstack/platform';
import type { CloudEvent } from '@govstack/platform/operation';
import { type Kysely, sql } from 'kysely';
import type { MediatorTables } from '../tables.ts';

/**
 * Stores an event and one delivery for each subscriber, once per source and id (IM-6.5-g). Answers whether it was new.
 * Events of one source about one subject keep their order for each subscriber.
 */
export const storeEvent = (db: Kysely<MediatorTables>, event: CloudEvent): Promise<boolean> =>
  transaction(db, async (trx) => {
    const stored = await sql`
      insert into event (source, id, type, subject, document)
      values (${event.source}, ${event.id}, ${event.type}, ${event.subject ?? null}, ${JSON.stringify(event)}::json)
      on conflict on constraint event_pkey do nothing`.execute(trx);
    if (stored.numAffectedRows !== 1n) return false;
    await sql`
      insert into delivery (source, event_id, event_type, subscriber, ordering_key)
      select ${event.source}, ${event.id}, ${event.type}, subscriber,
        ${event.subject === undefined ? null : `${event.source} ${event.subject}`}
      from subscription
      where source = ${event.source} and event_type = ${event.type} and not room`.execute(trx);
    return true;
  });

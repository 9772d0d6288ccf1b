import { type ImplementedSurface, implement, notFound } from '@govstack/platform';
import type { Kysely } from 'kysely';
import type { Directory } from '../../directory/directory.ts';
import type { RetryPolicy } from '../../events/delivery.ts';
import { retryDefault } from '../../events/due.ts';
import { listRooms, putRoom } from '../../rooms/rooms.ts';
import { attemptsOf, roomSubscriptions, searchEvents } from '../../rooms/search.ts';
import { replay } from '../../rooms/subscriptions.ts';
import type { MediatorTables } from '../../tables.ts';
import { assertAuthority, authorityOf, type Governance } from '../authority.ts';
import { page, pageOf } from '../paging.ts';
import type { Who } from '../who.ts';
import { mediatorRooms } from './administration-operations.ts';
import { subscriptionItem } from './handlers.ts';
import { deliveryItem } from './schemas.ts';

export interface RoomAdministration {
  readonly db: Kysely<MediatorTables>;
  readonly directory: Directory;
  readonly governance: Governance;
  /** As the settings say. */
  readonly policy: RetryPolicy;
  readonly wake: () => void;
}

export function administerRooms({
  db,
  directory,
  governance,
  policy,
  wake,
}: RoomAdministration): ImplementedSurface {
  const authority = ({ caller, person }: Who) => authorityOf(governance, caller, person);
  const over = (who: Who, id: string): void => assertAuthority(authority(who), id);

  return implement(mediatorRooms, {
    async putRoom({ params: { room }, ...who }) {
      over(who, room);
      if (!directory.application(room)) throw notFound('This application');
      await putRoom(db, room, who.person?.id ?? who.caller.application);
      await directory.refresh();
      return { status: 204 };
    },
    async listRooms({ query, ...who }) {
      const held = authority(who);
      const request = pageOf(query);
      const rooms = await listRooms(db, { part: held.kind === 'all' ? undefined : held.id, ...request });
      return { status: 200, body: page(rooms, request, ({ application }) => application) };
    },
    async listRoomSubscriptions({ params: { room }, query: { eventType, ...paging }, ...who }) {
      over(who, room);
      const request = pageOf(paging);
      const rows = await roomSubscriptions(db, room, eventType, request);
      const { items, nextPageToken } = page(rows, request, (row) => `${row.event_type} ${row.subscriber}`);
      return {
        status: 200,
        body: {
          items: items.map((row) => ({
            ...subscriptionItem(row),
            subscriber: row.subscriber,
            waiting: Number(row.waiting),
            dead: Number(row.dead),
          })),
          ...(nextPageToken === undefined ? {} : { nextPageToken }),
        },
      };
    },
    async searchEvents({ params: { room }, query: { pageSize, pageToken, ...filter }, ...who }) {
      over(who, room);
      const request = pageOf({
        ...(pageSize === undefined ? {} : { pageSize }),
        ...(pageToken === undefined ? {} : { pageToken }),
      });
      const found = await searchEvents(db, room, filter, request);
      const { items, nextPageToken } = page(found, request, ({ event }) => `${event.place} ${event.id}`);
      return {
        status: 200,
        body: {
          items: items.map(({ event, deliveries }) => ({
            id: event.id,
            sequence: Number(event.sequence ?? 0),
            eventType: event.type,
            publisher: event.publisher ?? '',
            receivedAt: event.received_at,
            deliveries: deliveries.map(deliveryItem),
          })),
          ...(nextPageToken === undefined ? {} : { nextPageToken }),
        },
      };
    },
    async listAttempts({ params: { room, eventId }, ...who }) {
      over(who, room);
      return { status: 200, body: { items: await attemptsOf(db, room, eventId) } };
    },
    async replayEvents({ params: { room }, body: { from, ...subscription }, ...who }) {
      over(who, room);
      const events = await replay(db, { room, ...subscription }, from);
      wake();
      return { status: 200, body: { events } };
    },
    async getRetryDefault(who) {
      authority(who);
      const { leaseMs: _, ...merged } = { ...policy, ...(await retryDefault(db)) };
      return { status: 200, body: merged };
    },
    async putRetryDefault({ body, ...who }) {
      over(who, governance.application);
      const wanted = JSON.stringify(body);
      await db
        .insertInto('retry_default')
        .values({ policy: wanted })
        .onConflict((found) => found.column('one').doUpdateSet({ policy: wanted }))
        .execute();
      return { status: 204 };
    },
  });
}

import {
  applicationOf,
  badRequest,
  type Caller,
  conflict,
  type ImplementedSurface,
  implement,
  memberOf,
  newId,
  notFound,
} from '@govstack/platform';
import type { Static } from '@govstack/platform/operation';
import type { Kysely } from 'kysely';
import type { Directory } from '../../directory/directory.ts';
import { secretContext } from '../../events/message.ts';
import { deleteSubscription } from '../../events/subscriptions.ts';
import { findEvent, publishEvent, stopEvent } from '../../rooms/publish.ts';
import { acknowledge, nextEvent } from '../../rooms/pull.ts';
import { addEventType, findEventType, listEventTypes, removeEventType } from '../../rooms/rooms.ts';
import { openSchemas } from '../../rooms/schemas.ts';
import {
  addSubscription,
  changeSubscription,
  findSubscription,
  type Retry,
  type RoomSubscription,
  type SubscriptionRow,
  subscriptionsOf,
} from '../../rooms/subscriptions.ts';
import type { MediatorTables } from '../../tables.ts';
import { roomApi, roomPub, roomPull } from './operations.ts';
import { deliveryItem, partyOf, type SubscriptionBody } from './schemas.ts';

export interface RoomServices {
  readonly db: Kysely<MediatorTables>;
  readonly directory: Directory;
  /** Whether an application is served by another server. */
  readonly elsewhere: (application: string) => boolean;
  readonly seal: (plain: Buffer, context: string) => Buffer;
  readonly wake: () => void;
}

const defaultTtl = 3600;
const secretOf = (text: string): Buffer => Buffer.from(text.slice('whsec_'.length), 'base64');

/** A subscription as it is shown. */
export function subscriptionItem(row: SubscriptionRow) {
  const retry = row.retry as Retry | null;
  return {
    id: row.id,
    subscriberId: partyOf(row.subscriber),
    eventType: row.event_type,
    delivery: row.delivery,
    state: row.suspended_at === null ? ('ACTIVE' as const) : ('SUSPENDED' as const),
    options: {
      TTL: row.ttl_seconds ?? defaultTtl,
      FIFO: row.fifo,
      signed: row.secret !== null,
      ...(row.endpoint === null ? {} : { endpoint: row.endpoint }),
      ...(row.max_queue === null ? {} : { maxQueue: row.max_queue }),
      ...(retry ? { retry } : {}),
    },
  };
}

const eventItem = (event: {
  readonly id: string;
  readonly sequence: string | null;
  readonly publisher: string | null;
  readonly type: string;
  readonly document: unknown;
}) => ({
  id: event.id,
  sequence: Number(event.sequence ?? 0),
  publisherId: partyOf(event.publisher ?? ''),
  eventType: event.type,
  event: event.document as Record<string, unknown>,
});

/** The services of rooms; the room is the application through whose service the caller came. */
export function serveRooms({ db, directory, elsewhere, seal, wake }: RoomServices): ImplementedSurface[] {
  const check = openSchemas();
  const roomOf = ({ service }: Caller): string => applicationOf(service);

  function endpointOf(subscriber: string, eventType: string, wanted: string | undefined): string {
    const endpoint = wanted ?? `${subscriber}/${eventType}`;
    // A service of the subscriber's own in the directory: never an address.
    const own = applicationOf(endpoint) === subscriber && endpoint.split('/').length === 5;
    const there = elsewhere(subscriber) || directory.service(endpoint) !== undefined;
    if (own && there) return endpoint;
    throw badRequest('Pushed events need a service of the subscriber that takes them', [
      {
        in: 'body',
        pointer: '/options/endpoint',
        detail: own ? 'is not a registered service' : 'is not a service of the subscriber',
      },
    ]);
  }

  function subscriptionFrom(
    room: string,
    subscriber: string,
    { eventType, delivery, options = {} }: Static<typeof SubscriptionBody>,
    before: SubscriptionRow | undefined,
  ): RoomSubscription {
    const mode = delivery ?? before?.delivery ?? 'PUSH';
    const secret = options.secret
      ? seal(secretOf(options.secret), secretContext(room, eventType, subscriber))
      : (before?.secret ?? null);
    const endpoint = options.endpoint ?? before?.endpoint ?? undefined;
    return {
      room,
      eventType,
      subscriber,
      delivery: mode,
      endpoint: mode === 'PUSH' ? endpointOf(subscriber, eventType, endpoint) : (endpoint ?? null),
      ttlSeconds: options.TTL ?? before?.ttl_seconds ?? defaultTtl,
      fifo: options.FIFO ?? before?.fifo ?? false,
      retry: options.retry ?? (before?.retry as Retry | null | undefined) ?? null,
      maxQueue: options.maxQueue ?? before?.max_queue ?? null,
      secret,
    };
  }

  const sameType = (path: string, body: string): void => {
    if (path !== body)
      throw badRequest('The event type is named twice, differently', [
        { in: 'body', pointer: '/eventType', detail: 'is another one in the path' },
      ]);
  };

  const ownSubscription = async (caller: Caller, eventType: string): Promise<SubscriptionRow> => {
    const row = await findSubscription(db, roomOf(caller), eventType, caller.application);
    if (!row) throw notFound('This subscription');
    return row;
  };

  const api = implement(roomApi, {
    async createEventType({ body, caller }) {
      const { eventType, version } = await addEventType(
        db,
        roomOf(caller),
        body.eventType,
        body.schema,
        false,
      );
      await directory.refresh();
      return { status: 200, body: { eventType, version } };
    },
    async getEventTypeList({ caller }) {
      const types = await listEventTypes(db, roomOf(caller));
      return types.length === 0 ? { status: 204 } : { status: 200, body: types };
    },
    async getEventType({ params, caller }) {
      const type = await findEventType(db, roomOf(caller), params.eventType);
      return type ? { status: 200, body: type } : { status: 204 };
    },
    async addEventTypeVersion({ params, body, caller }) {
      const { eventType, version } = await addEventType(
        db,
        roomOf(caller),
        params.eventType,
        body.schema,
        true,
      );
      await directory.refresh();
      return { status: 200, body: { eventType, version } };
    },
    async deleteEventType({ params, caller }) {
      if (!(await removeEventType(db, roomOf(caller), params.eventType))) throw notFound('This event type');
      await directory.refresh();
      return { status: 204 };
    },
    async listSub({ caller }) {
      const rows = await subscriptionsOf(db, roomOf(caller), caller.application);
      if (rows.length === 0) throw notFound('A subscription');
      return { status: 200, body: rows.map(subscriptionItem) };
    },
    async addSub({ params, body, caller }) {
      sameType(params.eventType, body.eventType);
      const room = roomOf(caller);
      if (!(await findEventType(db, room, params.eventType))) throw badRequest('There is no such event type');
      const wanted = subscriptionFrom(room, caller.application, body, undefined);
      if (!(await addSubscription(db, wanted, caller.application)))
        throw conflict('There is a subscription already');
      return { status: 200, body: subscriptionItem(await ownSubscription(caller, params.eventType)) };
    },
    async getSub({ params, caller }) {
      return { status: 200, body: subscriptionItem(await ownSubscription(caller, params.eventType)) };
    },
    async patchSub({ params, body, caller }) {
      sameType(params.eventType, body.eventType);
      const before = await ownSubscription(caller, params.eventType);
      await changeSubscription(db, subscriptionFrom(roomOf(caller), caller.application, body, before));
      wake();
      return { status: 201, body: subscriptionItem(await ownSubscription(caller, params.eventType)) };
    },
    async deleteSub({ params: { eventType }, caller }) {
      await ownSubscription(caller, eventType);
      await deleteSubscription(db, { source: roomOf(caller), eventType, subscriber: caller.application });
      return { status: 204 };
    },
  });

  /** Publishers see their own events, those who manage the room all. */
  async function published(caller: Caller, eventType: string, id: string) {
    const found = await findEvent(db, roomOf(caller), eventType, id);
    const seen =
      found?.event.publisher === caller.application ||
      memberOf(roomOf(caller)) === memberOf(caller.application);
    if (!found || !seen) throw notFound('This event');
    return found;
  }

  const pub = implement(roomPub, {
    async publishEvent({ params, body, caller }) {
      sameType(params.eventType, body.eventType);
      const id = body.id ?? newId();
      const { eventType, event } = body;
      await publishEvent(db, check, {
        room: roomOf(caller),
        eventType,
        publisher: caller.application,
        id,
        event,
      });
      wake();
      return { status: 201, body: { id } };
    },
    async getStatus({ params, caller }) {
      const { event, deliveries } = await published(caller, params.eventType, params.eventId);
      const states = new Set(deliveries.map(({ state }) => state));
      const status = event.stopped_at
        ? ('STOPPED' as const)
        : states.has('waiting')
          ? ('PENDING' as const)
          : ['dead', 'expired', 'stopped'].some((state) => states.has(state as never))
            ? ('UNCONSUMED' as const)
            : ('DELIVERED' as const);
      return {
        status: 200,
        body: {
          ...eventItem(event),
          status,
          deliveries: deliveries.map(deliveryItem),
        },
      };
    },
    async deleteEvent({ params, caller }) {
      await published(caller, params.eventType, params.eventId);
      await stopEvent(db, roomOf(caller), params.eventId);
      return { status: 204 };
    },
  });

  const pull = implement(roomPull, {
    async pullEvent({ params: { eventType }, caller }) {
      const subscription = await findSubscription(db, roomOf(caller), eventType, caller.application);
      if (subscription?.delivery !== 'PULL') throw conflict('There is no subscription to pull');
      const next = await nextEvent(db, roomOf(caller), eventType, caller.application);
      if (!next) throw notFound('An event');
      return { status: 200, body: eventItem({ ...next, id: next.event_id, type: eventType }) };
    },
    async confirmEvent({ params: { eventType, eventId }, caller }) {
      const subscription = await findSubscription(db, roomOf(caller), eventType, caller.application);
      if (subscription?.delivery !== 'PULL') throw conflict('There is no subscription to pull');
      if (!(await acknowledge(db, roomOf(caller), eventType, caller.application, eventId)))
        throw notFound('An event that waits');
      return { status: 204 };
    },
  });
  return [api, pub, pull];
}

import { badRequest, conflict, notFound, transaction } from '@govstack/platform';
import { type Kysely, type SqlBool, sql } from 'kysely';
import { wholeService, writeRight } from '../directory/access-rights.ts';
import { changeWithin } from '../directory/change.ts';
import type { MediatorTables } from '../tables.ts';
import { assertSchema } from './schemas.ts';

/** The three services of a room: their codes are the first part of the published paths. */
const services = { api: 'Event types and subscriptions', pub: 'Publishing', pull: 'Pulling events' } as const;

/** The blocks' surface behind a service of a room. */
const targetOf = (code: keyof typeof services): string => `local:information-mediator/room-${code}-v1`;

const serviceStatement = (
  id: string,
  application: string,
  title: string,
  target: string,
  description?: { readonly openapi: string; readonly notice: string },
) => sql`
  insert into service (id, application_id, title, target, openapi, enabled, notice)
  values (${id}, ${application}, ${title}, ${target}, ${description?.openapi ?? null}::jsonb,
    ${description === undefined}, ${description?.notice ?? null})
  on conflict on constraint service_pkey do update
  set openapi = excluded.openapi
  where service.openapi is distinct from excluded.openapi`;

/**
 * Makes a registered application a room (IM-9.2.1-a): it gets the services under which others publish, subscribe and
 * pull, and the right to manage them itself. Rights of others are given as to any service.
 */
export const putRoom = (
  db: Kysely<MediatorTables>,
  application: string,
  grantedBy: string,
): Promise<boolean> =>
  transaction(db, async (trx) => {
    const codes = Object.keys(services) as (keyof typeof services)[];
    const changed = await changeWithin(trx, [
      sql`
        insert into room (application)
        values (${application})
        on conflict on constraint room_pkey do nothing`,
      ...codes.map((code) =>
        serviceStatement(`${application}/${code}`, application, services[code], targetOf(code)),
      ),
    ]);
    for (const code of ['api', 'pub'])
      await writeRight(trx, {
        service: `${application}/${code}`,
        subject: application,
        endpoints: [wholeService],
        grantedBy,
      });
    return changed;
  });

export interface EventType {
  readonly eventType: string;
  readonly version: number;
  readonly schema: Record<string, unknown>;
}

/** What subscribers of a type receive, as an OpenAPI document (IM-6.5-c). */
const descriptionOf = (room: string, { eventType, version, schema }: EventType): string =>
  JSON.stringify({
    openapi: '3.1.0',
    info: { title: `Event ${eventType} of ${room}`, version: `${version}.0.0` },
    paths: {
      '/': {
        post: {
          operationId: 'receiveEvent',
          summary: `Take delivery of ${eventType}; a subscriber serves this`,
          requestBody: { required: true, content: { 'application/json': { schema } } },
          responses: { '204': { description: 'Received' } },
        },
      },
    },
  });

const largestSchema = 65_536;
const mostTypes = 1000;

/**
 * Defines an event type in a room, or a further version of it: the newest decides what is accepted. A service of the
 * room describes it in the directory (IM-9.2.2-a).
 */
export const addEventType = (
  db: Kysely<MediatorTables>,
  room: string,
  name: string,
  schema: Record<string, unknown>,
  further: boolean,
): Promise<EventType> => {
  const text = JSON.stringify(schema);
  if (text.length > largestSchema) throw badRequest('The schema is larger than 64 KiB');
  assertSchema(schema);
  return transaction(db, async (trx) => {
    const held = await trx
      .selectFrom('room')
      .select('application')
      .where('application', '=', room)
      .forUpdate()
      .executeTakeFirst();
    if (!held) throw notFound('This room');
    const newest = await findEventType(trx, room, name);
    if (newest && !further) throw conflict('There is an event type of this name');
    if (!newest && further) throw badRequest('There is no such event type');
    const { count } = await trx
      .selectFrom('event_type')
      .select((fields) => fields.fn.countAll<string>().as('count'))
      .where('room', '=', room)
      .executeTakeFirstOrThrow();
    if (Number(count) >= mostTypes) throw conflict('The room holds as many event types as it can');
    const added: EventType = { eventType: name, version: (newest?.version ?? 0) + 1, schema };
    await trx.insertInto('event_type').values({ room, name, version: added.version, schema: text }).execute();
    await changeWithin(trx, [
      serviceStatement(`${room}/${name}`, room, `Event ${name}`, targetOf('pub'), {
        openapi: descriptionOf(room, added),
        notice: `Events of this type are published under pub/v1/${name}`,
      }),
    ]);
    return added;
  });
};

/** The newest version of an event type; undefined: there is none. */
export async function findEventType(
  db: Kysely<MediatorTables>,
  room: string,
  name: string,
): Promise<EventType | undefined> {
  const row = await db
    .selectFrom('event_type')
    .select(['version', 'schema'])
    .where('room', '=', room)
    .where('name', '=', name)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row && { eventType: name, version: row.version, schema: row.schema as Record<string, unknown> };
}

export const listEventTypes = async (db: Kysely<MediatorTables>, room: string): Promise<string[]> =>
  (
    await db
      .selectFrom('event_type')
      .select('name')
      .distinct()
      .where('room', '=', room)
      .orderBy('name')
      .execute()
  ).map(({ name }) => name);

/** Removes an event type with its subscriptions, and stops what still waits. Answers whether there was one. */
export const removeEventType = (db: Kysely<MediatorTables>, room: string, name: string): Promise<boolean> =>
  transaction(db, async (trx) => {
    const { numDeletedRows } = await trx
      .deleteFrom('event_type')
      .where('room', '=', room)
      .where('name', '=', name)
      .executeTakeFirstOrThrow();
    if (numDeletedRows === 0n) return false;
    await changeWithin(trx, [
      sql`delete from subscription where source = ${room} and event_type = ${name}`,
      sql`
        update delivery
        set state = 'stopped', last_error = 'the event type was removed'
        where source = ${room} and event_type = ${name} and state = 'waiting'`,
      sql`delete from event_sequence where room = ${room} and type = ${name}`,
      sql`delete from access_right where service_id = ${`${room}/${name}`}`,
      sql`delete from service where id = ${`${room}/${name}`}`,
    ]);
    return true;
  });

/** Rooms in the order of their applications, one more than `limit` when there are more. */
export async function listRooms(
  db: Kysely<MediatorTables>,
  {
    part,
    after,
    limit,
  }: { readonly part: string | undefined; readonly after: string; readonly limit: number },
) {
  const rows = await db
    .selectFrom('room')
    .select(['application', 'created_at'])
    .select((fields) =>
      fields
        .selectFrom('subscription')
        .select((inner) => inner.fn.countAll<string>().as('count'))
        .whereRef('source', '=', 'room.application')
        .as('subscriptions'),
    )
    .where('application', '>', after)
    .where(sql<SqlBool>`(${part === undefined} or starts_with(application || '/', ${`${part ?? ''}/`}))`)
    .orderBy('application')
    .limit(limit + 1)
    .execute();
  return Promise.all(
    rows.map(async ({ application, created_at, subscriptions }) => ({
      application,
      createdAt: created_at,
      eventTypes: await listEventTypes(db, application),
      subscriptions: Number(subscriptions),
    })),
  );
}

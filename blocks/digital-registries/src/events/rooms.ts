import { createHash } from 'node:crypto';
import { type Mediation, notFound, Problem } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import type { RegistryTables } from '../tables.ts';
import { grouped } from './announce.ts';
import { changesAfter, lastPosition } from './feed.ts';

type Db = Kysely<RegistryTables>;

/** Which events of a registry stand in its room, and the key within which their order is kept. */
export const roomSchema = {
  type: 'object',
  properties: {
    owner: { type: 'string' },
    registry: { type: 'string' },
    subject: { type: 'string', description: 'uuid of the record; `*`: many at once, see the feed' },
    action: { enum: ['create', 'update', 'delete', 'archive', 'restore', 'erase', 'many'] },
    rowVersion: { type: 'integer' },
    fields: { type: 'array', items: { type: 'integer' }, description: 'Ids of the fields that changed' },
    count: { type: 'integer' },
    after: { type: 'integer', description: 'Place in the feed after which the changes stand' },
    upTo: { type: 'integer', description: 'Place of the last of them' },
    at: { type: 'string' },
  },
  required: ['owner', 'registry', 'subject', 'action', 'after', 'upTo', 'at'],
  additionalProperties: false,
  'x-govstack-key': '/subject',
} as const;

export const eventTypeOf = (code: string): string => `${code}.changes`;

interface RegistryRef {
  readonly id: string;
  readonly owner: string;
  readonly code: string;
}

const post = async (
  mediation: Mediation,
  owner: string,
  method: string,
  service: string,
  path: string,
  body: unknown,
) =>
  mediation.request({
    as: owner,
    service,
    method,
    path,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    timeout: 20_000,
  });

/** Publishes the changes of a registry in a room from now on; declares their type there. Repeating it changes nothing. */
export async function putRoom(
  db: Db,
  mediation: Mediation,
  registry: RegistryRef,
  room: string,
): Promise<void> {
  const { id, owner, code } = registry;
  const eventType = eventTypeOf(code);
  const answer = await post(mediation, owner, 'POST', `${room}/api`, '/v1/eventType', {
    eventType,
    schema: roomSchema,
  });
  if (answer.status !== 200 && answer.status !== 409)
    throw new Problem(409, `${room} does not take the event type: it answered ${answer.status}`, {
      type: 'urn:govstack:registries:room',
    });
  const position = await lastPosition(db, id);
  await db
    .insertInto('registry_room')
    .values({ registry_id: id, room, event_type: eventType, position: String(position) })
    .onConflict((one) =>
      one
        .constraint('registry_room_pkey')
        .doUpdateSet({ room, event_type: eventType, failures: 0, last_error: null }),
    )
    .execute();
}

export async function deleteRoom(db: Db, registryId: string): Promise<void> {
  await db.deleteFrom('registry_room').where('registry_id', '=', registryId).execute();
}

/** Publishes again what stands after a place in the feed, for a room that has lost it. */
export async function replayRoom(db: Db, registryId: string, after: number): Promise<void> {
  const changed = await db
    .updateTable('registry_room')
    .set({ position: String(after), leased_until: null })
    .where('registry_id', '=', registryId)
    .executeTakeFirst();
  if (changed.numUpdatedRows === 0n) throw notFound('Room');
}

/** The same change has the same id however often it is published: a room knows it again. */
function eventId(registryId: string, upTo: number): string {
  const hash = createHash('sha256').update(`${registryId}/${upTo}`).digest();
  hash[6] = ((hash[6] as number) & 0x0f) | 0x80;
  hash[8] = ((hash[8] as number) & 0x3f) | 0x80;
  const hex = hash.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}

const pageSize = 500;
const leaseSeconds = 60;

/**
 * Publishes what a registry's room does not have yet, in order, as the registry's owner through the mediator. One worker
 * at a time. Throws when the room does not take an event: it is tried again, and those behind it wait.
 */
export async function publishToRoom(
  db: Db,
  mediation: Mediation,
  registryId: string,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const { rows } = await sql<{ room: string; event_type: string; position: string } & RegistryRef>`
      update registry_room m
      set leased_until = now() + make_interval(secs => ${leaseSeconds})
      from registry r
      where m.registry_id = ${registryId}::bigint and r.id = m.registry_id
        and (m.leased_until is null or m.leased_until < now())
      returning m.room, m.event_type, m.position, r.id, r.owner, r.code`.execute(db);
    const [held] = rows;
    if (!held) return;
    let position = Number(held.position);
    let error: string | undefined;
    const page = (await changesAfter(db, registryId, position, pageSize)).map((change) => ({
      ...change,
      registryId,
    }));
    const until = Date.now() + (leaseSeconds / 2) * 1000;
    const groups = grouped(page);
    for (const [index, group] of groups.entries()) {
      const first = group[0] as (typeof page)[number];
      const last = group.at(-1) as (typeof page)[number];
      const single = group.length === 1;
      const event = {
        owner: held.owner,
        registry: held.code,
        subject: single ? first.record : '*',
        action: single ? first.action : 'many',
        ...(single ? { rowVersion: first.rowVersion, fields: first.fields } : { count: group.length }),
        after: first.position - 1,
        upTo: last.position,
        at: last.at,
      };
      const answer = await post(mediation, held.owner, 'POST', `${held.room}/pub`, `/v1/${held.event_type}`, {
        eventType: held.event_type,
        id: eventId(registryId, last.position),
        event,
      }).catch((failure: Error) => ({ status: 503, reason: failure.name }));
      // 409: it is there already, under other bounds.
      if (answer.status !== 201 && answer.status !== 409) {
        error = `the room answered ${answer.status}`;
        break;
      }
      // Changes made at the same time stand between each other: what comes before the next one is published.
      const next = groups[index + 1]?.[0];
      position = next ? next.position - 1 : (page.at(-1) as typeof last).position;
      if (Date.now() > until || signal.aborted) break;
    }
    await sql`
      update registry_room
      set leased_until = null, failures = ${error === undefined ? sql`0` : sql`failures + 1`}, last_error = ${error ?? null}::text,
        position = case when position = ${held.position}::bigint then ${position}::bigint else position end
      where registry_id = ${registryId}::bigint and room = ${held.room}`.execute(db);
    if (error !== undefined) throw new Error(error);
    // Whoever came with news while it was held has gone away again.
    if (page.length === 0 || (await roomsBehind(db, registryId)).length === 0) return;
  }
}

/** Registries (or `only` that one, if it is) whose rooms are behind, for the sweep that finds what nobody was told of. */
export async function roomsBehind(db: Db, only: string | null = null): Promise<string[]> {
  const { rows } = await sql<{ registry_id: string }>`
    select m.registry_id
    from registry_room m
    where (${only}::bigint is null or m.registry_id = ${only}::bigint)
      and exists (select from change_seal s where s.registry_id = m.registry_id and s.position > m.position)
    limit 1000`.execute(db);
  return rows.map((row) => row.registry_id);
}

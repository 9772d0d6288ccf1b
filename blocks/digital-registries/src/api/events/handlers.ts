import {
  type Caller,
  type ImplementedSurface,
  implement,
  type Jobs,
  type Mediation,
  type Person,
} from '@govstack/platform';
import type { Kysely } from 'kysely';
import type { Gate } from '../../access/access.ts';
import { groundOf } from '../../access/ground.ts';
import { roomJob } from '../../automation/jobs.ts';
import { lastPosition, readFeed } from '../../events/feed.ts';
import { deleteRoom, putRoom, replayRoom, roomSchema } from '../../events/rooms.ts';
import { registryRow } from '../../schema/publish.ts';
import type { RegistryTables } from '../../tables.ts';
import { registryEvents } from '../events.ts';
import { registryEventsSurface } from './operations.ts';

export interface EventsDependencies {
  readonly db: Kysely<RegistryTables>;
  readonly gate: Gate;
  readonly mediation: Mediation;
  readonly jobs: Jobs;
  /** The application that announces events. */
  readonly source: string;
}

interface Who {
  readonly caller: Caller;
  readonly person: Person | undefined;
}

const defaultPage = 200;

/** The surface of events: who may, then one call of the events room. */
export function serveEvents({ db, gate, mediation, jobs, source }: EventsDependencies): ImplementedSurface {
  const roomOf = (row: { room: string; event_type: string }) => ({
    room: row.room,
    eventType: row.event_type,
    subscribe: `${row.room}/api`,
    path: `/v1/subs/${row.event_type}`,
    schema: roomSchema,
  });
  const heldRoom = (registryId: string) =>
    db
      .selectFrom('registry_room')
      .select(['room', 'event_type'])
      .where('registry_id', '=', registryId)
      .executeTakeFirst();
  const owned = async (code: string, who: Who) => registryRow(db, gate.administer(who), code);
  return implement(registryEventsSurface, {
    async describeEvents({ params, headers, ...who }) {
      const { registry, fields } = await gate.open(
        { ...who, ground: groundOf(headers) },
        params.registryName,
        params.versionNumber,
        'list',
      );
      const room = await heldRoom(registry.id);
      return {
        status: 200,
        body: {
          registry: registry.code,
          owner: registry.owner,
          announced: registry.announce,
          source,
          events: registryEvents.map(({ type, summary, data }) => ({ type, summary, schema: data })),
          room: room ? roomOf(room) : null,
          position: await lastPosition(db, registry.id),
          fields: fields.map(({ id, name }) => ({ id, name })),
        },
      };
    },
    async readChanges({ params, query, headers, ...who }) {
      const granted = await gate.open(
        { ...who, ground: groundOf(headers) },
        params.registryName,
        params.versionNumber,
        'list',
      );
      const { after = 0, limit = defaultPage } = query;
      const { changes, next, more } = await readFeed(db, granted, after, limit);
      return { status: 200, body: { changes, next, more } };
    },
    async putRoom({ params, body, ...who }) {
      const registry = await owned(params.code, who);
      await putRoom(db, mediation, registry, body.room);
      return {
        status: 200,
        body: roomOf((await heldRoom(registry.id)) ?? { room: body.room, event_type: '' }),
      };
    },
    async replayRoom({ params, body, ...who }) {
      const { id } = await owned(params.code, who);
      await db.transaction().execute(async (trx) => {
        await replayRoom(trx, id, body.after);
        await jobs.send(trx, roomJob, { registry: id }, { singletonKey: id });
      });
      return { status: 204 };
    },
    async deleteRoom({ params, ...who }) {
      await deleteRoom(db, (await owned(params.code, who)).id);
      return { status: 204 };
    },
  });
}

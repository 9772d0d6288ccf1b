import {
  applicationOf,
  badRequest,
  type ImplementedSurface,
  implement,
  notFound,
  Problem,
} from '@govstack/platform';
import type { Kysely } from 'kysely';
import type { Gate, Granted, Reader } from '../../access/access.ts';
import type { SubjectHash } from '../../history/read-log.ts';
import { openDataPath } from '../../open-data/path.ts';
import type { Catalogue } from '../../schema/catalogue.ts';
import type { RegistryTables } from '../../tables.ts';
import { groupsOf } from '../../views/groups-view.ts';
import { type GrantedRegistries, listView, readView } from '../../views/records-view.ts';
import {
  closeView,
  deleteView,
  findView,
  openView,
  putView,
  registryNamed,
  type View,
  viewsOf,
} from '../../views/views.ts';
import { defaultPageSize, filterOf, filtersOf, linkTo, mostSkipped } from '../paging.ts';
import { readerOf } from '../reader-of.ts';
import { by } from '../who.ts';
import { registryViews } from './operations.ts';

export interface ViewsDependencies {
  readonly db: Kysely<RegistryTables>;
  readonly catalogue: Catalogue;
  readonly hash: SubjectHash;
  readonly gate: Gate;
}

const listed = ({
  code,
  registry,
  name,
  description,
  definition,
  openedAt,
  mayBeOpen,
  modifiedAt,
}: View) => ({
  code,
  registry: registry.code,
  name,
  description,
  kind: definition.kind,
  open: openedAt !== null && mayBeOpen,
  modifiedAt,
});
const described = (view: View) => ({
  ...listed(view),
  openedAt: view.openedAt,
  definition: view.definition,
});

/** Whether the gate refused; anything else goes on as it is. */
function refused(error: unknown): undefined {
  if (error instanceof Problem && (error.status === 403 || error.status === 404)) return undefined;
  throw error;
}

/** The surface of views: who may, then one call of the views room. */
export function serveViews({ db, catalogue, hash, gate }: ViewsDependencies): ImplementedSurface {
  const open = (reader: Reader, view: View): Promise<Granted> =>
    gate.open(reader, view.registry.code, 'latest', 'list');

  /** The view with the rights of the reader to every registry in it. Without one to its own there is no view. */
  async function opened(reader: Reader, code: string) {
    const owner = applicationOf(reader.caller.service);
    const view = await findView(db, owner, code);
    const registries = new Map<string, Granted>([[view.registry.id, await open(reader, view)]]);
    for (const id of view.registries.filter((one) => !registries.has(one))) {
      const registry = await registryNamed(db, catalogue, owner, id);
      const granted = registry && (await gate.open(reader, registry.code, 'latest', 'read').catch(refused));
      if (granted) registries.set(id, granted);
    }
    return { view, registries: registries as GrantedRegistries };
  }

  return implement(registryViews, {
    async listViews({ headers, caller, person }) {
      const reader = readerOf(caller, person, headers);
      const views = await viewsOf(db, applicationOf(caller.service));
      const seen = await Promise.all(
        views.map(async (view) => ((await open(reader, view).catch(refused)) ? [listed(view)] : [])),
      );
      return { status: 200, body: { views: seen.flat() } };
    },
    async putView({ params, body, ...who }) {
      const owner = await gate.administer(who);
      return {
        status: 200,
        body: described(await putView(db, catalogue, owner, params.code, body, by(who))),
      };
    },
    async describeView({ params, ...who }) {
      return { status: 200, body: described(await findView(db, await gate.administer(who), params.code)) };
    },
    async deleteView({ params, ...who }) {
      await deleteView(db, await gate.administer(who), params.code);
      return { status: 204 };
    },
    async openView({ params, body, ...who }) {
      const owner = await gate.administer(who);
      await openView(db, catalogue, owner, params.code, body.confirmed ?? false, by(who));
      return { status: 200, body: { path: openDataPath(owner, params.code) } };
    },
    async closeView({ params, ...who }) {
      await closeView(db, await gate.administer(who), params.code);
      return { status: 204 };
    },
    async readRecords({ params, query, headers, caller, person }) {
      const reader = readerOf(caller, person, headers);
      const { view, registries } = await opened(reader, params.code);
      const pageSize = query.pageSize ?? defaultPageSize;
      const page = query.page ?? 1;
      const skip = query.cursor === undefined ? (page - 1) * pageSize : 0;
      if (skip > mostSkipped) throw badRequest('Follow `next` to come so far');
      const filters = filtersOf(query);
      if (query.search !== undefined) {
        if (query.filter === undefined)
          throw badRequest('A view is searched in the field that `filter` names');
        filters.push(filterOf(query.filter, query.search));
      }
      const previous = page > 1 ? linkTo(query, { page: page - 1 }) : null;
      const { definition } = view;
      if (definition.kind === 'groups') {
        if (filters.length > 0 || query.ordering !== undefined || query.cursor !== undefined)
          throw badRequest('Groups are only paged');
        const granted = registries.get(view.registry.id);
        if (!granted) throw notFound('View');
        const { results, suppressed } = await groupsOf(db, definition, granted);
        const shown = results.slice(skip, skip + pageSize).map((one) => ({ ...one }));
        const more = results.length > skip + pageSize ? { next: linkTo(query, { page: page + 1 }) } : {};
        const count = results.length;
        return {
          status: 200,
          body: { count, countIsExact: true, ...more, previous, results: shown, suppressed },
        };
      }
      const listing = {
        filters,
        order: query.ordering === undefined ? undefined : query.filter,
        descending: query.ordering === 'descending',
        pageSize,
        cursor: query.cursor,
        skip,
        count: true,
      };
      const found = await listView(db, view.registry.id, definition, registries, reader, listing, hash);
      return {
        status: 200,
        body: {
          count: found.count ?? 0,
          countIsExact: found.exact,
          ...(found.next === undefined
            ? {}
            : { next: linkTo(query, { page: page + 1, cursor: found.next }) }),
          previous,
          results: found.results.map((one) => ({ ...one })),
          uuids: [...found.uuids],
        },
      };
    },
    async readRecord({ params, body, headers, caller, person }) {
      const reader = readerOf(caller, person, headers);
      const { view, registries } = await opened(reader, params.code);
      const { definition, registry } = view;
      if (definition.kind === 'groups') throw badRequest('This view shows no single record');
      const sought = 'uuid' in body ? { uuid: body.uuid } : { query: body.query.content };
      const { uuid, content } = await readView(db, registry.id, definition, registries, reader, sought, hash);
      return { status: 200, body: { uuid, content: { ...content } } };
    },
  });
}

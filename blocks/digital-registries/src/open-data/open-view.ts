import { createHash } from 'node:crypto';
import { newId, notFound } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import type { Granted, Reader } from '../access/access.ts';
import type { SubjectHash } from '../history/read-log.ts';
import type { Content } from '../records/content.ts';
import { table } from '../records/statement.ts';
import type { Catalogue } from '../schema/catalogue.ts';
import type { RegistryTables } from '../tables.ts';
import { isClosed } from '../views/findings.ts';
import { groupsOf } from '../views/groups-view.ts';
import { columnsOf, listView } from '../views/records-view.ts';
import { closedParts, registryNamed, type View } from '../views/views.ts';

/** A view as anybody sees it. */
export interface OpenView {
  readonly view: View;
  readonly columns: readonly string[];
  /** Another one whenever a record, the view or a registry has changed. */
  state(): Promise<string>;
  /** What it shows, some records at a time. */
  batches(): AsyncGenerator<readonly Content[]>;
}

export interface OpenDataParts {
  readonly db: Kysely<RegistryTables>;
  readonly catalogue: Catalogue;
  readonly hash: SubjectHash;
}

const batchSize = 1000;

/** Nobody in particular: there is nothing of which one would have to know who reads it. */
const anybody = (owner: string): Reader => ({
  caller: { application: owner, service: `${owner}/open-data`, operator: undefined, exchangeId: newId() },
  person: undefined,
  ground: { purpose: undefined, consentReference: undefined, legalGround: undefined },
});

/**
 * A view for anybody; 404 unless it is open. What it may show is looked at again each time, whatever was found when it
 * was opened: a field that has become personal meanwhile is never given out.
 */
export async function openToAnybody(parts: OpenDataParts, view: View): Promise<OpenView> {
  const { db, catalogue, hash } = parts;
  const { owner, definition, registry } = view;
  if (view.openedAt === null || !view.mayBeOpen) throw notFound('Open data');
  if ((await closedParts(db, catalogue, owner, registry.id, definition)).length > 0)
    throw notFound('Open data');
  const registries = new Map<string, Granted>();
  for (const id of view.registries) {
    const found = await registryNamed(db, catalogue, owner, id);
    if (!found) continue;
    const fields = found.fields.filter((field) => !isClosed(field));
    registries.set(id, { registry: found, fields, rows: undefined, foreign: true });
  }
  const own = registries.get(registry.id);
  if (!own) throw notFound('Open data');
  const reader = anybody(owner);

  async function* records(): AsyncGenerator<readonly Content[]> {
    if (definition.kind === 'groups') {
      yield (await groupsOf(db, definition, own as Granted)).results;
      return;
    }
    // Page by page: a reader who is slow, or gone, keeps no connection to the database.
    let cursor: string | undefined;
    do {
      const listing = {
        filters: [],
        order: undefined,
        descending: false,
        pageSize: batchSize,
        cursor,
        skip: 0,
        count: false,
      };
      const page = await listView(db, registry.id, definition, registries, reader, listing, hash);
      yield page.results;
      cursor = page.next;
    } while (cursor !== undefined);
  }

  return {
    view,
    columns:
      definition.kind === 'records'
        ? columnsOf(registry.id, definition, registries)
        : [...definition.by, ...definition.measures].map(({ as }) => as),
    async state() {
      const hashed = createHash('sha256').update(JSON.stringify([view.id, view.revision]));
      for (const { registry: one } of registries.values()) {
        // Every change of a record adds one to its version, so the sum tells of each.
        const { rows } = await sql<{ changes: string | null }>`
          select sum(row_version) as changes from ${table(one)}`.execute(db);
        hashed.update(JSON.stringify([one.id, one.revision, rows[0]?.changes ?? null]));
      }
      return hashed.digest('base64url').slice(0, 22);
    },
    batches: records,
  };
}

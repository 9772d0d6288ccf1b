import {
  announce,
  applicationOf,
  badRequest,
  type Caller,
  type ImplementedSurface,
  implement,
  notFound,
  once,
  type Person,
  Problem,
} from '@govstack/platform';
import type { EventSpec } from '@govstack/platform/operation';
import type { Kysely, Transaction } from 'kysely';
import type { Logger } from 'pino';
import type { DataMethod, Gate, Granted, Ground, Reader } from '../../access/access.ts';
import { contentAt, eraseRecord, historyOf, recordAsOf } from '../../history/history.ts';
import { type SubjectHash, usageOf } from '../../history/read-log.ts';
import { type Filter, type Listing, listRecords } from '../../records/list.ts';
import { byKey, readRecord, readValue, recordExists, shownRows } from '../../records/read.ts';
import { StaleRegistry } from '../../records/statement.ts';
import { type RecordView, viewOf } from '../../records/view.ts';
import {
  createRecords,
  deleteMatching,
  deleteRecords,
  rewrite,
  setState,
  updateOrCreate,
  updateRecord,
  updateRecords,
} from '../../records/write.ts';
import type { Catalogue, Registry } from '../../schema/catalogue.ts';
import type { RegistryTables } from '../../tables.ts';
import { recordCreated, recordDeleted, recordUpdated } from '../events.ts';
import { registryData } from './operations.ts';

type Trx = Transaction<RegistryTables>;
type GroundHeaders = { 'x-purpose'?: string; 'x-consent-reference'?: string; 'x-legal-ground'?: string };
interface Target {
  readonly registryName: string;
  readonly versionNumber: string;
}

export interface DataDependencies {
  readonly db: Kysely<RegistryTables>;
  readonly catalogue: Catalogue;
  readonly hash: SubjectHash;
  readonly gate: Gate;
  readonly log: Logger;
}

const groundOf = (headers: GroundHeaders): Ground => ({
  purpose: headers['x-purpose'],
  consentReference: headers['x-consent-reference'],
  legalGround: headers['x-legal-ground'],
});
const noGround: Ground = { purpose: undefined, consentReference: undefined, legalGround: undefined };

const readerOf = (caller: Caller, person: Person | undefined, headers?: GroundHeaders): Reader => ({
  caller,
  person,
  ground: headers ? groundOf(headers) : noGround,
});

/** Announces a change to those who listen, when the registry wants it: which fields, never what they say. */
async function tell(
  trx: Trx,
  event: EventSpec<typeof recordCreated.data>,
  registry: Registry,
  uuid: string,
  names: readonly string[],
): Promise<void> {
  if (!registry.announce) return;
  const fields = registry.fields.filter((field) => names.includes(field.name)).map((field) => field.id);
  await announce(trx, event, { subject: uuid, data: { registry: registry.code, record: uuid, fields } });
}

const body = (record: RecordView): RecordView => ({ ...record, content: { ...record.content } });
const attempts = 5;
const noRecord = (): Problem => new Problem(404, 'no record found');

/** `query.FIELD` parameters as filters; a value that begins with `^` finds texts that begin with the rest. */
function filtersOf(query: Record<string, unknown>): Filter[] {
  return Object.entries(query)
    .filter(([name]) => name.startsWith('query.'))
    .map(([name, value]) => {
      if (typeof value !== 'string') throw badRequest(`${name} can be given once`);
      return filterOf(name.slice('query.'.length), value);
    });
}

const filterOf = (field: string, value: string): Filter =>
  value.startsWith('^') && !value.endsWith('$')
    ? { field, operator: 'startsWith', value: value.slice(1) }
    : { field, operator: 'eq', value: value.startsWith('^') ? value.slice(1, -1) : value };

const defaultPageSize = 100;
const mostSkipped = 100_000;

/** The surface of records: who may, then one call of the records room, all or nothing. */
export function serveData({ db, catalogue, hash, gate, log }: DataDependencies): ImplementedSurface {
  const open = (reader: Reader, { registryName, versionNumber }: Target, method: DataMethod) =>
    gate.open(reader, registryName, versionNumber, method);

  /** Writes in one transaction, once per idempotency key; again when the registry was changed meanwhile. */
  async function write<R extends { readonly status: number; readonly body?: unknown }>(
    reader: Reader,
    target: Target,
    method: DataMethod,
    id: { readonly operation: string; readonly key?: string | undefined; readonly request?: unknown },
    work: (trx: Trx, granted: Granted) => Promise<R>,
  ): Promise<R> {
    const { caller } = reader;
    for (let attempt = 1; ; attempt += 1) {
      const granted = await open(reader, target, method);
      try {
        return await once(
          db,
          {
            scope: `${caller.application}/${caller.service}/${id.operation}`,
            key: id.key,
            request: id.request,
          },
          (trx) => work(trx, granted),
        );
      } catch (error) {
        if (!(error instanceof StaleRegistry) || attempt >= attempts) throw error;
        catalogue.forget(granted.registry.owner, granted.registry.code);
      }
    }
  }

  /** A record for its own agency: what others may see of it they read by its fields. */
  async function own(reader: Reader, target: Target & { readonly id: string }, method: DataMethod) {
    const granted = await open(reader, target, method);
    if (granted.foreign) throw notFound('Record');
    const row = await byKey(db, granted, target.id);
    if (!row) throw noRecord();
    return { granted, row };
  }

  return implement(registryData, {
    listRecords: async ({ params, query, headers, caller, person }) => {
      const reader = readerOf(caller, person, headers);
      const granted = await open(reader, params, 'list');
      const pageSize = query.pageSize ?? defaultPageSize;
      const page = query.page ?? 1;
      const skip = query.cursor === undefined ? (page - 1) * pageSize : 0;
      if (skip > mostSkipped) throw badRequest('Follow `next` to come so far');
      const named = query.filter !== undefined;
      const filters = filtersOf(query);
      if (named && query.search !== undefined) filters.push(filterOf(query.filter as string, query.search));
      const listing: Listing = {
        query: {},
        filters,
        words: named ? undefined : query.search,
        order: named && query.ordering !== undefined ? query.filter : undefined,
        descending: query.ordering === 'descending',
        pageSize,
        cursor: query.cursor,
        skip,
        count: true,
      };
      const { results, next, count = 0, exact } = await listRecords(db, granted, reader, listing, hash);
      const link = (values: Record<string, string | number>): string => {
        const { cursor: _, page: __, ...kept } = query;
        const entries = Object.entries({ ...kept, ...values });
        return `?${new URLSearchParams(entries.map(([name, value]) => [name, String(value)] as [string, string]))}`;
      };
      return {
        status: 200,
        body: {
          count,
          countIsExact: exact,
          ...(next === undefined ? {} : { next: link({ page: page + 1, cursor: next }) }),
          previous: page > 1 && (page - 2) * pageSize <= mostSkipped ? link({ page: page - 1 }) : null,
          results: results.map(({ content }) => ({ ...content })),
          records: results.map(({ content: _, ...rest }) => rest),
        },
      };
    },
    createRecord: async ({ params, body: { write: wanted }, caller, person, idempotencyKey: key }) => {
      const reader = readerOf(caller, person);
      const id = { operation: 'createRecord', key, request: { params, body: { write: wanted } } };
      return write(reader, params, 'create', id, async (trx, granted) => {
        const [record] = await createRecords(trx, granted, reader, [wanted.content]);
        if (!record) throw new Error('no record was created');
        await tell(trx, recordCreated, granted.registry, record.uuid, Object.keys(record.content));
        return { status: 200, body: body(record) };
      });
    },
    createRecords: async ({ params, body: { write: wanted }, caller, person, idempotencyKey: key }) => {
      const reader = readerOf(caller, person);
      const id = { operation: 'createRecords', key, request: { params, body: { write: wanted } } };
      return write(reader, params, 'create', id, async (trx, granted) => {
        const contents = wanted.map((one) => one.content);
        const records = await createRecords(trx, granted, reader, contents);
        for (const record of records)
          await tell(trx, recordCreated, granted.registry, record.uuid, Object.keys(record.content));
        return { status: 200, body: { count: records.length, uuids: records.map(({ uuid }) => uuid) } };
      });
    },
    readRecord: async ({ params, body: { query }, headers, caller, person }) => {
      const reader = readerOf(caller, person, headers);
      const granted = await open(reader, params, 'read');
      const record = await readRecord(db, granted, reader, query.content, hash);
      return { status: 200, body: body(record), headers: { etag: `"${record.rowVersion}"` } };
    },
    recordExists: async ({ params, body: { query }, headers, caller, person }) => {
      const reader = readerOf(caller, person, headers);
      const granted = await open(reader, params, 'exists');
      const status = await recordExists(db, granted, reader, query.content, hash);
      return {
        status: 200,
        body: { answer: { status, message: status ? 'Object found' : 'Object not found' } },
      };
    },
    searchRecords: async ({ params, body: sought, headers, caller, person }) => {
      const reader = readerOf(caller, person, headers);
      const granted = await open(reader, params, 'list');
      const listing: Listing = {
        query: sought.query?.content ?? {},
        filters: sought.filter ?? [],
        words: sought.words,
        order: sought.order?.field,
        descending: sought.order?.descending ?? false,
        pageSize: sought.pageSize ?? defaultPageSize,
        cursor: sought.after,
        skip: 0,
        count: sought.countAll ?? false,
      };
      const { results, next, count } = await listRecords(db, granted, reader, listing, hash);
      return {
        status: 200,
        body: {
          count: count ?? results.length,
          results: results.map(body),
          ...(next === undefined ? {} : { next }),
        },
      };
    },
    updateRecord: async ({ params, body: asked, headers, caller, person, idempotencyKey: key }) => {
      const reader = readerOf(caller, person);
      const match = headers['if-match'];
      const expected = match === undefined ? undefined : Number(match.replaceAll('"', ''));
      const id = { operation: 'updateRecord', key, request: { params, body: asked } };
      return write(reader, params, 'update', id, async (trx, granted) => {
        const { content } = asked.write;
        const record = await updateRecord(trx, granted, reader, asked.query.content, content, expected);
        await tell(trx, recordUpdated, granted.registry, record.uuid, Object.keys(content));
        return { status: 200, body: body(record) };
      });
    },
    updateRecords: async ({ params, body: asked, caller, person, idempotencyKey: key }) => {
      const reader = readerOf(caller, person);
      const id = { operation: 'updateRecords', key, request: { params, body: asked } };
      return write(reader, params, 'update', id, async (trx, granted) => {
        const { content } = asked.write;
        const records = await updateRecords(trx, granted, reader, asked.query.content, content);
        for (const { uuid } of records)
          await tell(trx, recordUpdated, granted.registry, uuid, Object.keys(content));
        return { status: 200, body: { count: records.length } };
      });
    },
    updateOrCreateRecord: async ({ params, body: asked, caller, person, idempotencyKey: key }) => {
      const reader = readerOf(caller, person);
      await open(reader, params, 'update');
      const id = { operation: 'updateOrCreateRecord', key, request: { params, body: asked } };
      return write(reader, params, 'create', id, async (trx, granted) => {
        const { content } = asked.write;
        const { record, created } = await updateOrCreate(trx, granted, reader, asked.query.content, content);
        const event = created ? recordCreated : recordUpdated;
        await tell(trx, event, granted.registry, record.uuid, Object.keys(content));
        return { status: 200, body: body(record) };
      });
    },
    deleteRecord: async ({ params, caller, person }) => {
      const reader = readerOf(caller, person);
      return write(reader, params, 'delete', { operation: 'deleteRecord' }, async (trx, granted) => {
        const row = await byKey(trx, granted, params.id);
        if (row && (await deleteRecords(trx, granted, reader, [row.uuid])) > 0)
          await tell(trx, recordDeleted, granted.registry, row.uuid, []);
        return { status: 204 as const };
      });
    },
    deleteRecords: async ({ params, body: { query }, caller, person }) => {
      const reader = readerOf(caller, person);
      return write(reader, params, 'delete', { operation: 'deleteRecords' }, async (trx, granted) => {
        const gone = await deleteMatching(trx, granted, reader, query.content);
        for (const uuid of gone) await tell(trx, recordDeleted, granted.registry, uuid, []);
        return { status: 200, body: { count: gone.length } };
      });
    },
    archiveRecord: async ({ params, caller, person }) => {
      const reader = readerOf(caller, person);
      return write(reader, params, 'delete', { operation: 'archiveRecord' }, async (trx, granted) => {
        const row = await byKey(trx, granted, params.id);
        if (!row || row.state === 'deleted') throw noRecord();
        await setState(trx, granted, reader, [row.uuid], 'archived', ['active']);
        return { status: 204 as const };
      });
    },
    restoreRecord: async ({ params, body: { rowVersion }, caller, person }) => {
      const reader = readerOf(caller, person);
      return write(reader, params, 'update', { operation: 'restoreRecord' }, async (trx, granted) => {
        const row = await byKey(trx, granted, params.id);
        if (granted.foreign || !row) throw noRecord();
        const [back] = await setState(trx, granted, reader, [row.uuid], 'active', ['archived', 'deleted']);
        if (rowVersion === undefined) return { status: 200, body: body(viewOf(granted, back ?? row)) };
        const content = await contentAt(trx, granted, row.uuid, rowVersion);
        const record = await rewrite(trx, granted, reader, back ?? row, content);
        await tell(trx, recordUpdated, granted.registry, row.uuid, Object.keys(content));
        return { status: 200, body: body(record) };
      });
    },
    eraseRecord: async ({ params, body: { legalGround }, caller, person }) => {
      const reader = readerOf(caller, person);
      return write(reader, params, 'delete', { operation: 'eraseRecord' }, async (trx, granted) => {
        const row = await byKey(trx, granted, params.id);
        if (granted.foreign || !row) throw noRecord();
        await eraseRecord(trx, granted, reader, row, legalGround);
        return { status: 204 as const };
      });
    },
    readValue: async ({ params, headers, caller, person }) => {
      const reader = readerOf(caller, person, headers);
      const granted = await open(reader, params, 'read');
      const field = params.fieldAndType.slice(0, params.fieldAndType.lastIndexOf('.'));
      return { status: 200, body: await readValue(db, granted, reader, params.id, field, hash) };
    },
    readHistory: async ({ params, caller, person }) => {
      const reader = readerOf(caller, person);
      const { granted, row } = await own(reader, params, 'read');
      const changes = await historyOf(db, granted, row.uuid);
      await shownRows(db, granted, reader, 'read', [row], hash);
      return { status: 200, body: { changes } };
    },
    readRecordAsOf: async ({ params, query, headers, caller, person }) => {
      const reader = readerOf(caller, person, headers);
      const { granted, row } = await own(reader, params, 'read');
      const then = await recordAsOf(db, granted, row.uuid, new Date(query.at));
      await shownRows(db, granted, reader, 'read', [row], hash);
      return { status: 200, body: then };
    },
    readSchema: async ({ params, headers, caller, person }) => {
      const reader = readerOf(caller, person, headers);
      const { registry, fields } = await open(reader, params, 'read');
      const schema = await catalogue.schema(registry.owner, registry.code, registry.version);
      const seen = fields.map(({ name }) => [name, schema.properties[name]]);
      const required = schema.required?.filter((name) => fields.some((field) => field.name === name));
      return {
        status: 200,
        body: { ...schema, properties: Object.fromEntries(seen), ...(required ? { required } : {}) },
      };
    },
    queryUsage: async ({ body: asked, caller, person }) => {
      const owner = applicationOf(caller.service);
      const usage = await usageOf(db, owner, hash(asked.identifier), asked.limit ?? 100);
      log.info(
        { audit: 'usage-report', application: caller.application, person: person?.id },
        'usage report read',
      );
      return { status: 200, body: usage };
    },
  });
}

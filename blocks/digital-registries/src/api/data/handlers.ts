import { createHmac } from 'node:crypto';
import {
  applicationOf,
  badRequest,
  type ImplementedSurface,
  implement,
  mayBeTriedAgain,
  notFound,
  once,
  Problem,
} from '@govstack/platform';
import type { Kysely, Transaction } from 'kysely';
import type { DataMethod, Gate, Granted, Reader } from '../../access/access.ts';
import type { OwnIdentifier } from '../../access/own-identity.ts';
import { withLabels } from '../../code-lists/labels.ts';
import { documentInField } from '../../documents/documents.ts';
import { contentAt, eraseRecord, historyOf, recordAsOf } from '../../history/history.ts';
import { type SubjectHash, usageOf } from '../../history/read-log.ts';
import { subjectOfReport } from '../../history/usage-report.ts';
import { type Listing, listRecords } from '../../records/list.ts';
import { byKey, readable, readRecord, readValue, recordExists, shownRows } from '../../records/read.ts';
import { StaleRegistry } from '../../records/statement.ts';
import { usableRegistries } from '../../records/usable.ts';
import { type RecordView, viewOf } from '../../records/view.ts';
import {
  changeRecord,
  createRecords,
  deleteMatching,
  deleteRecords,
  inOneStatement,
  type RecordState,
  rewrite,
  setState,
  updateOrCreate,
  updateRecord,
  updateRecords,
} from '../../records/write.ts';
import type { Catalogue } from '../../schema/catalogue.ts';
import { callOwn } from '../../services/call-own.ts';
import { gateOf } from '../../services/guard.ts';
import type { Services } from '../../services/services.ts';
import type { RegistryTables } from '../../tables.ts';
import { defaultPageSize, filterOf, filtersOf, linkTo, mostSkipped } from '../paging.ts';
import { readerOf } from '../reader-of.ts';
import { asAnswer, serveFields } from './field-handlers.ts';
import { registryData } from './operations.ts';

type Trx = Transaction<RegistryTables>;
interface WriteId {
  readonly operation: string;
  readonly key?: string | undefined;
  readonly request?: unknown;
}
interface Target {
  readonly registryName: string;
  readonly versionNumber: string;
}

export interface DataDependencies {
  readonly db: Kysely<RegistryTables>;
  readonly catalogue: Catalogue;
  readonly hash: SubjectHash;
  readonly gate: Gate;
  /** Under it requests that hold secrets are told apart by their idempotency keys. */
  readonly digestKey: Buffer;
  readonly ownIdentifier: OwnIdentifier;
  readonly services: Services;
}

const body = (record: RecordView): RecordView => ({ ...record, content: { ...record.content } });
const attempts = 5;
const expectedVersion = (match: string | undefined): number | undefined =>
  match === undefined ? undefined : Number(match.replaceAll('"', ''));
const noRecord = (): Problem => new Problem(404, 'no record found');

/** What is secret is not asked for in an address: addresses are written down on their way. */
function assertNotSecret({ fields }: Granted, query: Record<string, unknown>): void {
  const named = fields.find(
    ({ name, secret }) => secret && (query.filter === name || `query.${name}` in query),
  );
  if (named) throw badRequest(`${named.name} is secret: ask for it by search, in the body`);
}

/** The surface of records: who may, then one call of the records room, all or nothing. */
export function serveData(parts: DataDependencies): ImplementedSurface {
  const { db, catalogue, hash, gate, digestKey, ownIdentifier, services } = parts;
  const open = (reader: Reader, { registryName, versionNumber }: Target, method: DataMethod) =>
    gate.open(reader, registryName, versionNumber, method);

  /**
   * Writes with a single statement where that is all there is to do, else like `write`. What was changed meanwhile is
   * locked the next time.
   */
  async function writeOne<R extends { readonly status: number; readonly body?: unknown }>(
    reader: Reader,
    target: Target,
    method: DataMethod,
    id: WriteId,
    work: (db: Kysely<RegistryTables>, granted: Granted) => Promise<R>,
  ): Promise<R> {
    const granted = await open(reader, target, method);
    if (id.key === undefined && inOneStatement(granted))
      try {
        return await work(db, granted);
      } catch (error) {
        if (error instanceof StaleRegistry) catalogue.forget(granted.registry.owner, granted.registry.code);
        else if (!mayBeTriedAgain(error)) throw error;
      }
    return write(reader, target, method, id, work);
  }

  /** Writes in one transaction, once per idempotency key; again when the registry was changed meanwhile. */
  async function write<R extends { readonly status: number; readonly body?: unknown }>(
    reader: Reader,
    target: Target,
    method: DataMethod,
    id: WriteId,
    work: (trx: Trx, granted: Granted, creating: Granted) => Promise<R>,
    /** What it may come to, too. */
    or: DataMethod = method,
  ): Promise<R> {
    const { caller, person } = reader;
    for (let attempt = 1; ; attempt += 1) {
      const granted = await open(reader, target, method);
      const other = or === method ? granted : await open(reader, target, or);
      try {
        return await once(
          db,
          {
            // Of the person too: through one console many work, and each gets their own answers.
            scope: [caller.application, caller.service, id.operation, ...(person ? [person.id] : [])].join(
              '/',
            ),
            key: id.key,
            // A fingerprint that anybody can compute would tell a guess that is right.
            request: granted.registry.vault
              ? createHmac('sha256', digestKey)
                  .update(JSON.stringify(id.request) ?? '')
                  .digest('hex')
              : id.request,
          },
          (trx) => work(trx, granted, other),
        );
      } catch (error) {
        if (!(error instanceof StaleRegistry) || attempt >= attempts) throw error;
        catalogue.forget(granted.registry.owner, granted.registry.code);
      }
    }
  }

  /** A record for whoever may see what it said before. */
  async function remembered(reader: Reader, target: Target & { readonly id: string }) {
    const granted = await open(reader, target, 'history');
    const row = await byKey(db, granted, target.id);
    if (!row) throw noRecord();
    return { granted, row };
  }

  return implement(registryData, {
    ...serveFields({ db, gate, hash }),
    listUsableRegistries: async ({ query, headers, caller, person }) => {
      const reader = readerOf(caller, person, headers);
      const registries = await usableRegistries(db, applicationOf(caller.service), query.code, (code) =>
        open(reader, { registryName: code, versionNumber: 'latest' }, 'list'),
      );
      return { status: 200, body: { registries } };
    },
    listRecords: async ({ params, query, headers, caller, person }) => {
      const reader = readerOf(caller, person, headers);
      const granted = await open(reader, params, 'list');
      assertNotSecret(granted, query);
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
      return {
        status: 200,
        body: {
          count,
          countIsExact: exact,
          ...(next === undefined ? {} : { next: linkTo(query, { page: page + 1, cursor: next }) }),
          previous:
            page > 1 && (page - 2) * pageSize <= mostSkipped ? linkTo(query, { page: page - 1 }) : null,
          results: results.map(({ content }) => ({ ...content })),
          records: results.map(({ content: _, ...rest }) => rest),
        },
      };
    },
    createRecord: async ({ params, body: { write: wanted }, caller, person, idempotencyKey: key }) => {
      const reader = readerOf(caller, person);
      const id = { operation: 'createRecord', key, request: { params, body: { write: wanted } } };
      return writeOne(reader, params, 'create', id, async (trx, granted) => {
        const [record] = await createRecords(trx, granted, reader, [wanted.content]);
        if (!record) throw new Error('no record was created');
        return { status: 200, body: body(record) };
      });
    },
    createRecords: async ({ params, body: { write: wanted }, caller, person, idempotencyKey: key }) => {
      const reader = readerOf(caller, person);
      const id = { operation: 'createRecords', key, request: { params, body: { write: wanted } } };
      return writeOne(reader, params, 'create', id, async (trx, granted) => {
        const contents = wanted.map((one) => one.content);
        const records = await createRecords(trx, granted, reader, contents);
        return { status: 200, body: { count: records.length, uuids: records.map(({ uuid }) => uuid) } };
      });
    },
    readRecord: async ({ params, body: { query }, headers, caller, person }) => {
      const reader = readerOf(caller, person, headers);
      const granted = await open(reader, params, 'read');
      const record = await readRecord(db, granted, reader, query.content, hash);
      const [labelled] = await withLabels(db, granted, [body(record)], headers['x-labels']);
      return {
        status: 200,
        body: labelled ?? body(record),
        headers: { etag: `"${record.rowVersion}"` },
      };
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
          results: await withLabels(db, granted, results.map(body), headers['x-labels']),
          ...(next === undefined ? {} : { next }),
        },
      };
    },
    updateRecord: async ({ params, body: asked, headers, caller, person, idempotencyKey: key }) => {
      const reader = readerOf(caller, person);
      const expected = expectedVersion(headers['if-match']);
      const id = { operation: 'updateRecord', key, request: { params, body: asked } };
      return writeOne(reader, params, 'update', id, async (trx, granted) => {
        const { content } = asked.write;
        const record = await updateRecord(trx, granted, reader, asked.query.content, content, expected);
        return { status: 200, body: body(record) };
      });
    },
    updateRecords: async ({ params, body: asked, caller, person, idempotencyKey: key }) => {
      const reader = readerOf(caller, person);
      const id = { operation: 'updateRecords', key, request: { params, body: asked } };
      return write(reader, params, 'update', id, async (trx, granted) => {
        const { content } = asked.write;
        const records = await updateRecords(trx, granted, reader, asked.query.content, content);
        return { status: 200, body: { count: records.length } };
      });
    },
    updateOrCreateRecord: async ({ params, body: asked, caller, person, idempotencyKey: key }) => {
      const reader = readerOf(caller, person);
      const id = { operation: 'updateOrCreateRecord', key, request: { params, body: asked } };
      const change = async (trx: Trx, granted: Granted, creating: Granted) => {
        const { content } = asked.write;
        const sought = asked.query.content;
        const { record } = await updateOrCreate(trx, granted, reader, sought, content, creating);
        return { status: 200 as const, body: body(record) };
      };
      return write(reader, params, 'update', id, change, 'create');
    },
    getRecord: async ({ params, headers, caller, person }) => {
      const reader = readerOf(caller, person, headers);
      const granted = await open(reader, params, 'read');
      const row = await byKey(db, granted, params.id);
      if (!row || (granted.foreign && row.state !== 'active')) throw noRecord();
      await shownRows(db, granted, reader, 'read', [row], hash);
      return {
        status: 200,
        body: { ...body(viewOf(granted, row)), state: row.state as RecordState },
        headers: { etag: `"${row.row_version}"` },
      };
    },
    changeRecord: async ({ params, body: asked, headers, caller, person, idempotencyKey: key }) => {
      const reader = readerOf(caller, person);
      const id = { operation: 'changeRecord', key, request: { params, body: asked } };
      return writeOne(reader, params, 'update', id, async (trx, granted) => {
        const { content } = asked.write;
        const expected = expectedVersion(headers['if-match']);
        const record = await changeRecord(trx, granted, reader, params.id, content, expected);
        return { status: 200, body: body(record) };
      });
    },
    deleteRecord: async ({ params, caller, person }) => {
      const reader = readerOf(caller, person);
      return write(reader, params, 'delete', { operation: 'deleteRecord' }, async (trx, granted) => {
        const row = await byKey(trx, granted, params.id);
        if (row) await deleteRecords(trx, granted, reader, [row.uuid]);
        return { status: 204 as const };
      });
    },
    deleteRecords: async ({ params, body: { query }, caller, person }) => {
      const reader = readerOf(caller, person);
      return write(reader, params, 'delete', { operation: 'deleteRecords' }, async (trx, granted) => {
        const gone = await deleteMatching(trx, granted, reader, query.content);
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
      const dot = params.fieldAndType.lastIndexOf('.');
      const [field, extension] = [params.fieldAndType.slice(0, dot), params.fieldAndType.slice(dot + 1)];
      const document = await documentInField(
        db,
        granted,
        reader,
        params.id,
        field,
        extension.toLowerCase(),
        hash,
      );
      if (document) return asAnswer(document);
      return { status: 200, body: await readValue(db, granted, reader, params.id, field, hash) };
    },
    readHistory: async ({ params, caller, person }) => {
      const reader = readerOf(caller, person);
      const { granted, row } = await remembered(reader, params);
      const changes = await historyOf(db, granted, row.uuid);
      await shownRows(db, granted, reader, 'read', [row], hash);
      return { status: 200, body: { changes } };
    },
    readRecordAsOf: async ({ params, query, headers, caller, person }) => {
      const reader = readerOf(caller, person, headers);
      const { granted, row } = await remembered(reader, params);
      const moment = new Date(query.at);
      if (Number.isNaN(moment.getTime())) throw badRequest('There is no such moment');
      const then = await recordAsOf(db, granted, row.uuid, moment);
      await shownRows(db, granted, reader, 'read', [row], hash);
      return { status: 200, body: then };
    },
    callService: async (input) => {
      const { params, caller } = input;
      const { registry } = await catalogue.find(
        applicationOf(caller.service),
        params.registryName,
        params.versionNumber,
      );
      const service = await services.find(registry.id, registry.version, params.service);
      if (!service?.own) throw notFound('Service');
      return callOwn(service, input, (narrow) => serveData({ ...parts, gate: gateOf(gate, narrow) }));
    },
    readSchema: async ({ params, headers, caller, person }) => {
      const reader = readerOf(caller, person, headers);
      const granted = await open(reader, params, 'read');
      const { registry } = granted;
      const known = [...readable(granted), ...(granted.concealed ?? [])];
      const fields = registry.fields.filter(({ id }) => known.some((one) => one.id === id));
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
      const reader = readerOf(caller, person);
      const subject = await subjectOfReport(
        { db, gate, hash, ownIdentifier },
        owner,
        reader,
        asked.identifier,
      );
      const usage = await usageOf(db, owner, subject, asked.limit ?? 100);
      return { status: 200, body: usage };
    },
  });
}

import {
  type ImplementedSurface,
  implement,
  newId,
  notFound,
  Problem,
  transaction,
} from '@govstack/platform';
import type { Kysely, Transaction } from 'kysely';
import type { Granted, Reader } from '../../access/access.ts';
import { type SubjectHash, usageOf } from '../../history/read-log.ts';
import { itself } from '../../history/schema-log.ts';
import { listRecords } from '../../records/list.ts';
import { byKey, find, readRecord, readValue, recordExists } from '../../records/read.ts';
import { StaleRegistry } from '../../records/statement.ts';
import {
  createRecords,
  deleteRecords,
  updateOrCreate,
  updateRecord,
  updateRecords,
} from '../../records/write.ts';
import type { Catalogue } from '../../schema/catalogue.ts';
import { describeRegistry, listRegistries, type RegistryInfo } from '../../schema/describe.ts';
import { deleteRegistry } from '../../schema/life-cycle.ts';
import { modifyRegistry } from '../../schema/publish.ts';
import type { RegistryTables } from '../../tables.ts';
import { registriesSuite } from './operations.ts';

export interface SuiteDependencies {
  readonly db: Kysely<RegistryTables>;
  readonly catalogue: Catalogue;
  readonly hash: SubjectHash;
  /** The application whose registries the suite sees. */
  readonly owner: string;
  readonly now: () => Date;
}

interface Target {
  readonly registryname: string;
  readonly versionnumber: string;
}

const snakeCase = (info: RegistryInfo) => ({
  id: info.id,
  code: info.code,
  version: info.version,
  name: info.name,
  description: info.description,
  institution: info.institution,
  number_format: info.numberFormat,
  schema: info.schema,
  schema_tags: info.schemaTags.map(({ name, path, isFulltext }) => ({ name, path, is_fulltext: isFulltext })),
  schema_flags: info.schemaFlags,
  fields_uniques: info.fieldsUniques,
  is_draft: info.isDraft,
  is_disabled: info.isDisabled,
  is_archived: info.isArchived,
  modified_at: info.modifiedAt,
  by_user_name: info.byUserName,
});

const initialsOf = (person: string): string => person.slice(0, 2);

/** The suite's surface. Whoever calls is taken for an application of the owner: the mediator is what is left out. */
export function answerSuite({ db, catalogue, hash, owner, now }: SuiteDependencies): ImplementedSurface {
  const readerOf = (): Reader => ({
    caller: {
      application: owner,
      service: `${owner}/registry-data-v1`,
      operator: undefined,
      exchangeId: newId(),
    },
    person: undefined,
    ground: { purpose: undefined, consentReference: undefined, legalGround: undefined },
  });
  const open = async ({ registryname, versionnumber }: Target): Promise<Granted> => {
    const { registry } = await catalogue.find(owner, registryname, versionnumber);
    return { registry, fields: registry.fields, rows: undefined, foreign: false };
  };
  async function write<T>(
    target: Target,
    work: (trx: Transaction<RegistryTables>, granted: Granted, reader: Reader) => Promise<T>,
  ): Promise<T> {
    for (;;) {
      const granted = await open(target);
      try {
        return await transaction(db, (trx) => work(trx, granted, readerOf()));
      } catch (error) {
        if (!(error instanceof StaleRegistry)) throw error;
        catalogue.forget(owner, target.registryname);
      }
    }
  }

  return implement(registriesSuite, {
    async list({ params, query }) {
      const granted = await open(params);
      const { filter, search, ordering } = query;
      const named = filter !== undefined && search !== undefined;
      const { results, count = 0 } = await listRecords(
        db,
        granted,
        readerOf(),
        {
          query: named ? { [filter]: search } : {},
          filters: [],
          words: named ? undefined : search,
          order: filter,
          descending: ordering === 'descending',
          pageSize: query.pageSize ?? 1000,
          cursor: undefined,
          skip: ((query.page ?? 1) - 1) * (query.pageSize ?? 1000),
          count: true,
        },
        hash,
      );
      return {
        status: 200,
        body: { count, previous: null, results: results.map(({ content }) => ({ ...content })) },
      };
    },
    async create({ params, body }) {
      const [record] = await write(params, (trx, granted, reader) =>
        createRecords(trx, granted, reader, [body.write.content]),
      );
      return { status: 200, body: { content: { ...record?.content } } };
    },
    async read({ params, body }) {
      const { content } = await readRecord(db, await open(params), readerOf(), body.query.content, hash);
      return { status: 200, body: { content: { ...content } } };
    },
    async exists({ params, body }) {
      const wrapped = body as { query?: { content?: Record<string, unknown> } };
      const sought = wrapped.query?.content ?? (body as Record<string, unknown>);
      const status = await recordExists(db, await open(params), readerOf(), sought, hash);
      return {
        status: 200,
        body: { answer: { status, message: status ? 'Object found' : 'Object not found' } },
      };
    },
    async update({ params, body }) {
      const { content } = await write(params, (trx, granted, reader) =>
        updateRecord(trx, granted, reader, body.query.content, body.write.content, undefined),
      );
      return { status: 200, body: { content: { ...content } } };
    },
    async updateEntries({ params, body }) {
      const records = await write(params, (trx, granted, reader) =>
        updateRecords(trx, granted, reader, body.query.content, body.write.content),
      );
      return { status: 200, body: { count: records.length } };
    },
    async updateOrCreate({ params, body }) {
      const { record } = await write(params, (trx, granted, reader) =>
        updateOrCreate(trx, granted, reader, body.query.content, body.write.content),
      );
      return { status: 200, body: { content: { ...record.content } } };
    },
    async delete({ params }) {
      await write(params, async (trx, granted, reader) => {
        const named = granted.fields.find(({ name }) => name === 'ID');
        const [row] = named ? await find(trx, granted, { ID: params.id }, { limit: 1 }) : [];
        const found = row ?? (await byKey(trx, granted, params.id));
        if (found) await deleteRecords(trx, granted, reader, [found.uuid]);
      });
      return { status: 204 };
    },
    async readValue({ params }) {
      const field = params.fieldAndType.slice(0, params.fieldAndType.lastIndexOf('.'));
      const value = await readValue(db, await open(params), readerOf(), params.uuid, field, hash);
      return { status: 200, body: value };
    },
    async personalDataUsage({ query }) {
      const usage = await usageOf(db, owner, hash(query.userID), 100);
      return {
        status: 200,
        body: usage.map((one) => ({
          ID: one.id,
          ReaderID: one.readerId ?? one.readerApplication,
          ReaderInitials: initialsOf(one.readerId ?? one.readerApplication),
          ReaderInstitutionID: one.readerApplication.split('/')[2] ?? '',
          ReaderInstitutionName: one.readerApplication.split('/').slice(0, 3).join('/'),
          ReaderApplicationName: one.readerApplication,
          SearchDateTime: one.time,
          Refrences: one.purpose === null ? [] : [{ ReferenceID: one.purpose }],
        })),
      };
    },
    async readDatabase({ params }) {
      const info = await describeRegistry(db, owner, String(params.id));
      if (!info) throw notFound('Database');
      return { status: 200, body: snakeCase(info) };
    },
    async deleteDatabase({ params }) {
      try {
        const code = await deleteRegistry(db, owner, String(params.id), itself(owner, 'suite'), 30, now());
        if (code !== undefined) catalogue.forget(owner, code);
      } catch (error) {
        // An archive that still waits is deleted as far as the suite can tell.
        if (!(error instanceof Problem) || error.status !== 409) throw error;
      }
      return { status: 200, body: 'Success' };
    },
    async modifyDatabase({ body }) {
      const code = body.code.toLowerCase();
      const details = { name: body.catalog_name, groupName: body.group_name };
      const lenient = { lenient: true, by: itself(owner, 'suite') };
      const { version } = await modifyRegistry(
        db,
        owner,
        code,
        { details, schema: body.schema, ...lenient },
        { accept: false, ...lenient },
      );
      catalogue.forget(owner, code);
      return { status: 200, body: { ...(await catalogue.schema(owner, code, version)) } };
    },
    async listDatabases() {
      const databases = (await listRegistries(db, owner)).map(snakeCase);
      return { status: 200, body: { id: 1, name: owner, code: owner.split('/')[3] as string, databases } };
    },
  });
}

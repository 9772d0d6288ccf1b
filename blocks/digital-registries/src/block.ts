import {
  announce,
  applicationOf,
  type Caller,
  defineBlock,
  forbidden,
  implement,
  memberOf,
  notFound,
  once,
  type Person,
  transaction,
} from '@govstack/platform';
import { type EventSpec, Type } from '@govstack/platform/operation';
import type { Transaction } from 'kysely';
import { type DataMethod, type Ground, openFor, putAccess, type Reader } from './access/access.ts';
import { consentVerifier } from './access/consent.ts';
import { recordCreated, recordUpdated, registryData, registryDatabase } from './api/operations.ts';
import { startSealing, verifyChanges } from './history/change-log.ts';
import { logRead, subjectHash, usageOf } from './history/read-log.ts';
import {
  createRecords,
  deleteRecord,
  historyOf,
  readRecord,
  recordExists,
  searchRecords,
  updateRecord,
} from './records/store.ts';
import { findRegistry, listRegistries, modifyRegistry, type Registry } from './schema/registries.ts';
import type { RegistryTables } from './tables.ts';

const config = Type.Object({
  /** Service id of the consent block, asked before data is given under consent; empty: references are required but not verified. */
  consentService: Type.String({ default: '' }),
  /** Longest time in which a withdrawn consent may still be honoured. */
  consentCacheSeconds: Type.Integer({ default: 5, minimum: 0, maximum: 300 }),
});

type GroundHeaders = { 'x-purpose'?: string; 'x-consent-reference'?: string; 'x-legal-ground'?: string };

const groundOf = (headers: GroundHeaders): Ground => ({
  purpose: headers['x-purpose'],
  consentReference: headers['x-consent-reference'],
  legalGround: headers['x-legal-ground'],
});
const noGround: Ground = { purpose: undefined, consentReference: undefined, legalGround: undefined };

/** Authoritative records of many agencies, each in registries of its own. */
export const digitalRegistries = defineBlock({
  name: 'digital-registries',
  title: 'Digital registries',
  version: '0.1.0',
  surfaces: [registryData, registryDatabase],
  config,
  migrations: new URL('../migrations/', import.meta.url),
  emits: [recordCreated, recordUpdated],
  async start(ctx) {
    const db = ctx.database<RegistryTables>();
    const hash = subjectHash(ctx.secret('subjects'));
    const { consentService, consentCacheSeconds } = ctx.config;
    if (consentService === '')
      ctx.log.warn(
        'consent references are required where a registry asks for them, but not verified: no consent service is configured',
      );
    const verifyConsent =
      consentService === ''
        ? async () => true
        : consentVerifier(ctx.mediation, consentService, consentCacheSeconds * 1000);
    const open = (
      reader: Reader,
      target: { registryName: string; versionNumber: string },
      method: DataMethod,
    ) => openFor(db, reader, target.registryName, target.versionNumber, method, verifyConsent);
    const readerOf = (
      caller: Caller,
      person: Person | undefined,
      headers: GroundHeaders | undefined,
    ): Reader => ({
      caller,
      person,
      ground: headers ? groundOf(headers) : noGround,
    });
    /** Registries are administered by applications of the member that owns them. */
    const administer = (caller: Caller): string => {
      const owner = applicationOf(caller.service);
      if (memberOf(caller.application) !== memberOf(owner))
        throw forbidden('Registries are administered by their own agency');
      return owner;
    };
    const tell = async (
      trx: Transaction<RegistryTables>,
      event: EventSpec<typeof recordCreated.data>,
      registry: Registry,
      uuid: string,
      names: readonly string[],
    ) => {
      if (!registry.announce) return;
      const fields = registry.current.filter((field) => names.includes(field.name)).map((field) => field.id);
      await announce(trx, event, { subject: uuid, data: { registry: registry.code, record: uuid, fields } });
    };
    let sealing: { stop(): Promise<void> } | undefined;

    return {
      surfaces: [
        implement(registryData, {
          createRecord: async ({ params, body, caller, person, idempotencyKey }) => {
            const reader = readerOf(caller, person, undefined);
            const granted = await open(reader, params, 'create');
            const key = {
              scope: `${caller.application}/${caller.service}/createRecord`,
              key: idempotencyKey,
              request: { params, body },
            };
            return once(db, key, async (trx) => {
              const [record] = await createRecords(trx, granted, reader, [body.write.content]);
              if (!record) throw new Error('no record was created');
              await tell(trx, recordCreated, granted.registry, record.uuid, Object.keys(record.content));
              return { status: 200, body: { ...record, content: { ...record.content } } };
            });
          },
          createRecords: async ({ params, body, caller, person, idempotencyKey }) => {
            const reader = readerOf(caller, person, undefined);
            const granted = await open(reader, params, 'create');
            const key = {
              scope: `${caller.application}/${caller.service}/createRecords`,
              key: idempotencyKey,
              request: { params, body },
            };
            return once(db, key, async (trx) => {
              const records = await createRecords(
                trx,
                granted,
                reader,
                body.write.map((one) => one.content),
              );
              for (const record of records)
                await tell(trx, recordCreated, granted.registry, record.uuid, Object.keys(record.content));
              return {
                status: 200,
                body: { count: records.length, uuids: records.map((record) => record.uuid) },
              };
            });
          },
          readRecord: async ({ params, body, headers, caller, person }) => {
            const reader = readerOf(caller, person, headers);
            const granted = await open(reader, params, 'read');
            const record = await readRecord(db, granted, reader, body.query.content, hash);
            return {
              status: 200,
              body: { ...record, content: { ...record.content } },
              headers: { etag: `"${record.rowVersion}"` },
            };
          },
          recordExists: async ({ params, body, headers, caller, person }) => {
            const reader = readerOf(caller, person, headers);
            const granted = await open(reader, params, 'exists');
            const status = await recordExists(db, granted, reader, body.query.content, hash);
            return {
              status: 200,
              body: { answer: { status, message: status ? 'Object found' : 'Object not found' } },
            };
          },
          searchRecords: async ({ params, body, headers, caller, person }) => {
            const reader = readerOf(caller, person, headers);
            const granted = await open(reader, params, 'list');
            const search = {
              query: body.query?.content ?? {},
              pageSize: body.pageSize ?? 100,
              ...(body.after === undefined ? {} : { after: body.after }),
            };
            const { results, next } = await searchRecords(db, granted, reader, search, hash);
            return {
              status: 200,
              body: {
                count: results.length,
                results: results.map((record) => ({ ...record, content: { ...record.content } })),
                ...(next === undefined ? {} : { next }),
              },
            };
          },
          updateRecord: async ({ params, body, headers, caller, person, idempotencyKey }) => {
            const reader = readerOf(caller, person, undefined);
            const granted = await open(reader, params, 'update');
            const match = headers['if-match'];
            const expected = match === undefined ? undefined : Number(match.replaceAll('"', ''));
            const key = {
              scope: `${caller.application}/${caller.service}/updateRecord`,
              key: idempotencyKey,
              request: { params, body },
            };
            return once(db, key, async (trx) => {
              const record = await updateRecord(
                trx,
                granted,
                reader,
                body.query.content,
                body.write.content,
                expected,
              );
              await tell(trx, recordUpdated, granted.registry, record.uuid, Object.keys(body.write.content));
              return { status: 200, body: { ...record, content: { ...record.content } } };
            });
          },
          deleteRecord: async ({ params, caller, person }) => {
            const reader = readerOf(caller, person, undefined);
            const granted = await open(reader, params, 'delete');
            await transaction(db, (trx) => deleteRecord(trx, granted, reader, params.id));
            return { status: 204 };
          },
          readHistory: async ({ params, caller, person }) => {
            const reader = readerOf(caller, person, undefined);
            const granted = await open(reader, params, 'read');
            if (granted.foreign) throw notFound('Record');
            const changes = await historyOf(db, granted, params.id);
            await logRead(
              db,
              granted,
              reader,
              'read',
              granted.fields.map((field) => field.name),
              [params.id],
              [],
            );
            return {
              status: 200,
              body: {
                changes: changes.map((change) => ({
                  rowVersion: change.rowVersion,
                  action: change.action,
                  application: change.application,
                  person: change.person,
                  before: change.before === null ? null : { ...change.before },
                  after: change.after === null ? null : { ...change.after },
                  at: change.at,
                })),
              },
            };
          },
          queryUsage: async ({ body, caller, person }) => {
            const owner = applicationOf(caller.service);
            const usage = await usageOf(db, owner, hash(body.identifier), body.limit ?? 100);
            ctx.log.info(
              { audit: 'usage-report', application: caller.application, person: person?.id },
              'usage report read',
            );
            return { status: 200, body: usage };
          },
        }),
        implement(registryDatabase, {
          modifyRegistry: async ({ body, caller }) => {
            const owner = administer(caller);
            const registry = await transaction(db, (trx) =>
              modifyRegistry(trx, owner, {
                code: body.code,
                groupName: body.groupName,
                name: body.catalogName,
                schema: body.schema,
              }),
            );
            return {
              status: 200,
              body: { code: registry.code, version: registry.version, schema: body.schema },
            };
          },
          listRegistries: async ({ caller }) => {
            const owner = administer(caller);
            return {
              status: 200,
              body: {
                id: 1,
                name: owner,
                code: owner.split('/')[3] as string,
                databases: await listRegistries(db, owner),
              },
            };
          },
          putAccess: async ({ params, body, caller }) => {
            const owner = administer(caller);
            await putAccess(db, await findRegistry(db, owner, params.code, 'latest'), body.application, body);
            return { status: 204 };
          },
          verifyChanges: async ({ caller }) => {
            administer(caller);
            return { status: 200, body: await verifyChanges(db, 10_000_000) };
          },
        }),
      ],
      async ready() {
        sealing = startSealing(db, ctx.log);
      },
      async stop() {
        await sealing?.stop();
      },
    };
  },
});

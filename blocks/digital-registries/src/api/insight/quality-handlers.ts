import { type Handlers, Problem } from '@govstack/platform';
import type { Kysely, Transaction } from 'kysely';
import type { Granted, Reader } from '../../access/access.ts';
import { deleteLegalHold, putLegalHold } from '../../history/legal-hold.ts';
import { actorOf, logSchema } from '../../history/schema-log.ts';
import { findDuplicates } from '../../quality/duplicates.ts';
import { decidePair, listPairs, mergePair, undoMerge } from '../../quality/pairs.ts';
import { measureQuality, qualityDays } from '../../quality/quality.ts';
import { beginSearch, readSearch, searchJob } from '../../quality/search.ts';
import { byKey } from '../../records/read.ts';
import { StaleRegistry } from '../../records/statement.ts';
import type { RegistryTables } from '../../tables.ts';
import { readerOf } from '../reader-of.ts';
import type { InsightParts } from './parts.ts';
import type { qualityOperations } from './quality-operations.ts';

type Trx = Transaction<RegistryTables>;
type Who = Parameters<InsightParts['gate']['administer']>[0];

const attempts = 5;
const conflictWithoutRules = (): Problem => new Problem(409, 'The schema says nothing of duplicates');

export function qualityHandlers(parts: InsightParts): Handlers<typeof qualityOperations> {
  const { db, catalogue, gate, hash, jobs, now } = parts;

  /** A registry of their own, for those who administer it. */
  const own = async (who: Who, code: string) =>
    (await catalogue.find(gate.administer(who), code, 'latest')).registry;

  /** Changes records in one transaction, again when the registry was changed meanwhile. */
  async function change<T>(
    reader: Reader,
    code: string,
    work: (trx: Trx, granted: Granted, by: string) => Promise<T>,
  ): Promise<T> {
    const by = actorOf(reader).name;
    for (let attempt = 1; ; attempt += 1) {
      await gate.open(reader, code, 'latest', 'delete');
      const granted = await gate.open(reader, code, 'latest', 'update');
      try {
        return await db.transaction().execute((trx) => work(trx, granted, by));
      } catch (error) {
        if (!(error instanceof StaleRegistry) || attempt >= attempts) throw error;
        catalogue.forget(granted.registry.owner, granted.registry.code);
      }
    }
  }

  /** A record that is held or let go, whatever its state. */
  async function held(who: Who, { code, id }: { code: string; id: string }) {
    const owner = gate.administer(who);
    const granted = await gate.open(readerOf(who.caller, who.person), code, 'latest', 'read');
    const row = await byKey(db as Kysely<RegistryTables>, granted, id);
    if (!row) throw new Problem(404, 'no record found');
    return { owner, registry: granted.registry, record: row.uuid };
  }

  return {
    async readQuality({ params, query, ...who }) {
      const days = await qualityDays(db, await own(who, params.code), query.days ?? 30);
      return { status: 200, body: days.map((one) => ({ ...one, fields: [...one.fields] })) };
    },
    async measureQuality({ params, ...who }) {
      const measured = await measureQuality(db, await own(who, params.code), now());
      return { status: 200, body: { ...measured, fields: [...measured.fields] } };
    },
    async findDuplicates({ params, body, headers, caller, person }) {
      const reader = readerOf(caller, person, headers);
      const granted = await gate.open(reader, params.code, 'latest', 'exists');
      const candidates = await findDuplicates(db, granted, reader, body.content, body.limit ?? 10, hash);
      const names = new Map(granted.fields.map(({ id, name }) => [id, name]));
      return {
        status: 200,
        body: {
          action: granted.registry.duplicates?.action ?? 'warn',
          candidates: candidates.map(({ score, fields, ...one }) => ({
            ...one,
            score: Math.round(score * 1000) / 1000,
            fields: fields.flatMap((id) => names.get(id) ?? []),
          })),
        },
      };
    },
    async searchDuplicates({ params, ...who }) {
      const registry = await own(who, params.code);
      if (!registry.duplicates) throw conflictWithoutRules();
      const id = await db.transaction().execute(async (trx) => {
        const search = await beginSearch(trx, registry);
        await jobs.send(trx, searchJob, { search });
        return search;
      });
      return { status: 202, body: { id } };
    },
    async getDuplicateSearch({ params, ...who }) {
      return { status: 200, body: await readSearch(db, await own(who, params.code), params.id) };
    },
    async listDuplicates({ params, query, ...who }) {
      const registry = await own(who, params.code);
      return { status: 200, body: await listPairs(db, registry, query.state ?? 'open', query.limit ?? 100) };
    },
    async decideDuplicate({ params, body, ...who }) {
      const registry = await own(who, params.code);
      const by = actorOf(who).name;
      await db.transaction().execute((trx) => decidePair(trx, registry, params.id, body.decision, by));
      return { status: 204 };
    },
    async mergeDuplicates({ params, body, caller, person }) {
      await own({ caller, person }, params.code);
      const reader = readerOf(caller, person);
      const merged = await change(reader, params.code, (trx, granted, by) =>
        mergePair(trx, granted, reader, params.id, body.survivor, body.take ?? [], by),
      );
      return { status: 200, body: { ...merged } };
    },
    async undoMerge({ params, caller, person }) {
      await own({ caller, person }, params.code);
      const reader = readerOf(caller, person);
      await change(reader, params.code, (trx, granted, by) => undoMerge(trx, granted, reader, params.id, by));
      return { status: 204 };
    },
    async putRetention({ params, body, ...who }) {
      const { id, owner, code } = await own(who, params.code);
      await db.transaction().execute(async (trx) => {
        const before = await trx
          .selectFrom('registry')
          .select('retention_action')
          .where('id', '=', id)
          .forUpdate()
          .executeTakeFirstOrThrow();
        await trx
          .updateTable('registry')
          .set({ retention_action: body.action })
          .where('id', '=', id)
          .execute();
        await logSchema(trx, actorOf(who), {
          registry: { id, owner, code },
          action: 'settings',
          before: { retention: before.retention_action },
          after: { retention: body.action },
        });
      });
      return { status: 204 };
    },
    async putLegalHold({ params, body, ...who }) {
      const { registry, record } = await held(who, params);
      await db.transaction().execute(async (trx) => {
        await putLegalHold(trx, registry.id, record, body.reason, actorOf(who).name);
        const after = { legalHold: { record, reason: body.reason } };
        await logSchema(trx, actorOf(who), { registry, action: 'settings', after });
      });
      return { status: 204 };
    },
    async deleteLegalHold({ params, ...who }) {
      const { registry, record } = await held(who, params);
      await db.transaction().execute(async (trx) => {
        if (await deleteLegalHold(trx, registry.id, record))
          await logSchema(trx, actorOf(who), {
            registry,
            action: 'settings',
            before: { legalHold: { record } },
          });
      });
      return { status: 204 };
    },
  };
}

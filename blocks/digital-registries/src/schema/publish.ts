import { conflict, notFound, Problem } from '@govstack/platform';
import canonicalize from 'canonicalize';
import { type Kysely, sql } from 'kysely';
import type { RegistryTables } from '../tables.ts';
import { everyField } from './catalogue.ts';
import { compare, type Finding, pointerOf } from './compatibility.ts';
import { type CompiledSchema, compileSchema } from './compile.ts';
import { type Column, storedFields } from './field.ts';
import { addColumns, backfill, createTable, ensureIndexes, indexesFor } from './table.ts';

type Db = Kysely<RegistryTables>;

/** What its owner says of a registry, besides the schema. */
export interface RegistryDetails {
  readonly name?: string | undefined;
  readonly groupName?: string | undefined;
  readonly description?: string | undefined;
  readonly domain?: string | undefined;
  readonly institution?: string | undefined;
  readonly classification?: 'open' | 'restricted' | 'confidential' | undefined;
  readonly retentionDays?: number | null | undefined;
  readonly numberFormat?: string | undefined;
  readonly storageProfile?: 'standard' | 'lean' | undefined;
}

export interface DraftInput {
  readonly details: RegistryDetails;
  readonly schema: unknown;
  readonly by: string;
  /** Take what is not a type for text or an object. */
  readonly lenient: boolean;
}

/** A draft with what publishing it would do. */
export interface Draft {
  readonly registryId: string;
  readonly code: string;
  readonly schema: unknown;
  readonly report: readonly Finding[];
  readonly publishing: boolean;
  readonly failure: string | null;
}

const reserved = new Set(['mypersonaldatausage']);

async function versionsOf(db: Db, registryId: string) {
  const rows = await db
    .selectFrom('registry_version')
    .select(['version', 'position', 'schema', 'fields'])
    .where('registry_id', '=', registryId)
    .orderBy('position', 'desc')
    .execute();
  return rows.map((row) => ({ ...row, fields: storedFields(row.fields) }));
}

const rowOf = (db: Db, owner: string, code: string) =>
  db
    .selectFrom('registry')
    .selectAll()
    .where('owner', '=', owner)
    .where('code', '=', code.toLowerCase())
    .executeTakeFirst();

type Row = NonNullable<Awaited<ReturnType<typeof rowOf>>>;
type Versions = Awaited<ReturnType<typeof versionsOf>>;

export async function registryRow(db: Db, owner: string, code: string): Promise<Row> {
  const row = await rowOf(db, owner, code);
  if (!row) throw notFound('Registry');
  return row;
}

const compiled = (row: Row, versions: Versions, schema: unknown, lenient: boolean): CompiledSchema =>
  compileSchema(schema, {
    before: everyField(versions),
    firstFreeId: row.next_field_id,
    columns: row.columns as Column[],
    lenient,
  });

const columnsOf = (details: RegistryDetails) => {
  const said = {
    name: details.name,
    group_name: details.groupName,
    description: details.description,
    domain: details.domain,
    institution: details.institution,
    classification: details.classification,
    retention_days: details.retentionDays,
    number_format: details.numberFormat,
    storage_profile: details.storageProfile,
  };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
};

/** Keeps a schema as the draft of a registry's next version; makes the registry when there is none. */
export async function putDraft(db: Db, owner: string, code: string, input: DraftInput): Promise<Draft> {
  if (!/^[a-z][a-z0-9-]{0,59}$/.test(code) || reserved.has(code))
    throw new Problem(400, 'code must be kebab-case', {
      errors: [{ in: 'body', pointer: '/code', detail: 'is not usable' }],
    });
  return db.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(hashtext(${`registry/${owner}/${code}`}))`.execute(trx);
    const existing = await rowOf(trx, owner, code);
    if (existing?.state === 'archived') throw conflict('The registry is archived');
    const changed = {
      ...columnsOf(input.details),
      modified_by: input.by,
      modified_at: new Date().toISOString(),
    };
    const row = existing
      ? await trx
          .updateTable('registry')
          .set(changed)
          .where('id', '=', existing.id)
          .returningAll()
          .executeTakeFirstOrThrow()
      : await trx
          .insertInto('registry')
          .values({
            name: code,
            group_name: code,
            ...changed,
            owner,
            code,
            state: 'draft',
            requires: null,
            announce: false,
            next_field_id: 1,
          })
          .returningAll()
          .executeTakeFirstOrThrow();
    const versions = await versionsOf(trx, row.id);
    const { schema, fields } = compiled(row, versions, input.schema, input.lenient);
    const draft = {
      schema: JSON.stringify(schema),
      modified_by: input.by,
      modified_at: new Date().toISOString(),
      failure: null,
    };
    const written = await trx
      .insertInto('registry_draft')
      .values({ registry_id: row.id, ...draft })
      .onConflict((one) =>
        one
          .constraint('registry_draft_pkey')
          .doUpdateSet(draft)
          .where('registry_draft.publishing', '=', false),
      )
      .executeTakeFirst();
    if (written.numInsertedOrUpdatedRows === 0n) throw conflict('The draft is being published');
    const report = versions[0] ? compare(versions[0].fields, fields) : [];
    return { registryId: row.id, code, schema, report, publishing: false, failure: null };
  });
}

/** The draft of a registry, with its report against the version that is published now. */
export async function readDraft(db: Db, owner: string, code: string, lenient: boolean): Promise<Draft> {
  const row = await registryRow(db, owner, code);
  const draft = await db
    .selectFrom('registry_draft')
    .selectAll()
    .where('registry_id', '=', row.id)
    .executeTakeFirst();
  if (!draft) throw notFound('Draft');
  const versions = await versionsOf(db, row.id);
  const { fields } = compiled(row, versions, draft.schema, lenient);
  const report = versions[0] ? compare(versions[0].fields, fields) : [];
  return {
    registryId: row.id,
    code: row.code,
    schema: draft.schema,
    report,
    publishing: draft.publishing,
    failure: draft.failure,
  };
}

/** Throws a draft away; a registry that was never published goes with it. */
export async function discardDraft(db: Db, owner: string, code: string): Promise<void> {
  const row = await rowOf(db, owner, code);
  if (!row) return;
  await db.transaction().execute(async (trx) => {
    const gone = await trx
      .deleteFrom('registry_draft')
      .where('registry_id', '=', row.id)
      .where('publishing', '=', false)
      .executeTakeFirst();
    if (gone.numDeletedRows === 0n) {
      const left = await trx
        .selectFrom('registry_draft')
        .select('publishing')
        .where('registry_id', '=', row.id)
        .execute();
      if (left.length > 0) throw conflict('The draft is being published');
      return;
    }
    if (row.state === 'draft') await trx.deleteFrom('registry').where('id', '=', row.id).execute();
  });
}

export interface PublishOptions {
  /** Publish although the report names breaking changes. */
  readonly accept: boolean;
  readonly by: string;
  readonly lenient: boolean;
}

export interface Published {
  readonly version: string;
  readonly report: readonly Finding[];
}

const lockTimeout = "set local lock_timeout = '2s'";
const attempts = 10;
const isLockTimeout = (error: unknown): boolean => (error as { code?: string }).code === '55P03';

/** Does what takes a short lock on a busy table; waits for at most two seconds at a time, so that nobody waits longer. */
async function withShortLock<T>(db: Db, work: (trx: Db) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1)
    try {
      return await db.transaction().execute(async (trx) => {
        await sql.raw(lockTimeout).execute(trx);
        return work(trx);
      });
    } catch (error) {
      if (!isLockTimeout(error) || attempt >= attempts) throw error;
    }
}

/** Work on the versions of a registry, one at a time; whoever comes meanwhile waits for half a minute. */
async function oneAtATime<T>(db: Db, owner: string, code: string, work: () => Promise<T>): Promise<T> {
  return db.connection().execute(async (lock) => {
    const name = `publish/${owner}/${code}`;
    try {
      await sql`select set_config('lock_timeout', '30s', false)`.execute(lock);
      await sql`select pg_advisory_lock(hashtext(${name}))`.execute(lock);
    } catch (error) {
      if (isLockTimeout(error)) throw conflict('The registry is being published');
      throw error;
    } finally {
      await sql`select set_config('lock_timeout', '0', false)`.execute(lock);
    }
    try {
      return await work();
    } finally {
      await sql`select pg_advisory_unlock(hashtext(${name}))`.execute(lock);
    }
  });
}

/**
 * Publishes the draft as the next version. Every step may be repeated and none rewrites the table or keeps writers
 * waiting: new columns first, filled by every writer from then on; indexes beside them; old values brought over in
 * batches; the version last, so nobody sees it before it is whole.
 */
export const publishDraft = (
  db: Db,
  owner: string,
  code: string,
  options: PublishOptions,
): Promise<Published> => oneAtATime(db, owner, code, () => publishLocked(db, owner, code, options));

/** Keeps a schema as draft and publishes it at once; refused, it stays a draft. */
export const modifyRegistry = (
  db: Db,
  owner: string,
  code: string,
  input: DraftInput,
  options: PublishOptions,
): Promise<Published> =>
  oneAtATime(db, owner, code, async () => {
    await putDraft(db, owner, code, input);
    return publishLocked(db, owner, code, options);
  });

async function publishLocked(
  db: Db,
  owner: string,
  code: string,
  options: PublishOptions,
): Promise<Published> {
  const row = await registryRow(db, owner, code);
  if (row.state === 'archived') throw conflict('The registry is archived');
  const draft = await db
    .selectFrom('registry_draft')
    .selectAll()
    .where('registry_id', '=', row.id)
    .executeTakeFirst();
  if (!draft) throw notFound('Draft');
  const versions = await versionsOf(db, row.id);
  const [latest] = versions;
  const next = compiled(row, versions, draft.schema, options.lenient);
  const report = latest ? compare(latest.fields, next.fields) : [];
  const breaking = report.filter((one) => one.breaking);
  if (breaking.length > 0 && !options.accept)
    throw new Problem(409, 'The new version is not compatible with the published one', {
      type: 'urn:govstack:registries:incompatible',
      errors: breaking.map(({ pointer, detail }) => ({ in: 'body' as const, pointer, detail })),
    });
  if (latest && canonicalize(latest.schema) === canonicalize(next.schema)) {
    await db.deleteFrom('registry_draft').where('registry_id', '=', row.id).execute();
    return { version: latest.version, report: [] };
  }
  await assertLinks(db, owner, row, next);

  const columns = row.columns as Column[];
  const added = next.fields
    .filter((field) => !columns.some(({ column }) => column === field.column))
    .map(({ id, column, type }): Column => ({ field: id, column, type }));
  const everyColumn = [...columns, ...added];
  const indexes = row.storage_profile === 'lean' ? [] : indexesFor(row.id, next.fields, next.uniques);
  const needed = indexesFor(row.id, next.fields, next.uniques).filter((one) => one.unique);
  const wanted = [...new Map([...needed, ...indexes].map((one) => [one.name, one])).values()];

  const asVersion = async (trx: Db): Promise<string> => {
    const position = (latest?.position ?? 0) + 1;
    const version = `${position}.0`;
    await trx
      .insertInto('registry_version')
      .values({
        registry_id: row.id,
        version,
        position,
        schema: JSON.stringify(next.schema),
        fields: JSON.stringify(next.fields),
        published_by: options.by,
        report: JSON.stringify(report),
      })
      .execute();
    await trx
      .updateTable('registry')
      .set({
        state: 'published',
        columns: JSON.stringify(everyColumn),
        requires: next.schema['x-requires'] ?? null,
        announce: next.schema['x-announce'] ?? false,
        next_field_id: next.nextFieldId,
        revision: sql`revision + 1`,
        modified_by: options.by,
        modified_at: new Date().toISOString(),
      })
      .where('id', '=', row.id)
      .execute();
    await trx.deleteFrom('registry_draft').where('registry_id', '=', row.id).execute();
    return version;
  };

  if (!latest)
    return db.transaction().execute(async (trx) => {
      await createTable(trx, row.id);
      await addColumns(trx, row.id, added);
      await ensureIndexes(trx, row.id, wanted, false);
      return { version: await asVersion(trx), report };
    });

  await db
    .updateTable('registry_draft')
    .set({ publishing: true, failure: null })
    .where('registry_id', '=', row.id)
    .execute();
  try {
    if (added.length > 0)
      await withShortLock(db, async (trx) => {
        await addColumns(trx, row.id, added);
        await trx
          .updateTable('registry')
          .set({ columns: JSON.stringify(everyColumn), revision: sql`revision + 1` })
          .where('id', '=', row.id)
          .execute();
      });
    for (const to of added) {
      const before = latest.fields.find((field) => field.id === to.field);
      const from = before && columns.find(({ column }) => column === before.column);
      if (from) await backfill(db, row.id, from, to);
    }
    await ensureIndexes(db, row.id, wanted, true);
    return { version: await db.transaction().execute(asVersion), report };
  } catch (error) {
    const failure = duplicates(error, next) ?? error;
    await db
      .updateTable('registry_draft')
      .set({ publishing: false, failure: (failure as Error).message.slice(0, 500) })
      .where('registry_id', '=', row.id)
      .execute();
    throw failure;
  }
}

/** A unique field or set of fields that the records there are do not keep to. */
function duplicates(error: unknown, { fields }: CompiledSchema): Problem | undefined {
  const { code, constraint } = error as { code?: string; constraint?: string };
  if (code !== '23505') return undefined;
  const columns = (constraint ?? '').split('_').slice(2).join('_');
  const named = fields.filter(({ column }) => column.slice(2) === columns);
  return new Problem(409, 'Records have the same value in a field that is to be unique', {
    type: 'urn:govstack:registries:duplicates',
    errors: named.map(({ name }) => ({
      in: 'body' as const,
      pointer: pointerOf(name),
      detail: 'has duplicates',
    })),
  });
}

/** Strict links lead to a field of a published registry of the same owner. */
async function assertLinks(db: Db, owner: string, own: Row, { fields }: CompiledSchema): Promise<void> {
  const errors: { in: 'body'; pointer: string; detail: string }[] = [];
  for (const field of fields)
    for (const link of field.links.filter(({ kind }) => kind === 'strict')) {
      const target = await targetOf(db, owner, link.registry);
      const there =
        target?.id === own.id ? fields : target ? (await versionsOf(db, target.id))[0]?.fields : undefined;
      if (!there?.some(({ id }) => id === link.field))
        errors.push({
          in: 'body',
          pointer: `${pointerOf(field.name)}/foreignKeys`,
          detail: `leads to field ${link.field} of ${link.registry}, which there is not`,
        });
    }
  if (errors.length > 0) throw new Problem(400, 'The schema is not valid', { errors });
}

/** The registry a link names, by code or by id, of the same owner. */
export const targetOf = (db: Db, owner: string, key: string) =>
  db
    .selectFrom('registry')
    .selectAll()
    .where('owner', '=', owner)
    .where((either) =>
      either.or([
        either('code', '=', key.toLowerCase()),
        ...(/^\d{1,18}$/.test(key) ? [either('id', '=', key)] : []),
      ]),
    )
    .executeTakeFirst();

import { createHash } from 'node:crypto';
import { announce, badRequest, conflict, notFound, Problem } from '@govstack/platform';
import canonicalize from 'canonicalize';
import { type Kysely, sql, type Transaction } from 'kysely';
import { registryPublished } from '../api/events.ts';
import { type Actor, logSchema } from '../history/schema-log.ts';
import { duplicateIndexes } from '../quality/rules.ts';
import type { Keyring } from '../secrets/keyring.ts';
import { carryServices } from '../services/services.ts';
import type { RegistryTables } from '../tables.ts';
import { closeViews, viewFindings } from '../views/findings.ts';
import { backfillSealed } from './backfill-sealed.ts';
import { everyField } from './catalogue.ts';
import { compare, type Finding, pointerOf } from './compatibility.ts';
import { type CompiledSchema, compileSchema } from './compile.ts';
import { concealedFields, concealedIn, neededColumns } from './concealment.ts';
import { type Column, type Field, storedFields } from './field.ts';
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
  readonly by: Actor;
  /** Take what is not a type for text or an object. */
  readonly lenient: boolean;
  /** Tag of the schema this one was made from: what somebody else has changed since is not lost. `new`: there is none. */
  readonly basedOn?: string | undefined;
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

/** The schema of the draft; without one, of the newest version. */
async function currentSchema(db: Db, registryId: string): Promise<unknown> {
  const draft = await db
    .selectFrom('registry_draft')
    .select('schema')
    .where('registry_id', '=', registryId)
    .executeTakeFirst();
  return draft ? draft.schema : (await versionsOf(db, registryId))[0]?.schema;
}

const compiled = (row: Row, versions: Versions, schema: unknown, lenient: boolean): CompiledSchema =>
  compileSchema(schema, {
    before: everyField(versions),
    firstFreeId: row.next_field_id,
    columns: row.columns as Column[],
    retired: row.retired_columns as Column[],
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

/** What is on record of a registry when a draft is kept: all but the schema, which is when it is published. */
const detailsOf = (row: Row) => ({
  name: row.name,
  groupName: row.group_name,
  description: row.description,
  domain: row.domain,
  institution: row.institution,
  classification: row.classification,
  retentionDays: row.retention_days,
  numberFormat: row.number_format,
  storageProfile: row.storage_profile,
});
/** What a version with these fields would change: for records and clients, and for the views that show them. */
const reportOf = async (
  db: Db,
  row: Row,
  [latest]: Versions,
  fields: readonly Field[],
): Promise<Finding[]> =>
  latest
    ? [...compare(latest.fields, fields), ...(await viewFindings(db, row.id, latest.fields, fields))]
    : [];
/** Tells one text of a schema from another, order of the fields included. */
export const tagOf = (schema: unknown): string =>
  createHash('sha256').update(JSON.stringify(schema)).digest('hex').slice(0, 32);

function assertBasedOn(expected: string | undefined, current: unknown): void {
  if (expected === undefined) return;
  if (expected !== (current === undefined ? 'new' : tagOf(current)))
    throw new Problem(412, 'The registry has been changed since it was read');
}

/** Keeps a schema as the draft of a registry's next version; makes the registry when there is none. */
export async function putDraft(db: Db, owner: string, code: string, input: DraftInput): Promise<Draft> {
  if (!/^[a-z][a-z0-9-]{0,59}$/.test(code) || reserved.has(code))
    throw new Problem(400, 'code must be kebab-case', {
      errors: [{ in: 'body', pointer: '/code', detail: 'is not usable' }],
    });
  return db.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(hashtext(${`registry/${owner}/${code}`}))`.execute(trx);
    const existing = await rowOf(trx, owner, code);
    if (input.basedOn !== undefined)
      assertBasedOn(input.basedOn, existing && (await currentSchema(trx, existing.id)));
    if (existing?.state === 'archived') throw conflict('The registry is archived');
    const changed = {
      ...columnsOf(input.details),
      modified_by: input.by.name,
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
      modified_by: input.by.name,
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
    const report = await reportOf(trx, row, versions, fields);
    const said = (one: Row | undefined) => one && detailsOf(one);
    await logSchema(trx, input.by, {
      registry: { id: row.id, owner, code },
      action: 'draft',
      before: said(existing),
      after: said(row),
      report,
    });
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
  const report = await reportOf(db, row, versions, fields);
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
export async function discardDraft(db: Db, owner: string, code: string, by: Actor): Promise<void> {
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
    await logSchema(trx, by, { registry: { id: row.id, owner, code: row.code }, action: 'discard' });
  });
}

export interface PublishOptions {
  /** Publish although the report names breaking changes. */
  readonly accept: boolean;
  readonly by: Actor;
  readonly lenient: boolean;
  /** Tag of the draft whose report was read. */
  readonly basedOn?: string | undefined;
  /** What keeps secrets; without it no field can be secret. */
  readonly secrets?: SecretKeeping;
}

/** What publishing needs for fields that are secret. */
export interface SecretKeeping {
  readonly keyring: Keyring;
  /** Has old values that are still in the open concealed after the publication. */
  conceal(trx: Transaction<RegistryTables>, registryId: string): Promise<void>;
}

export interface Published {
  readonly version: string;
  readonly report: readonly Finding[];
}

/** PostgreSQL's limit is 1,600, with the columns that every record has. */
const mostColumns = 1_500;

const lockTimeout = "set local lock_timeout = '2s'";
const attempts = 10;
const isLockTimeout = (error: unknown): boolean => (error as { code?: string }).code === '55P03';

/** Does what takes a short lock on a busy table; waits for at most two seconds at a time, so that nobody waits longer. */
export async function withShortLock<T>(db: Db, work: (trx: Db) => Promise<T>): Promise<T> {
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

/**
 * Whoever holds the lock needs further connections of the same pool: so many at once that some are always left, the
 * others wait without one.
 */
const mostPublishing = 3;
let publishing = 0;
const queue: (() => void)[] = [];

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (publishing < mostPublishing) publishing += 1;
  else await new Promise<void>((resolve) => queue.push(resolve));
  try {
    return await work();
  } finally {
    const next = queue.shift();
    if (next) next();
    else publishing -= 1;
  }
}

/** Work on the versions of a registry, one at a time; whoever comes meanwhile waits for half a minute. */
const oneAtATime = <T>(db: Db, owner: string, code: string, work: () => Promise<T>): Promise<T> =>
  inTurn(() => locked(db, owner, code, work));

async function locked<T>(db: Db, owner: string, code: string, work: () => Promise<T>): Promise<T> {
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
  assertBasedOn(options.basedOn, draft.schema);
  const versions = await versionsOf(db, row.id);
  const [latest] = versions;
  const next = compiled(row, versions, draft.schema, options.lenient);
  const report = await reportOf(db, row, versions, next.fields);
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
  await assertCodeLists(db, owner, next);
  await assertNotLinked(db, row, next);

  const columns = row.columns as Column[];
  const retired = row.retired_columns as Column[];
  const added = neededColumns(next.fields, columns, retired);
  const everyColumn = [...columns, ...added];
  if (everyColumn.length > mostColumns)
    throw badRequest(`The registry would have more than ${mostColumns} columns, with those of fields it had`);
  const { secrets } = options;
  if (everyColumn.some(({ type }) => type === 'sealed')) {
    if (!secrets) throw conflict('Nothing can be secret here');
    await secrets.keyring.ensure(db, row.id, options.by.name);
  }
  /** Columns that must not be written any more: what is secret now is sealed in others. */
  const exposed = everyColumn.filter(
    ({ field, type }) => type !== 'sealed' && next.fields.some(({ id, secret }) => id === field && secret),
  );
  const indexes = row.storage_profile === 'lean' ? [] : indexesFor(row.id, next.fields, next.uniques);
  const needed = [
    ...indexesFor(row.id, next.fields, next.uniques).filter((one) => one.unique),
    ...duplicateIndexes(row.id, next.duplicates),
  ];
  const wanted = [...new Map([...needed, ...indexes].map((one) => [one.name, one])).values()];

  const asVersion = async (trx: Transaction<RegistryTables>): Promise<string> => {
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
        published_by: options.by.name,
        report: JSON.stringify(report),
      })
      .execute();
    await trx
      .updateTable('registry')
      .set({
        state: 'published',
        columns: JSON.stringify(everyColumn.filter((column) => !exposed.includes(column))),
        retired_columns: JSON.stringify([...retired, ...exposed]),
        requires: next.schema['x-requires'] ?? null,
        announce: next.schema['x-announce'] ?? false,
        next_field_id: next.nextFieldId,
        revision: sql`revision + 1`,
        modified_by: options.by.name,
        modified_at: new Date().toISOString(),
      })
      .where('id', '=', row.id)
      .execute();
    await trx.deleteFrom('registry_draft').where('registry_id', '=', row.id).execute();
    if (exposed.length > 0 && secrets) {
      for (const { version: old, fields } of versions)
        await trx
          .updateTable('registry_version')
          .set({ fields: JSON.stringify(concealedFields(fields, next.fields, everyColumn)) })
          .where('registry_id', '=', row.id)
          .where('version', '=', old)
          .execute();
      await trx.updateTable('registry').set({ to_conceal: true }).where('id', '=', row.id).execute();
      await secrets.conceal(trx, row.id);
    }
    if (next.schema['x-announce'] === true)
      await announce(trx, registryPublished, {
        subject: row.code,
        data: { owner, registry: row.code, version },
      });
    await logSchema(trx, options.by, {
      registry: { id: row.id, owner, code: row.code },
      action: 'publish',
      before: latest && { version: latest.version, schema: latest.schema },
      after: { version, schema: next.schema },
      report,
    });
    if (latest) await carryServices(trx, row.id, latest.version, version);
    await closeViews(trx, row.id, next.fields);
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
    // Columns that an interrupted attempt added are filled too: no version has looked into them yet.
    const whole = new Set(
      versions.flatMap(({ fields }) => fields.flatMap(({ column, hash }) => [column, hash])),
    );
    const sources = columns.filter(({ column }) => whole.has(column));
    for (const to of everyColumn.filter(({ column }) => !whole.has(column))) {
      const before = latest.fields.find((field) => field.id === to.field);
      const from = concealedIn(to, sources) ?? sources.find(({ column }) => column === before?.column);
      if (!from) continue;
      if (to.type !== 'sealed' && from.type !== 'sealed') await backfill(db, row.id, from, to);
      else await backfillSealed(db, row.id, await secrets?.keyring.vaultOf(db, row.id), from, to);
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
    for (const link of field.links.filter(({ kind }) => kind !== 'soft')) {
      const target = await targetOf(db, owner, link.registry);
      const there =
        target?.id === own.id ? fields : target ? (await versionsOf(db, target.id))[0]?.fields : undefined;
      const found = link.field === 0 || there?.some(({ id, secret }) => id === link.field && !secret);
      const other = link.kind === 'parent' && target?.id !== own.id;
      if (!there || !found || other)
        errors.push({
          in: 'body',
          pointer: `${pointerOf(field.name)}/foreignKeys`,
          detail: other
            ? 'leads to a parent in another registry'
            : `leads to field ${link.field} of ${link.registry}, which there is not`,
        });
    }
  if (errors.length > 0) throw new Problem(400, 'The schema is not valid', { errors });
}

/** What others lead to cannot be secret: a link is a value in the open. */
async function assertNotLinked(db: Db, own: Row, { fields }: CompiledSchema): Promise<void> {
  const secret = fields.filter((field) => field.secret);
  if (secret.length === 0) return;
  const rows = await db
    .selectFrom('registry as r')
    .innerJoin('registry_version as v', 'v.registry_id', 'r.id')
    .select(['r.id', 'v.fields'])
    .distinctOn('r.id')
    .where('r.owner', '=', own.owner)
    .where('r.id', '<>', own.id)
    .orderBy('r.id')
    .orderBy('v.position', 'desc')
    .execute();
  const links = rows
    .flatMap((row) => storedFields(row.fields).flatMap((field) => field.links))
    .filter(({ registry }) => registry.toLowerCase() === own.code || registry === own.id);
  const errors = secret
    .filter(({ id }) => links.some(({ field }) => field === id))
    .map(({ name }) => ({
      in: 'body' as const,
      pointer: pointerOf(name),
      detail: 'cannot be secret: other registries lead to it',
    }));
  if (errors.length > 0) throw new Problem(400, 'The schema is not valid', { errors });
}

/** Fields take keys of code lists that their owner has. */
async function assertCodeLists(db: Db, owner: string, { fields }: CompiledSchema): Promise<void> {
  const named = fields.flatMap(({ catalogue }) => catalogue ?? []);
  if (named.length === 0) return;
  const rows = await db
    .selectFrom('code_list')
    .select('code')
    .where('owner', '=', owner)
    .where('code', 'in', named)
    .execute();
  const errors = fields
    .filter(({ catalogue }) => catalogue !== undefined && !rows.some(({ code }) => code === catalogue))
    .map(({ name, catalogue }) => ({
      in: 'body' as const,
      pointer: `${pointerOf(name)}/catalogue`,
      detail: `there is no code list ${catalogue}`,
    }));
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

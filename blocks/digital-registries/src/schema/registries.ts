import { badRequest, notFound, Problem } from '@govstack/platform';
import canonicalize from 'canonicalize';
import { type Kysely, sql, type Transaction } from 'kysely';
import type { RegistryTables } from '../tables.ts';
import { compileSchema, incompatibilities, type RegistrySchema } from './compile.ts';
import { columnOf, columnTypes, type Field, tableOf } from './field.ts';

/** A registry in one of its published versions. */
export interface Registry {
  readonly id: string;
  readonly owner: string;
  readonly code: string;
  readonly name: string;
  readonly version: string;
  readonly requires: 'consent' | 'legal-ground' | null;
  readonly announce: boolean;
  readonly fields: readonly Field[];
  /** Fields of the newest version: what the table holds. */
  readonly current: readonly Field[];
}

export interface ModifyInput {
  readonly code: string;
  readonly groupName: string;
  readonly name: string;
  readonly schema: unknown;
}

const ident = (name: string) => sql.id('reg', name);

async function createTable(trx: Transaction<RegistryTables>, id: string): Promise<void> {
  await sql`
    create table ${ident(tableOf(id))} (
      uuid uuid primary key,
      row_version integer not null default 1,
      state text not null default 'active',
      schema_version text not null,
      created_at timestamptz not null,
      modified_at timestamptz not null
    )`.execute(trx);
}

/** Adds columns and indexes of new fields. Columns never go: records written under old versions stay whole. */
async function addColumns(
  trx: Transaction<RegistryTables>,
  id: string,
  before: readonly Field[],
  after: readonly Field[],
): Promise<void> {
  const table = ident(tableOf(id));
  const old = new Map(before.map((field) => [field.id, field]));
  for (const field of after) {
    const column = columnOf(field);
    const known = old.get(field.id);
    if (!known)
      await sql`alter table ${table} add column if not exists ${sql.id(column)} ${sql.raw(columnTypes[field.type])}`.execute(
        trx,
      );
    else if (known.type !== field.type)
      await sql`alter table ${table} alter column ${sql.id(column)} type ${sql.raw(columnTypes[field.type])}`.execute(
        trx,
      );
    if (field.unique && !known?.unique) {
      await sql`create unique index ${sql.id(`u_${id}_${field.id}`)} on ${table} (${sql.id(column)}) where state <> 'deleted'`.execute(
        trx,
      );
    } else if (field.indexed && !known?.indexed) {
      await sql`create index if not exists ${sql.id(`i_${id}_${field.id}`)} on ${table} (${sql.id(column)}, uuid)`.execute(
        trx,
      );
    }
  }
}

/**
 * Creates a registry, or publishes a new version of one. The same schema again changes nothing. A version that would
 * break records or clients is refused with the report.
 */
export async function modifyRegistry(
  trx: Transaction<RegistryTables>,
  owner: string,
  input: ModifyInput,
): Promise<Registry> {
  if (!/^[a-z][a-z0-9-]{0,59}$/.test(input.code) || input.code === 'mypersonaldatausage')
    throw badRequest('code must be kebab-case', [{ in: 'body', pointer: '/code', detail: 'is not usable' }]);
  await sql`select pg_advisory_xact_lock(hashtext(${`registry/${owner}/${input.code}`}))`.execute(trx);
  const existing = await trx
    .selectFrom('registry')
    .selectAll()
    .where('owner', '=', owner)
    .where('code', '=', input.code)
    .executeTakeFirst();
  const latest = existing
    ? await trx
        .selectFrom('registry_version')
        .selectAll()
        .where('registry_id', '=', existing.id)
        .orderBy('position', 'desc')
        .limit(1)
        .executeTakeFirst()
    : undefined;
  if (
    existing &&
    latest &&
    canonicalize(latest.schema) === canonicalize(JSON.parse(JSON.stringify(input.schema)))
  ) {
    return findRegistry(trx, owner, input.code, latest.version);
  }
  const before = (latest?.fields ?? []) as readonly Field[];
  const compiled = compileSchema(input.schema, before, existing?.next_field_id ?? 1);
  const breaking = latest ? incompatibilities(before, compiled.fields) : [];
  if (breaking.length > 0) {
    throw new Problem(409, 'The new version is not compatible with the published one', {
      type: 'urn:govstack:registries:incompatible',
      errors: breaking.map((one) => ({ in: 'body', ...one })),
    });
  }
  const settings = {
    name: input.name,
    group_name: input.groupName,
    requires: compiled.schema['x-requires'] ?? null,
    announce: compiled.schema['x-announce'] ?? false,
    next_field_id: compiled.nextFieldId,
  };
  let id = existing?.id;
  if (id === undefined) {
    const row = await trx
      .insertInto('registry')
      .values({ owner, code: input.code, ...settings })
      .returning('id')
      .executeTakeFirstOrThrow();
    id = row.id;
    await createTable(trx, id);
  } else await trx.updateTable('registry').set(settings).where('id', '=', id).execute();
  await addColumns(trx, id, before, compiled.fields);
  const position = (latest?.position ?? 0) + 1;
  const version = `${position}.0`;
  await trx
    .insertInto('registry_version')
    .values({
      registry_id: id,
      version,
      position,
      schema: JSON.stringify(compiled.schema),
      fields: JSON.stringify(compiled.fields),
    })
    .execute();
  return findRegistry(trx, owner, input.code, version);
}

/** A registry of the addressed application by code and version; `latest` is the newest. Codes ignore case. */
export async function findRegistry(
  db: Kysely<RegistryTables>,
  owner: string,
  code: string,
  version: string,
): Promise<Registry> {
  const row = await db
    .selectFrom('registry')
    .selectAll()
    .where('owner', '=', owner)
    .where('code', '=', code.toLowerCase())
    .executeTakeFirst();
  if (!row) throw notFound('Registry');
  const versions = await db
    .selectFrom('registry_version')
    .select(['version', 'fields'])
    .where('registry_id', '=', row.id)
    .orderBy('position', 'desc')
    .execute();
  const wanted = version === 'latest' ? versions[0] : versions.find((one) => one.version === version);
  if (!wanted) throw notFound('Registry version');
  return {
    id: row.id,
    owner: row.owner,
    code: row.code,
    name: row.name,
    version: wanted.version,
    requires: row.requires,
    announce: row.announce,
    fields: wanted.fields as Field[],
    current: versions[0]?.fields as Field[],
  };
}

export async function listRegistries(db: Kysely<RegistryTables>, owner: string) {
  const rows = await db
    .selectFrom('registry')
    .selectAll()
    .where('owner', '=', owner)
    .orderBy('code')
    .limit(500)
    .execute();
  return Promise.all(
    rows.map(async (row) => {
      const latest = await db
        .selectFrom('registry_version')
        .select(['version', 'schema'])
        .where('registry_id', '=', row.id)
        .orderBy('position', 'desc')
        .limit(1)
        .executeTakeFirstOrThrow();
      return {
        id: Number(row.id),
        code: row.code,
        name: row.name,
        version: latest.version,
        schema: latest.schema as RegistrySchema as unknown as Record<string, unknown>,
        isArchived: row.archived,
      };
    }),
  );
}

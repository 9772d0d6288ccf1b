import type { Kysely } from 'kysely';
import { genericServices } from '../services/services.ts';
import type { RegistryTables } from '../tables.ts';
import { storedFields } from './field.ts';

/** A registry as the published Database API describes it, with the life of its versions. */
export interface RegistryInfo {
  readonly id: number;
  readonly code: string;
  readonly version: string;
  readonly name: string;
  readonly description: string;
  readonly domain: string;
  readonly institution: string;
  readonly classification: string;
  readonly retentionDays: number | null;
  readonly numberFormat: string;
  readonly storageProfile: string;
  readonly groupName: string;
  readonly state: string;
  readonly schema: unknown;
  readonly schemaTags: { readonly name: string; readonly path: string; readonly isFulltext: boolean }[];
  readonly schemaFlags: { readonly name: string; readonly path: string }[];
  readonly fieldsUniques: string[][];
  readonly isDraft: boolean;
  readonly isDisabled: boolean;
  readonly isArchived: boolean;
  readonly modifiedAt: string;
  readonly byUserName: string;
  /** API services of the newest version. */
  readonly genericServices: Awaited<ReturnType<typeof genericServices>>;
  readonly versions: {
    readonly version: string;
    readonly state: string;
    readonly publishedAt: string;
    readonly publishedBy: string;
  }[];
}

const flags = [
  ['required', 'mandatory'],
  ['unique', 'unique'],
  ['personal', 'personal-data'],
  ['owner', 'personal-data-id'],
  ['readOnly', 'read-only'],
  ['primaryKey', 'primary-key'],
  ['secret', 'secret'],
] as const;

async function infoOf(
  db: Kysely<RegistryTables>,
  row: { [K in keyof RegistryTables['registry']]: unknown } & { id: string; code: string },
): Promise<RegistryInfo> {
  const [versions, draft] = await Promise.all([
    db
      .selectFrom('registry_version')
      .selectAll()
      .where('registry_id', '=', row.id)
      .where('state', '<>', 'withdrawn')
      .orderBy('position', 'desc')
      .execute(),
    db.selectFrom('registry_draft').select('schema').where('registry_id', '=', row.id).executeTakeFirst(),
  ]);
  const [latest] = versions;
  const fields = storedFields(latest?.fields ?? []);
  const schema = (latest?.schema ?? draft?.schema ?? {}) as { uniques?: string[][] };
  return {
    id: Number(row.id),
    code: row.code,
    version: latest?.version ?? '',
    name: row.name as string,
    description: row.description as string,
    domain: row.domain as string,
    institution: row.institution as string,
    classification: row.classification as string,
    retentionDays: row.retention_days as number | null,
    numberFormat: row.number_format as string,
    storageProfile: row.storage_profile as string,
    groupName: row.group_name as string,
    state: row.state as string,
    schema,
    schemaTags: fields
      .filter(({ searchable, indexed }) => searchable || indexed)
      .map(({ name, searchable }) => ({ name: 'searchable', path: `/${name}`, isFulltext: searchable })),
    schemaFlags: fields.flatMap((field) =>
      flags.filter(([key]) => field[key]).map(([, name]) => ({ name, path: `/${field.name}` })),
    ),
    fieldsUniques: [
      ...fields.filter(({ unique, primaryKey }) => unique || primaryKey).map(({ name }) => [`/${name}`]),
      ...(schema.uniques ?? []).map((set) => set.map((name) => `/${name}`)),
    ],
    isDraft: row.state === 'draft',
    isDisabled: false,
    isArchived: row.state === 'archived',
    modifiedAt: new Date(row.modified_at as string).toISOString(),
    byUserName: row.modified_by as string,
    genericServices: latest ? await genericServices(db, row.id, latest.version) : [],
    versions: versions.map((one) => ({
      version: one.version,
      state: one.state,
      publishedAt: new Date(one.published_at).toISOString(),
      publishedBy: one.published_by,
    })),
  };
}

const mostListed = 500;

export async function listRegistries(db: Kysely<RegistryTables>, owner: string): Promise<RegistryInfo[]> {
  const rows = await db
    .selectFrom('registry')
    .selectAll()
    .where('owner', '=', owner)
    .orderBy('code')
    .limit(mostListed)
    .execute();
  return Promise.all(rows.map((row) => infoOf(db, row)));
}

/** A registry by code or id; undefined when the owner has none. */
export async function describeRegistry(
  db: Kysely<RegistryTables>,
  owner: string,
  key: string,
): Promise<RegistryInfo | undefined> {
  const row = await db
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
  return row && infoOf(db, row);
}

import { notFound } from '@govstack/platform';
import type { Kysely } from 'kysely';
import { type DuplicateRules, duplicateRules } from '../quality/rules.ts';
import { armed } from '../secrets/disclosure.ts';
import type { Keyring } from '../secrets/keyring.ts';
import type { Vault } from '../secrets/vault.ts';
import type { RegistryTables } from '../tables.ts';
import type { RegistrySchema } from './compile.ts';
import { type Column, type Field, storedFields } from './field.ts';
import { compileRules, type Rule } from './rules.ts';

export type RegistryState = RegistryTables['registry']['state'] extends { __select__: infer S } ? S : never;

/** A registry in one of its published versions. */
export interface Registry {
  readonly id: string;
  readonly owner: string;
  readonly code: string;
  readonly name: string;
  readonly version: string;
  readonly archived: boolean;
  readonly requires: 'consent' | 'legal-ground' | null;
  readonly announce: boolean;
  readonly numberFormat: string;
  /** What this version shows. */
  readonly fields: readonly Field[];
  /** Every field it ever had, as it was defined last. */
  readonly current: readonly Field[];
  readonly columns: readonly Column[];
  /** How records about the same are found, as the newest version says. */
  readonly duplicates: DuplicateRules | undefined;
  /** Names of fields that are unique together, by the name of their index. */
  readonly revision: string;
  /** What must hold between the fields of a record of this version. */
  readonly rules?: readonly Rule[];
  /** Opens and seals what is secret here; undefined: nothing ever was. */
  readonly vault?: Vault | undefined;
  /** The keys of other registries, for what follows from a change here. */
  readonly keyring?: Keyring;
}

export interface AccessGrant {
  readonly methods: readonly string[];
  readonly fields: readonly string[] | null;
}

interface Version {
  readonly version: string;
  readonly state: 'published' | 'deprecated' | 'withdrawn';
  readonly schema: RegistrySchema;
  readonly fields: readonly Field[];
  readonly rules: readonly Rule[];
}

interface Entry {
  readonly registry: Omit<Registry, 'version' | 'fields' | 'rules'>;
  /** Newest first. */
  readonly versions: readonly Version[];
  readonly access: ReadonlyMap<string, AccessGrant>;
}

/** Newest definition of every field, newest version's fields first. */
export function everyField(versions: readonly { readonly fields: readonly Field[] }[]): Field[] {
  const found = new Map<number, Field>();
  const names = new Set<string>();
  for (const { fields } of versions)
    for (const field of fields) {
      if (found.has(field.id)) continue;
      // The name of a retired field may be another one's by now.
      const name = names.has(field.name) ? `${field.name} (${field.id})` : field.name;
      names.add(name);
      found.set(field.id, { ...field, name });
    }
  return [...found.values()];
}

async function load(
  db: Kysely<RegistryTables>,
  keyring: Keyring,
  owner: string,
  code: string,
): Promise<Entry | undefined> {
  const row = await db
    .selectFrom('registry')
    .selectAll()
    .where('owner', '=', owner)
    .where('code', '=', code)
    .where('state', '<>', 'draft')
    .executeTakeFirst();
  if (!row) return undefined;
  const [stored, access, vault] = await Promise.all([
    db
      .selectFrom('registry_version')
      .select(['version', 'state', 'schema', 'fields'])
      .where('registry_id', '=', row.id)
      .orderBy('position', 'desc')
      .execute(),
    db
      .selectFrom('registry_access')
      .select(['application', 'methods', 'fields'])
      .where('registry_id', '=', row.id)
      .execute(),
    keyring.vaultOf(db, row.id),
  ]);
  const versions = stored.map((one): Version => {
    const schema = one.schema as RegistrySchema;
    const fields = armed(storedFields(one.fields), vault);
    return {
      version: one.version,
      state: one.state,
      schema,
      fields,
      rules: compileRules(schema.rules, fields),
    };
  });
  return {
    registry: {
      id: row.id,
      owner: row.owner,
      code: row.code,
      name: row.name,
      archived: row.state === 'archived',
      requires: row.requires,
      announce: row.announce,
      numberFormat: row.number_format,
      current: everyField(versions),
      columns: row.columns as Column[],
      duplicates: versions[0] && duplicateRules(versions[0].schema.duplicates, versions[0].fields),
      revision: row.revision,
      vault,
      keyring,
    },
    versions: versions.filter(({ state }) => state !== 'withdrawn'),
    access: new Map(access.map(({ application, methods, fields }) => [application, { methods, fields }])),
  };
}

/** Published registries, remembered for a moment: what another node changes counts here a second later. */
export interface Catalogue {
  /** A registry of an application by code and version; `latest` is the newest. Codes ignore case. */
  find(
    owner: string,
    code: string,
    version: string,
  ): Promise<{ registry: Registry; access: Entry['access'] }>;
  /** The schema of a version, as it was published. */
  schema(owner: string, code: string, version: string): Promise<RegistrySchema>;
  /** A registry was changed on this node, or found to be another one than believed. */
  forget(owner: string, code: string): void;
}

const rememberedMs = 1000;
const mostRemembered = 1000;

export function openCatalogue(db: Kysely<RegistryTables>, keyring: Keyring): Catalogue {
  const known = new Map<string, { readonly until: number; readonly entry: Promise<Entry | undefined> }>();
  const entryOf = (owner: string, code: string): Promise<Entry | undefined> => {
    const key = `${owner}/${code}`;
    const found = known.get(key);
    if (found && found.until > Date.now()) return found.entry;
    const entry = load(db, keyring, owner, code);
    if (known.size >= mostRemembered) known.clear();
    known.set(key, { until: Date.now() + rememberedMs, entry });
    entry.catch(() => known.delete(key));
    return entry;
  };
  async function found(owner: string, code: string, version: string) {
    const entry = await entryOf(owner, code.toLowerCase());
    if (!entry) throw notFound('Registry');
    const wanted =
      version === 'latest' ? entry.versions[0] : entry.versions.find((one) => one.version === version);
    if (!wanted) throw notFound('Registry version');
    return { entry, wanted };
  }
  return {
    async find(owner, code, version) {
      const { entry, wanted } = await found(owner, code, version);
      const { registry, access } = entry;
      const { version: number, fields, rules } = wanted;
      return { registry: { ...registry, version: number, fields, rules }, access };
    },
    async schema(owner, code, version) {
      return (await found(owner, code, version)).wanted.schema;
    },
    forget(owner, code) {
      known.delete(`${owner}/${code.toLowerCase()}`);
    },
  };
}

import { badRequest, notFound } from '@govstack/platform';
import type { Kysely } from 'kysely';
import type { Mapping } from '../api/mappings/document.ts';
import type { Catalogue } from '../schema/catalogue.ts';
import type { RegistryTables } from '../tables.ts';
import { checkMapping, type Verdict } from './check.ts';

type Db = Kysely<RegistryTables>;

/** What is wrong with a mapping, or could be better, over the registry as it is now. */
export async function verdictOn(catalogue: Catalogue, owner: string, mapping: Mapping): Promise<Verdict> {
  const { registry } = await catalogue.find(owner, mapping.registry, mapping.version ?? 'latest');
  return checkMapping(mapping, registry.fields);
}

/** Keeps a mapping under its name. Answers what could be better; throws 400 with every defect. */
export async function putMapping(
  db: Db,
  catalogue: Catalogue,
  owner: string,
  name: string,
  mapping: Mapping,
  by: string,
): Promise<Verdict['warnings']> {
  const { defects, warnings } = await verdictOn(catalogue, owner, mapping);
  if (defects.length > 0) throw badRequest('The mapping does not fit the registry', defects.slice(0, 100));
  const columns = { document: JSON.stringify(mapping), modified_by: by };
  await db
    .insertInto('mapping')
    .values({ owner, name, ...columns })
    .onConflict((existing) =>
      existing.constraint('mapping_pkey').doUpdateSet({ ...columns, modified_at: new Date().toISOString() }),
    )
    .execute();
  return warnings;
}

export async function readMapping(db: Db, owner: string, name: string): Promise<Mapping> {
  const row = await db
    .selectFrom('mapping')
    .select('document')
    .where('owner', '=', owner)
    .where('name', '=', name)
    .executeTakeFirst();
  if (!row) throw notFound('Mapping');
  return row.document as Mapping;
}

export async function listMappings(db: Db, owner: string): Promise<{ name: string; mapping: Mapping }[]> {
  const rows = await db
    .selectFrom('mapping')
    .select(['name', 'document'])
    .where('owner', '=', owner)
    .orderBy('name')
    .execute();
  return rows.map(({ name, document }) => ({ name, mapping: document as Mapping }));
}

export const deleteMapping = (db: Db, owner: string, name: string) =>
  db.deleteFrom('mapping').where('owner', '=', owner).where('name', '=', name).execute();

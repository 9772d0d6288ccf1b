import { type Kysely, sql } from 'kysely';
import type { AccessMethod } from '../api/database/operations.ts';
import type { Registry } from '../schema/catalogue.ts';
import type { RegistryTables } from '../tables.ts';
import type { RightsChange } from './rights.ts';

/** What an application of another agency may do with a registry; `fields`: null is all. */
export type Grant = Omit<RegistryTables['registry_access'], 'registry_id'>;

const mostListed = 200;

/** Applications to which a registry is granted, by their ids; `next`: `after` of the next page. */
export async function listAccess(
  db: Kysely<RegistryTables>,
  registry: Registry,
  after: string,
): Promise<{ readonly access: Grant[]; readonly next?: string }> {
  const access = await db
    .selectFrom('registry_access')
    .select(['application', 'methods', 'fields'])
    .where('registry_id', '=', registry.id)
    .where('application', '>', after)
    .where(sql`cardinality(methods)`, '>', 0)
    .orderBy('application')
    .limit(mostListed + 1)
    .execute();
  const page = access.slice(0, mostListed);
  const last = page.at(-1);
  return { access: page, ...(last && access.length > page.length ? { next: last.application } : {}) };
}

/** Grants a registry to an application of another agency. */
export async function putAccess(
  db: Kysely<RegistryTables>,
  registry: Registry,
  application: string,
  grant: { methods: readonly AccessMethod[]; fields?: readonly string[] },
): Promise<RightsChange> {
  const columns = { methods: [...grant.methods], fields: grant.fields ? [...grant.fields] : null };
  const before = await db
    .selectFrom('registry_access')
    .select(['methods', 'fields'])
    .where('registry_id', '=', registry.id)
    .where('application', '=', application)
    .executeTakeFirst();
  await db
    .insertInto('registry_access')
    .values({ registry_id: registry.id, application, ...columns })
    .onConflict((existing) => existing.constraint('registry_access_pkey').doUpdateSet(columns))
    .execute();
  return {
    kind: 'access',
    registry: registry.code,
    name: application,
    before: before ?? null,
    after: columns,
  };
}

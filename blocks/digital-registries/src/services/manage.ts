import { badRequest, conflict, notFound, type ProblemDetail } from '@govstack/platform';
import type { Kysely } from 'kysely';
import { assertFilters, fixedFilters } from '../records/fixed-filter.ts';
import type { Filter } from '../records/list.ts';
import type { Registry } from '../schema/catalogue.ts';
import type { RegistryTables } from '../tables.ts';
import type { Service, ServiceState } from './services.ts';
import { standardByName } from './standard.ts';

type Db = Kysely<RegistryTables>;

/** What an owner's own service is. */
export interface ServiceInput {
  /** Name of the standard service it works like. */
  readonly base: string;
  readonly description?: string | undefined;
  /** Names of the fields it is about; left out: all. */
  readonly fields?: readonly string[] | undefined;
  readonly filter?: readonly Filter[] | undefined;
}

const mostKept = 100;

/** Names that are taken by paths of the Data API. */
const taken = new Set([
  'create',
  'read',
  'exists',
  'search',
  'update',
  'delete',
  'archive',
  'restore',
  'erase',
  'schema',
  'history',
]);

const keep = (
  db: Db,
  { id, version }: Registry,
  name: string,
  base: string,
  said: {
    readonly state: ServiceState | 'deleted';
    readonly description?: string;
    readonly fields?: number[] | null;
    readonly filter?: string;
  },
  by: string,
) => {
  const columns = { base, ...said, modified_by: by, modified_at: new Date().toISOString() };
  return db
    .insertInto('registry_service')
    .values({ registry_id: id, version, name, fields: null, ...columns })
    .onConflict((one) => one.constraint('registry_service_name_key').doUpdateSet(columns))
    .execute();
};

function fieldIds(registry: Registry, names: readonly string[], defects: ProblemDetail[]): number[] {
  const ids = names.flatMap((name, index) => {
    const field = registry.fields.find((one) => one.name === name);
    if (field) return [field.id];
    defects.push({ in: 'body', pointer: `/fields/${index}`, detail: 'is not a field of this registry' });
    return [];
  });
  return [...new Set(ids)];
}

async function keepOwn(
  db: Db,
  registry: Registry,
  name: string,
  own: Pick<Service, 'description' | 'fields' | 'filter'> & { readonly base: string },
  defects: ProblemDetail[],
  by: string,
): Promise<void> {
  const base = standardByName.get(own.base);
  if (taken.has(name) || standardByName.has(name))
    defects.push({ in: 'path', pointer: '/service', detail: 'is a name of the Data API' });
  if (!base?.copied)
    defects.push({ in: 'body', pointer: '/base', detail: 'is not a service that others can work like' });
  if (own.filter.length > 0 && base?.method === 'create')
    defects.push({ in: 'body', pointer: '/filter', detail: 'cannot be kept to when records are created' });
  for (const field of base?.method === 'create' && own.fields ? registry.fields : []) {
    const given = field.default !== undefined || field.triggers.length > 0 || own.fields?.includes(field.id);
    if (field.required && !given)
      defects.push({
        in: 'body',
        pointer: '/fields',
        detail: `${field.name} is required to create a record`,
      });
  }
  if (defects.length > 0) throw badRequest('The service is not valid', defects);
  await assertFilters(db, registry, own.filter);
  const { count } = await db
    .selectFrom('registry_service')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('registry_id', '=', registry.id)
    .where('version', '=', registry.version)
    .where('name', '<>', name)
    .executeTakeFirstOrThrow();
  if (Number(count) >= mostKept) throw conflict(`A version has at most ${mostKept} services of its own`);
  const kept = {
    description: own.description,
    fields: own.fields ? [...own.fields] : null,
    filter: JSON.stringify(own.filter),
  };
  await keep(db, registry, name, own.base, { state: 'visible', ...kept }, by);
}

/** Makes a service of the owner's own, or changes it; brings a deleted standard service back. */
export async function putService(
  db: Db,
  registry: Registry,
  name: string,
  { base, description = '', fields, filter }: ServiceInput,
  by: string,
): Promise<void> {
  if (standardByName.has(name)) {
    if (base !== name || fields || filter)
      throw badRequest('A standard service is what it is: make one with another name', [
        { in: 'path', pointer: '/service', detail: 'is the name of a standard service' },
      ]);
    await keep(db, registry, name, name, { state: 'visible', description }, by);
    return;
  }
  const defects: ProblemDetail[] = [];
  const own = {
    base,
    description,
    fields: fields ? fieldIds(registry, fields, defects) : null,
    filter: fixedFilters(registry.fields, filter ?? [], '/filter', defects),
  };
  await keepOwn(db, registry, name, own, defects, by);
}

/** A service under another name, narrower when fields or conditions are given: it is about no more than the original. */
export async function copyService(
  db: Db,
  registry: Registry,
  original: Service,
  name: string,
  narrower: Omit<ServiceInput, 'base'>,
  by: string,
): Promise<void> {
  const defects: ProblemDetail[] = [];
  const fields = narrower.fields ? fieldIds(registry, narrower.fields, defects) : original.fields;
  if (original.fields && fields?.some((id) => !original.fields?.includes(id)))
    defects.push({ in: 'body', pointer: '/fields', detail: 'is wider than the service copied' });
  const own = {
    base: original.base.name,
    description: narrower.description ?? original.description,
    fields,
    filter: [...original.filter, ...fixedFilters(registry.fields, narrower.filter ?? [], '/filter', defects)],
  };
  await keepOwn(db, registry, name, own, defects, by);
}

/** Shows, hides or switches off a service. */
export async function setServiceState(
  db: Db,
  registry: Registry,
  { name, base, own, description, fields, filter }: Service,
  state: ServiceState,
  by: string,
): Promise<void> {
  if (!own) await keep(db, registry, name, base.name, { state, description }, by);
  else {
    const kept = { description, fields: fields ? [...fields] : null, filter: JSON.stringify(filter) };
    await keep(db, registry, name, base.name, { state, ...kept }, by);
  }
}

/** Takes a service away: an own one for good, a standard one until it is made again. */
export async function deleteService(db: Db, registry: Registry, name: string, by: string): Promise<void> {
  if (standardByName.has(name)) {
    await keep(db, registry, name, name, { state: 'deleted' }, by);
    return;
  }
  const gone = await db
    .deleteFrom('registry_service')
    .where('registry_id', '=', registry.id)
    .where('version', '=', registry.version)
    .where('name', '=', name)
    .executeTakeFirst();
  if (gone.numDeletedRows === 0n) throw notFound('Service');
}

import { type Kysely, sql } from 'kysely';
import type { FixedFilter } from '../records/fixed-filter.ts';
import type { RegistryTables } from '../tables.ts';
import { type StandardService, standardByName, standardServices } from './standard.ts';

export type ServiceState = 'visible' | 'hidden' | 'disabled';

/** An API service of one version of a registry. */
export interface Service {
  readonly id: number;
  readonly name: string;
  /** The standard service it is, or works like. */
  readonly base: StandardService;
  /** The owner made it. */
  readonly own: boolean;
  readonly state: ServiceState;
  readonly description: string;
  /** Ids of the fields it is about; null: all that the caller may see. */
  readonly fields: readonly number[] | null;
  readonly filter: readonly FixedFilter[];
}

interface Kept extends Omit<Service, 'state'> {
  readonly version: string;
  readonly state: ServiceState | 'deleted';
}

/** The services of every version, with what owners say of them; remembered like the catalogue. */
export interface Services {
  /** Those of a version: the standard ones, then the owner's own. Deleted ones are not among them. */
  of(registryId: string, version: string): Promise<Service[]>;
  find(registryId: string, version: string, name: string): Promise<Service | undefined>;
  /** Settings were changed on this node. */
  forget(registryId: string): void;
}

/** Nothing was said of it. */
export const sameAsStandard = ({ own, state, description }: Service): boolean =>
  !own && state === 'visible' && description === '';

const rememberedMs = 1000;
const mostRemembered = 1000;

async function load(db: Kysely<RegistryTables>, registryId: string): Promise<Kept[]> {
  const rows = await db
    .selectFrom('registry_service')
    .selectAll()
    .where('registry_id', '=', registryId)
    .orderBy('id')
    .execute();
  return rows.flatMap((row): Kept[] => {
    const base = standardByName.get(row.base);
    if (!base) return [];
    const own = row.name !== row.base;
    return [
      {
        id: own ? Number(row.id) : base.id,
        version: row.version,
        name: row.name,
        base,
        own,
        state: row.state,
        description: row.description,
        fields: row.fields,
        filter: row.filter as FixedFilter[],
      },
    ];
  });
}

export function openServices(db: Kysely<RegistryTables>): Services {
  const known = new Map<string, { readonly until: number; readonly kept: Promise<Kept[]> }>();
  const keptOf = (registryId: string): Promise<Kept[]> => {
    const found = known.get(registryId);
    if (found && found.until > Date.now()) return found.kept;
    const kept = load(db, registryId);
    if (known.size >= mostRemembered) known.clear();
    known.set(registryId, { until: Date.now() + rememberedMs, kept });
    kept.catch(() => known.delete(registryId));
    return kept;
  };
  const of = async (registryId: string, version: string): Promise<Service[]> => {
    const kept = (await keptOf(registryId)).filter((one) => one.version === version);
    const standard = standardServices.map(
      (base): Kept =>
        kept.find((one) => one.name === base.name) ?? {
          id: base.id,
          version,
          name: base.name,
          base,
          own: false,
          state: 'visible',
          description: '',
          fields: null,
          filter: [],
        },
    );
    return [...standard, ...kept.filter(({ own }) => own)].filter(
      (one): one is Kept & Service => one.state !== 'deleted',
    );
  };
  return {
    of,
    async find(registryId, version, name) {
      return (await of(registryId, version)).find((one) => one.name === name);
    },
    forget: (registryId) => void known.delete(registryId),
  };
}

/** What an owner said of the services of a version holds for the next one too. */
export const carryServices = (
  trx: Kysely<RegistryTables>,
  registryId: string,
  from: string,
  to: string,
): Promise<unknown> =>
  sql`
    insert into registry_service (registry_id, version, name, base, state, description, fields, filter, modified_by)
    select registry_id, ${to}, name, base, state, description, fields, filter, modified_by
    from registry_service
    where registry_id = ${registryId}::bigint and version = ${from}
    order by id`.execute(trx);

/** The services of a version as the published Database API lists them. */
export async function genericServices(db: Kysely<RegistryTables>, registryId: string, version: string) {
  const used = await db
    .selectFrom('registry_service_use')
    .select(['name', 'used'])
    .where('registry_id', '=', registryId)
    .where('version', '=', version)
    .execute();
  const counts = new Map(used.map((one) => [one.name, Number(one.used)]));
  return (await openServices(db).of(registryId, version)).map(({ id, name, state }) => ({
    serviceId: id,
    name,
    isVisible: state === 'visible',
    usedCount: counts.get(name) ?? 0,
  }));
}

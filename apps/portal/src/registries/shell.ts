import { Problem } from '@govstack/platform';
import type { Names } from '../mediated/names.ts';
import type { SignedInVisit, Site } from '../site/visit.ts';
import { latest, type RegistryClients } from './clients.ts';
import type { ListStore } from './list-store.ts';
import type { LogSearch } from './log-search.ts';
import { type Owners, type Place, placeAt } from './place.ts';
import { designerRoles } from './roles.ts';
import { fieldsOf, type Schema, type SchemaField } from './schema.ts';

/** What the pages of registries share. */
export interface RegistryParts {
  readonly site: Site;
  readonly clients: RegistryClients;
  readonly names: Names;
  readonly owners: Owners;
  /** Every application that owns registries, whoever looks. */
  readonly everyOwner: readonly string[];
  readonly lists: ListStore;
  readonly searches: ListStore<LogSearch>;
  readonly timeZone: string;
  /** The day in the country, `YYYY-MM-DD`. */
  readonly today: () => string;
  readonly now: () => Date;
}

export const isDesigner = (visit: SignedInVisit): boolean =>
  designerRoles.some((role) => visit.viewer.roles.includes(role));

/** A published registry whose records a person works with. */
export interface OpenRegistry {
  readonly place: Place;
  readonly name: string;
  readonly archived: boolean;
  readonly version: string;
  /** Fields that the person may see, of the newest version. */
  readonly fields: readonly SchemaField[];
  readonly records: number;
  readonly countIsExact: boolean;
}

export async function openRegistry(parts: RegistryParts, visit: SignedInVisit): Promise<OpenRegistry> {
  const place = placeAt(parts.owners, visit.viewer, visit.params.registry as string);
  const data = parts.clients.data(place.owner);
  const [usable, schema] = await Promise.all([
    data.listUsableRegistries({ query: { code: place.code } }),
    data.readSchema({ params: latest(place) }),
  ]);
  const registry = usable.body.registries[0];
  if (!registry) throw new Problem(404, 'no such registry');
  return {
    place,
    name: registry.name,
    archived: registry.archived,
    version: registry.version,
    records: registry.records,
    countIsExact: registry.countIsExact,
    fields: fieldsOf(schema.body as unknown as Schema),
  };
}

/** What the frame around a page of a registry shows: its name, and where one can go. */
export function frame(
  visit: SignedInVisit,
  { place, name }: { readonly place: Place; readonly name: string },
  tab: string,
  published = true,
) {
  const tabs = [
    { key: 'overview', href: place.base, shown: isDesigner(visit) },
    { key: 'records', href: `${place.base}/records`, shown: published },
    { key: 'import', href: `${place.base}/imports`, shown: published },
    { key: 'export', href: `${place.base}/exports`, shown: published },
    { key: 'figures', href: `${place.base}/figures`, shown: published },
    { key: 'design', href: `${place.base}/design`, shown: isDesigner(visit) },
    { key: 'access', href: `${place.base}/access`, shown: isDesigner(visit) && published },
    { key: 'log', href: `${place.base}/log`, shown: isDesigner(visit) && published },
  ];
  return {
    section: 'registries',
    back: '/registries',
    base: place.base,
    registryName: name,
    tab,
    tabs: tabs.filter(({ shown }) => shown),
  };
}

import { conflict } from '@govstack/platform';
import canonicalize from 'canonicalize';
import type { Kysely } from 'kysely';
import type { Actor } from '../history/schema-log.ts';
import type { FixedFilter } from '../records/fixed-filter.ts';
import type { Filter } from '../records/list.ts';
import type { Catalogue, Registry } from '../schema/catalogue.ts';
import { modifyRegistry, type RegistryDetails, registryRow, type SecretKeeping } from '../schema/publish.ts';
import { putService, type ServiceInput, setServiceState } from '../services/manage.ts';
import { type ServiceState, type Services, sameAsStandard } from '../services/services.ts';
import type { RegistryTables } from '../tables.ts';
import type { DefinitionInput } from '../views/compile-view.ts';
import type { ViewDefinition, ViewField } from '../views/definition.ts';
import { putView, registryNamed, viewsOf } from '../views/views.ts';

/** A registry without its records: what another one is made from. Everything in it goes by names, not by ids here. */
export interface Template {
  readonly template: 1;
  /** Version of the registry it was taken from. */
  readonly version: string;
  readonly details: RegistryDetails;
  readonly schema: unknown;
  readonly services: readonly (ServiceInput & { readonly name: string; readonly state: ServiceState })[];
  readonly views: readonly {
    readonly code: string;
    readonly name: string;
    readonly description: string;
    readonly definition: DefinitionInput;
  }[];
}

export interface TemplateParts {
  readonly db: Kysely<RegistryTables>;
  readonly catalogue: Catalogue;
  readonly services: Services;
}

const nameIn =
  ({ current }: Registry) =>
  (id: number): string =>
    current.find((field) => field.id === id)?.name ?? String(id);

const filtersIn = (registry: Registry, filter: readonly FixedFilter[]): Filter[] =>
  filter.map(({ field, ...rest }) => ({ field: nameIn(registry)(field), ...rest }));

/** A definition as it would be given, by the names of the fields. */
async function named(
  registry: Registry,
  definition: ViewDefinition,
  registryOf: (id: string) => Promise<Registry | undefined>,
): Promise<DefinitionInput> {
  const fieldsIn = (of: Registry, fields: readonly ViewField[]) =>
    fields.map(({ field, as }) => ({ field: nameIn(of)(field), as }));
  const filter = filtersIn(registry, definition.filter);
  if (definition.kind === 'groups')
    return {
      kind: 'groups',
      by: fieldsIn(registry, definition.by),
      measures: definition.measures.map(({ field, ...rest }) => ({
        ...rest,
        ...(field === null ? {} : { field: nameIn(registry)(field) }),
      })),
      filter,
      minimum: definition.minimum,
    };
  const joins = [];
  for (const join of definition.joins) {
    const other = await registryOf(join.registry);
    if (other) joins.push({ field: nameIn(registry)(join.link), fields: fieldsIn(other, join.fields) });
  }
  const { order } = definition;
  return {
    kind: 'records',
    fields: fieldsIn(registry, definition.fields),
    joins,
    filter,
    ...(order ? { order: { field: nameIn(registry)(order.field), descending: order.descending } } : {}),
  };
}

/** The newest version of a registry as a template: schema, details, what is said of its services, its views. */
export async function exportTemplate(
  { db, catalogue, services }: TemplateParts,
  owner: string,
  code: string,
): Promise<Template> {
  const { registry } = await catalogue.find(owner, code, 'latest');
  const row = await registryRow(db, owner, code);
  const views = (await viewsOf(db, owner)).filter((view) => view.registry.id === registry.id);
  const settings = (await services.of(registry.id, registry.version)).filter((one) => !sameAsStandard(one));
  return {
    template: 1,
    version: registry.version,
    details: {
      name: row.name,
      groupName: row.group_name,
      description: row.description,
      domain: row.domain,
      institution: row.institution,
      classification: row.classification,
      retentionDays: row.retention_days,
      numberFormat: row.number_format,
      storageProfile: row.storage_profile,
    },
    schema: await catalogue.schema(owner, code, 'latest'),
    services: settings.map(({ name, base, own, state, description, fields, filter }) => ({
      name,
      state,
      base: base.name,
      description,
      ...(fields ? { fields: fields.map(nameIn(registry)) } : {}),
      ...(own && filter.length > 0 ? { filter: filtersIn(registry, filter) } : {}),
    })),
    views: await Promise.all(
      views.map(async (view) => ({
        code: view.code.startsWith(`${code}-`) ? view.code.slice(code.length + 1) : view.code,
        name: view.name,
        description: view.description,
        definition: await named(registry, view.definition, (id) => registryNamed(db, catalogue, owner, id)),
      })),
    ),
  };
}

/**
 * Makes a registry from a template under a code of its own, published. Its views get codes that begin with that one;
 * none of them is open data. What was interrupted is completed by the same call again.
 */
export async function importTemplate(
  { db, catalogue, services, secrets }: TemplateParts & { readonly secrets: SecretKeeping },
  owner: string,
  code: string,
  template: Template,
  actor: Actor,
): Promise<{ readonly version: string; readonly views: string[] }> {
  const existing = await registryNamed(db, catalogue, owner, code);
  const before = existing && (await catalogue.schema(owner, code, 'latest'));
  if (before && canonicalize(before) !== canonicalize(template.schema))
    throw conflict('There is another registry of this code');
  const by = actor.name;
  const strict = { by: actor, lenient: false };
  const { version } = await modifyRegistry(
    db,
    owner,
    code,
    { details: template.details, schema: template.schema, ...strict },
    { accept: false, secrets, ...strict },
  );
  catalogue.forget(owner, code);
  const { registry } = await catalogue.find(owner, code, 'latest');
  for (const { name, state, ...input } of template.services) {
    await putService(db, registry, name, input, by);
    services.forget(registry.id);
    const service = await services.find(registry.id, version, name);
    if (service && state !== 'visible') await setServiceState(db, registry, service, state, by);
  }
  services.forget(registry.id);
  const views = [];
  for (const { code: suffix, name, description, definition } of template.views) {
    const view = `${code}-${suffix}`.slice(0, 60);
    await putView(db, catalogue, owner, view, { registry: code, name, description, definition }, by);
    views.push(view);
  }
  return { version, views };
}

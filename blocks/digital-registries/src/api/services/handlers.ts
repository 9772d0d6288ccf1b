import { applicationOf, conflict, type ImplementedSurface, implement, notFound } from '@govstack/platform';
import type { Reader } from '../../access/access.ts';
import { type DescriptionParts, describedFor, describedPage } from '../../descriptions/described.ts';
import { descriptionPage } from '../../descriptions/html-page.ts';
import { pathOf, registryDocument } from '../../descriptions/openapi-document.ts';
import { actorOf } from '../../history/schema-log.ts';
import type { FixedFilter } from '../../records/fixed-filter.ts';
import type { Registry } from '../../schema/catalogue.ts';
import type { SecretKeeping } from '../../schema/publish.ts';
import { copyService, deleteService, putService, setServiceState } from '../../services/manage.ts';
import type { Service } from '../../services/services.ts';
import type { UseCounts } from '../../services/use-counts.ts';
import { exportTemplate, importTemplate } from '../../templates/template.ts';
import { registryData } from '../data/operations.ts';
import { readerOf } from '../reader-of.ts';
import { by, type Who } from '../who.ts';
import { registryServices } from './operations.ts';

export interface ServicesDependencies extends DescriptionParts {
  readonly uses: UseCounts;
  readonly secrets: SecretKeeping;
}

const methodOf = ({ base, own }: Service): string =>
  own ? 'POST' : registryData.operations[base.operation].method;

/** The surface of API services: who may, then one call of the services room or of the descriptions. */
export function serveServices(parts: ServicesDependencies): ImplementedSurface {
  const { db, catalogue, gate, services, uses } = parts;

  async function registryFor(who: Who, { code, version }: { code: string; version: string }) {
    const owner = await gate.administer(who);
    return (await catalogue.find(owner, code, version)).registry;
  }
  async function found(registry: Registry, name: string): Promise<Service> {
    const service = await services.find(registry.id, registry.version, name);
    if (!service) throw notFound('Service');
    return service;
  }
  /** Changes the services of a version, for this node at once. */
  async function changed<T>(registry: Registry, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } finally {
      services.forget(registry.id);
    }
  }
  async function documentFor(reader: Reader, code: string, version: string | undefined) {
    const described = await describedFor(parts, reader, applicationOf(reader.caller.service), code);
    const versions = described.versions.filter(
      (one, index) =>
        version === undefined || one.version === version || (version === 'latest' && index === 0),
    );
    if (versions.length === 0) throw notFound('Registry version');
    return registryDocument({ ...described, versions });
  }
  const shown = (registry: Registry, service: Service, used: number) => {
    const nameOf = (id: number): string =>
      registry.current.find((field) => field.id === id)?.name ?? String(id);
    return {
      serviceId: service.id,
      name: service.name,
      base: service.base.name,
      own: service.own,
      state: service.state,
      isVisible: service.state === 'visible',
      usedCount: used,
      description: service.description,
      fields: service.fields?.map(nameOf) ?? null,
      filter: service.filter.map(({ field, ...rest }: FixedFilter) => ({ field: nameOf(field), ...rest })),
      method: methodOf(service),
      path: pathOf(registry.code, registry.version, service),
    };
  };

  return implement(registryServices, {
    async listServices({ params, ...who }) {
      const registry = await registryFor(who, params);
      const counts = await uses.of(registry.id, registry.version);
      const all = await services.of(registry.id, registry.version);
      return {
        status: 200,
        body: { services: all.map((one) => shown(registry, one, counts.get(one.name) ?? 0)) },
      };
    },
    async putService({ params, body, ...who }) {
      const registry = await registryFor(who, params);
      await changed(registry, putService(db, registry, params.service, body, by(who)));
      return { status: 204 };
    },
    async copyService({ params, body: { name, ...narrower }, ...who }) {
      const registry = await registryFor(who, params);
      const original = await found(registry, params.service);
      if (await services.find(registry.id, registry.version, name))
        throw conflict('There is a service of this name');
      await changed(registry, copyService(db, registry, original, name, narrower, by(who)));
      return { status: 204 };
    },
    async putServiceState({ params, body, ...who }) {
      const registry = await registryFor(who, params);
      const service = await found(registry, params.service);
      await changed(registry, setServiceState(db, registry, service, body.state, by(who)));
      return { status: 204 };
    },
    async deleteService({ params, ...who }) {
      const registry = await registryFor(who, params);
      await changed(registry, deleteService(db, registry, params.service, by(who)));
      return { status: 204 };
    },
    async exportTemplate({ params, ...who }) {
      const template = await exportTemplate(parts, await gate.administer(who), params.code);
      return { status: 200, body: JSON.parse(JSON.stringify(template)) };
    },
    async importTemplate({ params, body, ...who }) {
      const owner = await gate.administer(who);
      return { status: 200, body: await importTemplate(parts, owner, params.code, body, actorOf(who)) };
    },
    async listCatalogue({ query, headers, caller, person }) {
      const owner = applicationOf(caller.service);
      const reader = readerOf(caller, person, headers);
      const { registries, next } = await describedPage(parts, reader, owner, query.after ?? '');
      return {
        status: 200,
        body: {
          registries: registries.map(({ code, name, description, versions }) => ({
            code,
            name,
            description,
            document: `/registries/${code}/openapi.json`,
            page: `/registries/${code}/openapi.html`,
            versions: versions.map(({ version, deprecated, services: seen }) => ({
              version,
              deprecated,
              services: seen.map(({ service }) => ({
                name: service.name,
                description: service.description || registryData.operations[service.base.operation].summary,
                method: methodOf(service),
                path: pathOf(code, version, service),
              })),
            })),
          })),
          ...(next === undefined ? {} : { next }),
        },
      };
    },
    async readDocument({ params, query, headers, caller, person }) {
      const reader = readerOf(caller, person, headers);
      return { status: 200, body: await documentFor(reader, params.code, query.version) };
    },
    async readPage({ params, query, headers, caller, person }) {
      const reader = readerOf(caller, person, headers);
      return { status: 200, body: descriptionPage(await documentFor(reader, params.code, query.version)) };
    },
  });
}

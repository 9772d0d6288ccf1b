import { createHash } from 'node:crypto';
import type { Static } from '@govstack/platform/operation';
import canonicalize from 'canonicalize';
import type { IMconf } from '../api/configuration/document-operations.ts';
import {
  type Application,
  type Configuration,
  codeOf,
  defaults,
  type Member,
  type Right,
  type Service,
  usualSpecUrl,
} from './configuration.ts';

export type Document = Static<typeof IMconf>;

/** Value by value, whatever the order in which their properties came. */
export const same = (a: unknown, b: unknown): boolean => canonicalize(a) === canonicalize(b);

/** What an entry says beyond what it would be if nothing were said. */
function unusual<T extends object, K extends keyof T & string>(
  entry: T,
  usual: T,
  names: readonly K[],
): Partial<T> {
  return Object.fromEntries(
    names.filter((name) => !same(entry[name], usual[name])).map((name) => [name, entry[name]]),
  ) as unknown as Partial<T>;
}

/** Entries under the identifier of what they belong to. */
function grouped<T>(entries: Iterable<T>, ownerOf: (entry: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const entry of entries) {
    const group = groups.get(ownerOf(entry));
    if (group) group.push(entry);
    else groups.set(ownerOf(entry), [entry]);
  }
  return groups;
}

const ownerOf = ({ id }: { readonly id: string }): string => id.slice(0, id.lastIndexOf('/'));
const isWhole = ({ endpoints }: Right): boolean =>
  endpoints.length === 1 && endpoints[0]?.method === '*' && endpoints[0].path === '**';

/** A configuration as a document, with the published property names (IM-8.6.1-a). */
export function documentOf(configuration: Configuration): Document {
  const { instance, domain, members } = configuration;
  const applications = grouped(configuration.applications.values(), ownerOf);
  const services = grouped(configuration.services.values(), ownerOf);
  const rights = grouped(configuration.rights.values(), ({ service }) => service);

  const rightIn = (right: Right) => {
    const [where, memberClass, code, application] = right.subject.split('/') as [
      string,
      string,
      string,
      string,
    ];
    return {
      member: members.get(`${where}/${memberClass}/${code}`)?.name ?? code,
      application,
      class: memberClass,
      code,
      ...(where === instance ? {} : { instance: where }),
      ...(isWhole(right) ? {} : { endpoints: right.endpoints.map(({ method, path }) => ({ method, path })) }),
    };
  };
  const serviceIn = (service: Service) => ({
    id: codeOf(service.id),
    specUrl: service.specUrl ?? usualSpecUrl(service.serviceUrl),
    serviceUrl: service.serviceUrl,
    ...unusual(service, defaults.service(service.id), ['title', 'timeoutMs', 'enabled', 'notice', 'openapi']),
    rights: (rights.get(service.id) ?? []).map(rightIn),
  });
  const applicationIn = (application: Application) => ({
    id: codeOf(application.id),
    connection: application.connection,
    ...unusual(application, defaults.application(application.id), [
      'name',
      'status',
      'publicKey',
      'operators',
      'tlsCertificates',
    ]),
    services: (services.get(application.id) ?? []).map(serviceIn),
  });
  const memberIn = ({ id, name }: Member) => ({
    name,
    class: id.split('/')[1] as string,
    code: codeOf(id),
    applications: (applications.get(id) ?? []).map(applicationIn),
  });
  return { domain, instance, members: [...members.values()].map(memberIn) } as Document;
}

/** Strong entity tag of a state of the configuration: the same state always has the same one. */
export const etagOf = (document: Document): string =>
  `"${createHash('sha256')
    .update(canonicalize(document) as string)
    .digest('base64url')
    .slice(0, 22)}"`;

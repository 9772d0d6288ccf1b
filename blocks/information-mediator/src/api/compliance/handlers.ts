import { type ImplementedSurface, implement, notFound } from '@govstack/platform';
import type { DescribedService, MetaServices } from '../../descriptions/meta-services.ts';
import type { Directory } from '../../directory/directory.ts';
import { directorySuite } from './operations.ts';

interface ApplicationPath {
  readonly GovStackInstance: string;
  readonly memberClass: string;
  readonly memberCode: string;
  readonly applicationCode: string;
}

const applicationAt = (path: ApplicationPath): string =>
  [path.GovStackInstance, path.memberClass, path.memberCode, path.applicationCode].join('/');

function entryOf(id: string, type: 'MEMBER' | 'SUBSYSTEM' | 'SERVICE') {
  const [instance = '', memberClass = '', memberCode = '', application] = id.split('/');
  return {
    objectType: { object_type: type },
    GovStackInstance: instance,
    memberClass,
    memberCode,
    ...(application === undefined ? {} : { applicationCode: application }),
  };
}

const serviceEntry = ({ service, endpoints }: DescribedService) => ({
  ...entryOf(service.id, 'SERVICE'),
  serviceType: 'OPENAPI',
  serviceCode: service.id.split('/')[4] as string,
  serviceVersion: '',
  endpointList: { member: endpoints.map(({ method, path }) => ({ method, path })) },
});

const first = (value: string | readonly string[] | undefined): string | undefined =>
  typeof value === 'string' ? value : value?.[0];

/** Answers from the directory only: the suite's dialect opens no way to any service. */
export function answerSuite(directory: Directory, meta: MetaServices): ImplementedSurface {
  const list = (services: readonly DescribedService[], serviceId: string | undefined) => ({
    status: 200 as const,
    body: {
      member: services
        .filter(({ service }) => serviceId === undefined || service.id.endsWith(`/${serviceId}`))
        .map(serviceEntry),
    },
  });
  return implement(directorySuite, {
    async listClients({ query }) {
      const instance = first(query.instanceId);
      const within = ({ id }: { readonly id: string }): boolean =>
        instance === undefined || id.startsWith(`${instance}/`);
      const members = directory.members().filter(within);
      const applications = directory.applications().filter(within);
      return {
        status: 200,
        body: {
          member: [
            ...members.map(({ id }) => entryOf(id, 'MEMBER')),
            ...applications.map(({ id }) => entryOf(id, 'SUBSYSTEM')),
          ],
        },
      };
    },
    async listMethods({ params, query }) {
      return list(await meta.methodsOf(applicationAt(params)), first(query.serviceId));
    },
    async allowedMethods({ params, query, headers }) {
      const client = headers['information-mediator-client'] ?? headers['x-govstack-client'] ?? '';
      return list(await meta.allowedOf(applicationAt(params), client), first(query.serviceId));
    },
    async getOpenAPI({ params, query }) {
      const document = await meta.documentOf(`${applicationAt(params)}/${query.serviceCode}`);
      if (!document) throw notFound('A description of this service');
      return { status: 200, body: JSON.stringify(document) };
    },
  });
}

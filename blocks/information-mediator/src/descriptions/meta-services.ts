import type { Directory } from '../directory/directory.ts';
import type { DirectoryService, Endpoint } from '../directory/snapshot.ts';
import { bodyOf } from '../exchange/body.ts';
import type { Refusal } from '../exchange/errors.ts';
import { headerValue } from '../exchange/headers.ts';
import type { ExchangeRequest, ExchangeResponse } from '../exchange/request.ts';
import { type Descriptions, endpointsOf, type OpenApi } from './descriptions.ts';

/** A service with the endpoints that are shown of it. */
export interface DescribedService {
  readonly service: DirectoryService;
  readonly endpoints: readonly Endpoint[];
  /** Whether it has a description; X-Road tells OPENAPI from REST by that. */
  readonly described: boolean;
}

/** Who reads: X-Road's clients and GovStack's expect other names for the same things. */
export type Dialect = 'x-road' | 'govstack';

/** GovStack's clients give themselves away by the header in which they say who they are. */
const dialectOf = (request: ExchangeRequest): Dialect =>
  headerValue(request.headers, 'x-govstack-client') !== undefined &&
  headerValue(request.headers, 'x-road-client') === undefined
    ? 'govstack'
    : 'x-road';

/** What the mediator itself answers in the name of every application; only reads are such (x-road.md 2). */
export const isMetaService = (request: ExchangeRequest): boolean =>
  request.method === 'GET' && /\/(listMethods|allowedMethods|getOpenAPI|getOpenApi)$/.test(request.service);

const json = (body: unknown): ExchangeResponse => ({
  status: 200,
  headers: [['Content-Type', 'application/json; charset=utf-8']],
  body: bodyOf(Buffer.from(JSON.stringify(body))),
});

const wholeOf = ({ method, path }: Endpoint): boolean => method === '*' && path === '**';

function describe(dialect: Dialect, { service, endpoints, described }: DescribedService): object {
  const type = described ? 'OPENAPI' : 'REST';
  const [instance, memberClass, memberCode, application, code] = service.id.split('/');
  return dialect === 'x-road'
    ? {
        object_type: 'SERVICE',
        service_type: type,
        xroad_instance: instance,
        member_class: memberClass,
        member_code: memberCode,
        subsystem_code: application,
        service_code: code,
        endpoint_list: endpoints,
      }
    : {
        objectType: 'SERVICE',
        serviceType: type,
        instanceId: instance,
        memberClass,
        memberCode,
        applicationCode: application,
        serviceCode: code,
        serviceVersion: /-(v[0-9]+)$/.exec(code ?? '')?.[1] ?? '',
        endpointList: { member: endpoints },
      };
}

export interface MetaServices {
  answer(request: ExchangeRequest): Promise<ExchangeResponse | Refusal>;
  /** Services of one application with all their endpoints (IM-8.2.2-a). */
  methodsOf(application: string): Promise<DescribedService[]>;
  /** Those a client has a right to, with the endpoints it may use (IM-8.2.2-b). */
  allowedOf(application: string, client: string): Promise<DescribedService[]>;
  /** The description of a service; undefined when there is none (IM-8.2.2-c). */
  documentOf(service: string): Promise<OpenApi | undefined>;
}

/** listMethods, allowedMethods and getOpenAPI of every registered application (IM-8.2.2). */
export function createMetaServices(directory: Directory, descriptions: Descriptions): MetaServices {
  const servicesOf = (application: string): DirectoryService[] =>
    directory.services().filter((service) => service.applicationId === application);

  const described = async (service: DirectoryService): Promise<DescribedService> => {
    const document = await descriptions.of(service);
    return { service, endpoints: endpointsOf(document), described: document !== undefined };
  };

  const methodsOf = (application: string): Promise<DescribedService[]> =>
    Promise.all(servicesOf(application).map(described));

  async function allowedOf(application: string, client: string): Promise<DescribedService[]> {
    const allowed = servicesOf(application).filter(
      (service) => directory.endpointsAllowed(client, service.id).length > 0,
    );
    return Promise.all(
      allowed.map(async (service) => {
        const rights = directory.endpointsAllowed(client, service.id);
        const whole = await described(service);
        // Its own rights and those of its groups may overlap.
        const endpoints = [...new Map(rights.map((one) => [`${one.method} ${one.path}`, one])).values()];
        return rights.some(wholeOf) ? whole : { ...whole, endpoints };
      }),
    );
  }

  async function documentOf(id: string): Promise<OpenApi | undefined> {
    const service = directory.service(id);
    return service && descriptions.of(service);
  }

  async function openApiOf(
    application: string,
    code: string | null,
    dialect: Dialect,
  ): Promise<ExchangeResponse | Refusal> {
    if (code === null || code === '') return { kind: 'badRequest', message: 'serviceCode is required' };
    if (!/^[A-Za-z0-9'()+,\-.=?_]{1,100}$/.test(code))
      return { kind: 'badRequest', message: 'serviceCode is not a service code' };
    const document = await documentOf(`${application}/${code}`);
    if (!document) return { kind: 'unknownService', message: 'There is no description of this service' };
    // GovStack's document declares a string: the description, encoded.
    return json(dialect === 'govstack' ? JSON.stringify(document) : document);
  }

  return {
    methodsOf,
    allowedOf,
    documentOf,
    async answer(request) {
      const [application, name] = [
        request.service.split('/').slice(0, 4).join('/'),
        request.service.split('/')[4] as string,
      ];
      const query = new URLSearchParams(request.path.split('?')[1] ?? '');
      const dialect = dialectOf(request);
      if (!directory.application(application))
        return { kind: 'unknownMember', message: 'There is no such application' };
      if (name.toLowerCase() === 'getopenapi')
        return openApiOf(application, query.get('serviceCode'), dialect);
      const described =
        name === 'listMethods' ? await methodsOf(application) : await allowedOf(application, request.client);
      const wanted = query.get('serviceId');
      const shown = described
        .filter(({ service }) => wanted === null || service.id.endsWith(`/${wanted}`))
        .map((one) => describe(dialect, one));
      return json(dialect === 'x-road' ? { service: shown } : { member: shown });
    },
  };
}

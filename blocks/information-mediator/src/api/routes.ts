import { compileValidator, type MediatedRequest, type MediatedResponse, newId } from '@govstack/platform';
import { CloudEvent } from '@govstack/platform/operation';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Directory } from '../directory/directory.ts';
import { type ErrorKind, errorResponse } from '../exchange/errors.ts';
import { endToEnd } from '../exchange/http-provider.ts';
import type { Authentication } from './client-authentication.ts';

export interface RouteDependencies {
  readonly directory: Directory;
  readonly authenticate: (headers: FastifyRequest['headers']) => Promise<Authentication>;
  readonly exchange: (request: MediatedRequest) => Promise<MediatedResponse>;
  readonly publish: (event: CloudEvent) => Promise<void>;
  /** The published OpenAPI document of a service, with its address replaced. */
  readonly describe: (serviceId: string) => Promise<Record<string, unknown> | undefined>;
  readonly strictHttp: boolean;
  readonly bodyLimit: number;
}

const flat = (headers: FastifyRequest['headers']): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
    ),
  );

const send = (reply: FastifyReply, response: MediatedResponse): FastifyReply =>
  reply.code(response.status).headers(endToEnd(response.headers)).send(response.body);

const metaServices = new Set(['listMethods', 'allowedMethods', 'getOpenAPI']);
const validEvent = compileValidator(CloudEvent, 'body', false);

/** The X-Road REST interface: data plane, directory, and publishing of events by other processes of this node. */
export async function registerRoutes(fastify: FastifyInstance, deps: RouteDependencies): Promise<void> {
  const { directory } = deps;
  const refuse = (reply: FastifyReply, kind: ErrorKind, message: string): FastifyReply =>
    send(reply, errorResponse(kind, message, newId(), deps.strictHttp));

  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(
    '*',
    { parseAs: 'buffer', bodyLimit: deps.bodyLimit },
    (_request, body, done) => done(null, body),
  );

  fastify.get('/listClients', async (request, reply) => {
    const instance =
      (request.query as Record<string, string>).instanceId ??
      (request.query as Record<string, string>).xRoadInstance;
    const clients = [
      ...directory.members().map((member) => ({ type: 'MEMBER', ...member })),
      ...directory.applications().map((application) => ({ type: 'APPLICATION', ...application })),
    ].filter(({ id }) => instance === undefined || id.startsWith(`${instance}/`));
    const xRoad =
      request.headers['x-road-client'] !== undefined || 'xRoadInstance' in (request.query as object);
    const member = clients.map(({ id, name, type }) => {
      const [instanceId, memberClass, memberCode, applicationCode] = id.split('/');
      return xRoad
        ? {
            id: {
              object_type: type === 'MEMBER' ? 'MEMBER' : 'SUBSYSTEM',
              xroad_instance: instanceId,
              member_class: memberClass,
              member_code: memberCode,
              ...(applicationCode === undefined ? {} : { subsystem_code: applicationCode }),
            },
            name,
          }
        : {
            name,
            id: {
              objectType: type,
              instanceId,
              memberClass,
              memberCode,
              ...(applicationCode === undefined ? {} : { applicationCode }),
            },
          };
    });
    return reply.header('content-type', 'application/json; charset=utf-8').send(JSON.stringify({ member }));
  });

  async function endpointsOf(service: string): Promise<{ method: string; path: string }[]> {
    const paths = ((await deps.describe(service))?.paths ?? {}) as Record<string, object>;
    return Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => ({ method: method.toUpperCase(), path })),
    );
  }

  async function metaService(
    name: string,
    parts: readonly string[],
    client: string,
    request: FastifyRequest,
    reply: FastifyReply,
  ) {
    const applicationId = parts.slice(0, 4).join('/');
    const query = request.query as Record<string, string | undefined>;
    const services = directory.services().filter((service) => service.applicationId === applicationId);
    if (name === 'getOpenAPI') {
      if (query.serviceCode === undefined || query.serviceCode === '')
        return refuse(reply, 'badRequest', 'serviceCode is required');
      const document = await deps.describe(`${applicationId}/${query.serviceCode}`);
      if (!document) return refuse(reply, 'unknownService', 'There is no description of this service');
      return reply.header('content-type', 'application/json; charset=utf-8').send(JSON.stringify(document));
    }
    const shown = services.filter(
      (service) =>
        (query.serviceId === undefined || service.id.endsWith(`/${query.serviceId}`)) &&
        (name === 'listMethods' || directory.hasRight(client, service.id)),
    );
    const xRoad = request.headers['x-road-client'] !== undefined;
    const listed = await Promise.all(
      shown.map(async (service) => {
        const [instanceId, memberClass, memberCode, applicationCode, serviceCode] = service.id.split('/');
        const endpoints = (await endpointsOf(service.id)).filter(
          ({ method, path }) =>
            name === 'listMethods' ||
            directory.allows(client, service.id, method, path.replaceAll(/\{[^}]+\}/g, 'x')) !== undefined,
        );
        return xRoad
          ? {
              object_type: 'SERVICE',
              service_type: 'OPENAPI',
              xroad_instance: instanceId,
              member_class: memberClass,
              member_code: memberCode,
              subsystem_code: applicationCode,
              service_code: serviceCode,
              endpoint_list: endpoints,
            }
          : {
              objectType: 'SERVICE',
              serviceType: 'OPENAPI',
              instanceId,
              memberClass,
              memberCode,
              applicationCode,
              serviceCode,
              serviceVersion: serviceCode?.split('-').at(-1) ?? '',
              endpointList: { member: endpoints },
            };
      }),
    );
    return reply
      .header('content-type', 'application/json; charset=utf-8')
      .send(JSON.stringify(xRoad ? { service: listed } : { member: listed }));
  }

  fastify.all('/r1/*', { bodyLimit: deps.bodyLimit }, async (request, reply) => {
    const authentication = await deps.authenticate(request.headers);
    if (!authentication.ok) {
      if (authentication.kind === 'notAuthenticated') {
        request.log.warn(
          { security: 'client-not-authenticated', correlationId: request.govstack.correlationId },
          'refused',
        );
      }
      return refuse(reply, authentication.kind, authentication.message);
    }
    const raw = (request.raw.url ?? '').slice('/r1/'.length);
    const [pathPart = '', ...queryParts] = raw.split('?');
    const query = queryParts.length === 0 ? '' : `?${queryParts.join('?')}`;
    const segments = pathPart.split('/');
    let parts: string[];
    try {
      parts = segments.slice(0, 5).map(decodeURIComponent);
    } catch {
      return refuse(reply, 'badRequest', 'The path is not well-formed');
    }
    if (parts.length < 5 || parts.some((part) => part === '' || part.includes('/'))) {
      return refuse(reply, 'badRequest', 'The path must be /r1/INSTANCE/CLASS/MEMBER/APPLICATION/SERVICE/…');
    }
    const code = parts[4] as string;
    if (metaServices.has(code) && request.method === 'GET')
      return metaService(code, parts, authentication.client, request, reply);
    const rest = segments.slice(5).join('/');
    const response = await deps.exchange({
      client: authentication.client,
      ...(authentication.sender === authentication.client ? {} : { operator: authentication.sender }),
      service: parts.join('/'),
      method: request.method,
      path: `/${rest}${query}`,
      headers: {
        ...flat(request.headers),
        'x-correlation-id': request.govstack.correlationId,
        traceparent: request.govstack.traceparent,
      },
      ...(request.body === undefined ? {} : { body: request.body as Buffer }),
      ...(request.govstack.signal ? { signal: request.govstack.signal } : {}),
    });
    return send(reply, response);
  });

  fastify.post('/node/events', async (request, reply) => {
    const authentication = await deps.authenticate(request.headers);
    if (!authentication.ok) return refuse(reply, authentication.kind, authentication.message);
    let event: unknown;
    try {
      event = JSON.parse((request.body as Buffer | undefined)?.toString('utf8') ?? '');
    } catch {
      return refuse(reply, 'badRequest', 'The body is not well-formed JSON');
    }
    const announced = event as CloudEvent;
    if (validEvent(event) || announced.source !== authentication.sender) {
      return refuse(reply, 'badRequest', 'The body must be a CloudEvent whose source is the sender');
    }
    await deps.publish(announced);
    return reply.code(204).send();
  });
}

import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Body, BodyTooLarge, noBody, receiveBody } from '../../exchange/body.ts';
import { errorResponse, type Refusal, type Wording } from '../../exchange/errors.ts';
import { fromRaw, type HeaderList, headerValue } from '../../exchange/headers.ts';
import type { Exchange, ExchangeResponse } from '../../exchange/request.ts';
import type { Authenticate } from './client-authentication.ts';
import { connectionOf } from './client-connection.ts';
import { type Clients, listClients } from './list-clients.ts';
import { type NodeRoutes, registerNodeRoutes } from './node-routes.ts';

export interface RestInterface extends NodeRoutes, Clients {
  readonly authenticate: Authenticate;
  readonly exchange: Exchange;
  readonly newId: () => string;
  readonly wording: Wording;
  readonly bodyLimit: number;
  /** False when another dialect answers under `/listClients`. */
  readonly servesListClients: boolean;
}

/** Headers go out as they came: a repeated one repeated. */
export function send(reply: FastifyReply, { status, headers, body }: ExchangeResponse): FastifyReply {
  const names = new Map<string, string[]>();
  for (const [name, value] of headers) {
    const known = [...names.keys()].find((one) => one.toLowerCase() === name.toLowerCase()) ?? name;
    names.set(known, [...(names.get(known) ?? []), value]);
  }
  reply.code(status);
  for (const [name, values] of names) reply.header(name, values.length === 1 ? values[0] : values);
  reply.raw.once('close', () => body.release());
  // A JSON type would make Fastify serialise; bytes with no type at all would be given one.
  if (body.bytes) return reply.send(body.size === 0 ? undefined : body.bytes);
  return reply.header('content-length', body.size).send(body.stream());
}

const headersOf = (request: FastifyRequest): HeaderList => fromRaw(request.raw.rawHeaders);

/** Sends a refusal that never became an exchange. */
export type Refuse = (request: FastifyRequest, reply: FastifyReply, refusal: Refusal) => FastifyReply;

/** The X-Road REST interface: services of other applications under `/r1`, and the directory. */
export async function registerRestInterface(fastify: FastifyInstance, rest: RestInterface): Promise<void> {
  const refuse: Refuse = (request, reply, refusal) => {
    const id = rest.newId();
    const { correlationId } = request.govstack;
    const security = refusal.kind === 'notAuthenticated' ? { security: 'client-not-authenticated' } : {};
    request.log.warn({ ...security, refusal: refusal.kind, id, correlationId }, 'refused');
    return send(reply, errorResponse(refusal, id, rest.wording, request.headers.accept));
  };
  const tooLarge: Refusal = {
    kind: 'bodyTooLarge',
    message: `The body is larger than the ${rest.bodyLimit} bytes this mediator carries`,
  };

  fastify.removeAllContentTypeParsers();
  // Bodies are received by those who know what becomes of them.
  fastify.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  fastify.setErrorHandler((error: FastifyError, request, reply) => {
    if (error instanceof BodyTooLarge || error.statusCode === 413)
      // What is still to come is not read to its end.
      return refuse(request, reply.header('connection', 'close'), tooLarge);
    if (error.statusCode !== undefined && error.statusCode < 500)
      return refuse(request, reply, { kind: 'badRequest', message: 'The request is not valid' });
    request.log.error({ err: error }, 'failed');
    return refuse(request, reply, { kind: 'internal', message: 'Something went wrong in the mediator' });
  });

  if (rest.servesListClients)
    fastify.get('/listClients', async (request, reply) => {
      const query = request.query as Record<string, string | undefined>;
      const instance = query.instanceId ?? query.xRoadInstance;
      return reply
        .header('content-type', 'application/json; charset=utf-8')
        .send(JSON.stringify(listClients(rest, instance)));
    });

  fastify.all(
    '/r1/*',
    // No limit of the framework's: it is checked while the body is received.
    { bodyLimit: Number.MAX_SAFE_INTEGER, config: { passThrough: true } },
    async (request, reply) => {
      const headers = headersOf(request);
      const authenticated = await rest.authenticate(headers, connectionOf(request.raw));
      if ('kind' in authenticated) return refuse(request, reply, authenticated);
      const address = addressOf(request.raw.url ?? '');
      if (!address)
        return refuse(request, reply, {
          kind: 'badRequest',
          message: 'The path must be /r1/INSTANCE/CLASS/MEMBER/APPLICATION/SERVICE/…',
        });
      if (Number(request.headers['content-length'] ?? 0) > rest.bodyLimit)
        return refuse(request, reply.header('connection', 'close'), tooLarge);
      const { client, sender } = authenticated;
      const { correlationId, traceparent, signal } = request.govstack;
      const context: [string, string][] = [
        ['X-Correlation-Id', correlationId],
        ...(headerValue(headers, 'traceparent') === undefined
          ? [['Traceparent', traceparent] as [string, string]]
          : []),
      ];
      const body = await bodyFrom(request, rest.bodyLimit);
      try {
        const response = await rest.exchange({
          ...address,
          client,
          operator: sender === client ? undefined : sender,
          method: request.method,
          headers: [...headers.filter(([name]) => name.toLowerCase() !== 'x-correlation-id'), ...context],
          body,
          signal,
        });
        return send(reply, response);
      } finally {
        body.release();
      }
    },
  );

  registerNodeRoutes(fastify, rest, headersOf, refuse);
}

/** The body of a request, whatever the framework makes of it. */
export async function bodyFrom({ raw, headers }: FastifyRequest, limit: number): Promise<Body> {
  const length = headers['content-length'];
  const none = headers['transfer-encoding'] === undefined && (length === undefined || length === '0');
  return none ? noBody : receiveBody(raw, limit);
}

/** Service and rest of a raw request target: the identifier decoded part by part, the rest untouched. */
function addressOf(url: string): { readonly service: string; readonly path: string } | undefined {
  const raw = url.slice('/r1/'.length);
  const end = raw.indexOf('?');
  const [path, query] = end < 0 ? [raw, ''] : [raw.slice(0, end), raw.slice(end)];
  const segments = path.split('/');
  try {
    const parts = segments.slice(0, 5).map(decodeURIComponent);
    if (parts.length < 5 || parts.some((part) => part === '' || part.includes('/'))) return undefined;
    return { service: parts.join('/'), path: `/${segments.slice(5).join('/')}${query}` };
  } catch {
    return undefined;
  }
}

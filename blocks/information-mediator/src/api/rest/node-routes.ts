import type { JsonWebKey } from 'node:crypto';
import { compileValidator } from '@govstack/platform';
import { CloudEvent } from '@govstack/platform/operation';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { HeaderList } from '../../exchange/headers.ts';
import type { Authenticate } from './client-authentication.ts';
import { connectionOf } from './client-connection.ts';
import { bodyFrom, type Refuse } from './routes.ts';

export interface NodeRoutes {
  readonly authenticate: Authenticate;
  readonly publish: (event: CloudEvent) => Promise<void>;
  /** Keys under which this mediator's caller tokens can be verified. */
  readonly callerKeys: () => Promise<JsonWebKey[]>;
}

const validEvent = compileValidator(CloudEvent, 'body', false);

/** Larger than any event of the platform, in bytes. */
const largestEvent = 1_048_576;

function eventOf(body: Buffer | undefined): CloudEvent | undefined {
  try {
    const event: unknown = JSON.parse(body?.toString('utf8') ?? '');
    return validEvent(event) ? undefined : (event as CloudEvent);
  } catch {
    return undefined;
  }
}

/** What other processes of the node's applications need: to publish events, and to know the mediator's keys. */
export function registerNodeRoutes(
  fastify: FastifyInstance,
  node: NodeRoutes,
  headersOf: (request: FastifyRequest) => HeaderList,
  refuse: Refuse,
): void {
  fastify.post('/node/events', async (request, reply) => {
    const authenticated = await node.authenticate(headersOf(request), connectionOf(request.raw));
    if ('kind' in authenticated) return refuse(request, reply, authenticated);
    const event = eventOf((await bodyFrom(request, largestEvent)).bytes);
    const { sender, client } = authenticated;
    if (!event)
      return refuse(request, reply, { kind: 'badRequest', message: 'The body must be a CloudEvent' });
    if (event.source !== sender || client !== sender)
      return refuse(request, reply, {
        kind: 'badRequest',
        message: 'The source of the event must be the application that sends it',
      });
    await node.publish(event);
    return reply.code(204).send();
  });

  fastify.get('/node/jwks', async (_request, reply) =>
    reply
      .header('content-type', 'application/json; charset=utf-8')
      .header('cache-control', 'max-age=300')
      .send(JSON.stringify({ keys: await node.callerKeys() })),
  );
}

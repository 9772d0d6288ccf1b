import { type LocalProviders, newId, type PersonVerifier, Problem } from '@govstack/platform';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { mediatorConfig } from './operations.ts';

/** Where the API is on the node's own listener: nothing else of `/api` is taken. */
export const configurationPaths = ['/api/v1/config', '/api/v1/status', '/api/v1/rights'];

const passed = ['authorization', 'accept', 'content-type', 'if-match', 'x-correlation-id'];

const passedHeaders = ({ headers }: FastifyRequest): Record<string, string> =>
  Object.fromEntries(
    passed.flatMap((name) => {
      const value = headers[name];
      return typeof value === 'string' ? [[name, value]] : [];
    }),
  );

/**
 * The configuration surface on the node's own listener, for operators with an access token: the mediator calls itself
 * for the person. As the mediator alone, without a person, nobody gets in. Register it before routes that take over
 * bodies and errors.
 */
export async function registerConfigurationRoutes(
  fastify: FastifyInstance,
  own: string,
  local: LocalProviders,
  personOf: PersonVerifier,
): Promise<void> {
  const caller = { application: own, service: `${own}/${mediatorConfig.name}`, operator: undefined };
  const { errorHandler } = fastify;
  await fastify.register(async (scope) => {
    scope.setErrorHandler(errorHandler);
    // The surface reads the body; here it only passes.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    scope.addHook('onRequest', async (request) => {
      const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1];
      if (token === undefined || !(await personOf(token)))
        throw new Problem(401, 'This needs an access token', { headers: { 'www-authenticate': 'Bearer' } });
    });
    for (const { method, path, ...spec } of Object.values(mediatorConfig.operations))
      scope.route({
        method,
        url: path.replaceAll(/\{([^}]+)\}/g, ':$1'),
        ...('bodyLimit' in spec ? { bodyLimit: spec.bodyLimit } : {}),
        handler: async (request, reply) => {
          const { signal } = request.govstack;
          const answer = await local.dispatch(
            'information-mediator',
            mediatorConfig.name,
            {
              method,
              path: request.url,
              headers: passedHeaders(request),
              ...(Buffer.isBuffer(request.body) ? { body: request.body } : {}),
              ...(signal ? { signal } : {}),
            },
            { ...caller, exchangeId: newId() },
          );
          if (!answer) throw new Error('the configuration surface is not mounted');
          const { 'content-length': _length, connection: _connection, ...headers } = answer.headers;
          return reply.code(answer.status).headers(headers).send(answer.body);
        },
      });
  });
}

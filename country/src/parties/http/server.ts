import { STATUS_CODES } from 'node:http';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify';
import { type ApiInfo, openApiDocument } from './openapi.ts';
import { type Operation, Refusal } from './operation.ts';

const withFormats = (ajv: Ajv): Ajv => {
  (addFormats as unknown as (target: Ajv) => void)(ajv);
  return ajv;
};
/** Bodies are taken as they are; paths, queries and headers arrive as text, from which numbers are read. */
const literal = withFormats(new Ajv({ strict: false, allErrors: true }));
const fromText = withFormats(
  new Ajv({ strict: false, allErrors: true, coerceTypes: true, useDefaults: true }),
);

const mostErrors = 50;

function sendProblem(reply: FastifyReply, status: number, detail?: string, errors?: Refusal['errors']): void {
  reply
    .code(status)
    .type('application/problem+json')
    .send(
      JSON.stringify({
        type: 'about:blank',
        title: STATUS_CODES[status] ?? 'Error',
        status,
        ...(detail === undefined ? {} : { detail }),
        ...(errors && errors.length > 0 ? { errors } : {}),
      }),
    );
}

/** A server with the behaviour all parties share: literal bodies, problems for every fault, nothing said twice. */
export function createServer(): FastifyInstance {
  const server = Fastify({
    logger: false,
    forceCloseConnections: true,
    routerOptions: { ignoreTrailingSlash: true },
  });
  server.setValidatorCompiler(({ schema, httpPart }) =>
    (httpPart === 'body' ? literal : fromText).compile(JSON.parse(JSON.stringify(schema))),
  );
  server.setNotFoundHandler((_request, reply) => sendProblem(reply, 404, 'There is nothing here'));
  server.setErrorHandler((error: FastifyError | Refusal, _request, reply) => {
    if (error instanceof Refusal) {
      reply.headers(error.headers);
      return sendProblem(reply, error.status, error.message, error.errors);
    }
    if (error.validation) {
      const place = error.validationContext ?? 'body';
      return sendProblem(
        reply,
        place === 'body' ? 422 : 400,
        `The ${place} is not valid`,
        error.validation.slice(0, mostErrors).map(({ instancePath, message }) => ({
          pointer: instancePath,
          detail: message ?? 'is not valid',
        })),
      );
    }
    const status = error.statusCode ?? 500;
    if (status < 500) return sendProblem(reply, status, error.message);
    process.stderr.write(`${error.stack ?? error.message}\n`);
    sendProblem(reply, 500);
  });
  return server;
}

/** Mounts operations, `GET /openapi.json` that describes them, and `GET /health`. */
export function mount(server: FastifyInstance, info: ApiInfo, operations: readonly Operation[]): void {
  const document = openApiDocument(info, operations);
  server.get('/openapi.json', async () => document);
  server.get('/health', async () => ({ status: 'pass', simulator: true, description: info.title }));
  for (const one of operations) {
    server.route({
      method: one.method,
      url: one.path.replaceAll(/\{(\w+)\}/g, ':$1'),
      bodyLimit: one.bodyLimit ?? 1024 * 1024,
      schema: {
        ...(one.params ? { params: one.params } : {}),
        ...(one.query ? { querystring: one.query } : {}),
        ...(one.headers ? { headers: one.headers } : {}),
        ...(one.body ? { body: one.body } : {}),
      },
      handler: async (request, reply) => {
        const answer = await one.handle({
          params: request.params,
          query: request.query,
          body: request.body,
          headers: request.headers,
        });
        if ('hangMs' in answer) {
          reply.hijack();
          setTimeout(() => request.raw.socket.destroy(), answer.hangMs).unref();
          return reply;
        }
        return reply
          .code(answer.status)
          .headers(answer.headers ?? {})
          .send(answer.body);
      },
    });
  }
}

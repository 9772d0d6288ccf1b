import type { IncomingMessage } from 'node:http';
import formbody from '@fastify/formbody';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import type { Logger } from 'pino';
import type { AnyBlock, BlockRuntime } from '../block/block.ts';
import { type LocalCall, localCall, outsideLocalCall } from '../context/local-call.ts';
import {
  longestWait,
  newContext,
  type RequestContext,
  validCorrelationId,
  validTraceparent,
  withContext,
} from '../context/request-context.ts';
import { contextHeaders } from '../mediation/client.ts';
import type { NodeMetrics } from '../observability/metrics.ts';
import { fileTypes, octetStream, workbookType } from '../operation/bytes.ts';
import { openApiDocument } from '../operation/openapi.ts';
import { Problem } from '../operation/problem.ts';
import { type ServeOptions, serveSurface } from '../operation/serve.ts';
import { YamlText, yamlTypes } from '../operation/yaml.ts';

declare module 'fastify' {
  interface FastifyRequest {
    govstack: RequestContext;
    localCall: LocalCall | undefined;
  }
  interface FastifyContextConfig {
    /** The route carries bodies without reading them: any media type, any character set. */
    passThrough?: boolean;
  }
}

const one = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value[0] : value;

function contextOf(request: FastifyRequest, abort: AbortController): RequestContext {
  const correlationId = one(request.headers[contextHeaders.correlationId]);
  const traceparent = one(request.headers[contextHeaders.traceparent]);
  const timeout = Number(one(request.headers[contextHeaders.timeout]));
  return newContext({
    ...(validCorrelationId(correlationId) ? { correlationId } : {}),
    ...(validTraceparent(traceparent) ? { traceparent } : {}),
    ...(Number.isFinite(timeout) && timeout > 0
      ? { deadline: Date.now() + Math.min(timeout, longestWait) }
      : {}),
    signal: abort.signal,
    authorization: request.headers.authorization,
  });
}

function asProblem(error: FastifyError | Problem): Problem {
  if (error instanceof Problem) return error;
  const status = error.statusCode ?? 500;
  if (status === 413) return new Problem(413, 'The body is larger than this operation accepts');
  if (status === 415) return new Problem(415, 'This media type is not accepted here');
  if (status >= 400 && status < 500) {
    const malformed = error.code === 'FST_ERR_CTP_INVALID_JSON_BODY' || error instanceof SyntaxError;
    return new Problem(status, malformed ? 'The body is not well-formed JSON' : 'The request is not valid');
  }
  return new Problem(500, 'Something went wrong here; the operators can find it under the given instance');
}

function refuseForeignCharset(request: FastifyRequest): void {
  const charset = /;\s*charset="?([^";\s]+)"?/i.exec(request.headers['content-type'] ?? '')?.[1];
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) throw new Problem(415, 'Send text as UTF-8');
}

const noNul = (): Problem => new Problem(400, 'Text must not contain the character U+0000');
const hasNul = (value: unknown): boolean =>
  typeof value === 'string'
    ? value.includes('\0')
    : value !== null &&
      typeof value === 'object' &&
      Object.entries(value).some(([name, one]) => name.includes('\0') || hasNul(one));

const deepestJson = 100;
const tooDeep = (): Problem => new Problem(400, `The body is nested deeper than ${deepestJson}`);

/** Without recursion: what is looked for would end it. */
function isTooDeep(root: unknown): boolean {
  let level: unknown[] = [root];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > deepestJson) return true;
    level = level.flatMap((value) =>
      typeof value === 'object' && value !== null
        ? Object.values(value).filter((one) => typeof one === 'object' && one !== null)
        : [],
    );
  }
  return false;
}

/** What a proxy on this machine passes on comes from elsewhere. */
const isFromThisMachine = ({ socket, headers }: IncomingMessage): boolean =>
  /^(127\.|::1$|::ffff:127\.)/.test(socket.remoteAddress ?? '') &&
  headers['x-forwarded-for'] === undefined &&
  headers.forwarded === undefined;

/** One HTTP application per block: its surfaces, its own routes, and what every block answers. */
export async function createBlockServer(
  block: AnyBlock,
  runtime: BlockRuntime,
  options: ServeOptions & {
    readonly log: Logger;
    readonly metrics: NodeMetrics;
    readonly profile: 'standard' | 'compliance';
    readonly ready: () => Promise<void>;
    readonly metricsAnywhere: boolean;
  },
): Promise<FastifyInstance> {
  const fastify: FastifyInstance = Fastify({
    loggerInstance: options.log as unknown as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 1000 },
    bodyLimit: 1024 * 1024,
    requestTimeout: 120_000,
    // A URL that cannot be read reaches no hook and no handler.
    frameworkErrors: (_error, _request, reply) => {
      (reply as unknown as FastifyReply)
        .code(400)
        .header('content-type', 'application/problem+json; charset=utf-8')
        .send(JSON.stringify(new Problem(400, 'The path is not well-formed').toBody()));
    },
  }) as unknown as FastifyInstance;
  await fastify.register(formbody);
  const parseJson = fastify.getDefaultJsonParser('error', 'error');
  fastify.addContentTypeParser(
    ['application/json', 'application/cloudevents+json', 'application/fhir+json', 'application/scim+json'],
    { parseAs: 'string' },
    (request, body, done) => {
      const text = body as string;
      if (request.routeOptions.config?.operation?.keepsBytes) request.bodyBytes = Buffer.from(text);
      parseJson(request, text, (error, value) => {
        // No database keeps this character in a text; it would only be found there.
        if (!error && text.length > deepestJson && isTooDeep(value)) done(tooDeep(), undefined);
        else if (!error && text.includes('\\u0000') && hasNul(value)) done(noNul(), undefined);
        else done(error, value);
      });
    },
  );
  fastify.addContentTypeParser([...yamlTypes], { parseAs: 'string' }, (_request, body, done) =>
    done(null, new YamlText(body as string)),
  );
  fastify.addContentTypeParser(
    [octetStream, workbookType, ...fileTypes],
    { parseAs: 'buffer' },
    (_request, body, done) => done(null, body),
  );
  fastify.decorateRequest('govstack');
  fastify.decorateRequest('localCall');

  fastify.addHook('onRequest', (request, reply, done) => {
    request.localCall = localCall();
    const abort = new AbortController();
    const context = contextOf(request, abort);
    request.govstack = context;
    const timer =
      context.deadline === undefined
        ? undefined
        : setTimeout(
            () => abort.abort(new Problem(504, 'The deadline has passed')),
            context.deadline - Date.now(),
          );
    const waiting = request.localCall?.signal;
    const giveUp = (): void => abort.abort();
    if (waiting?.aborted) giveUp();
    waiting?.addEventListener('abort', giveUp, { once: true });
    reply.raw.on('close', () => {
      clearTimeout(timer);
      waiting?.removeEventListener('abort', giveUp);
      if (!reply.raw.writableEnded) abort.abort();
    });
    reply.header(contextHeaders.correlationId, context.correlationId);
    try {
      if (!request.routeOptions.config?.passThrough) {
        refuseForeignCharset(request);
        if (request.url.includes('%00')) throw noNul();
      }
      done();
    } catch (error) {
      done(error as Error);
    }
  });
  // Body parsing may leave the asynchronous context of the hook above, so it is entered again before the handler.
  fastify.addHook('preHandler', (request, _reply, done) => {
    outsideLocalCall(() => withContext(request.govstack, done));
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    const operation = request.routeOptions.config?.operation?.id ?? request.routeOptions.url ?? 'unmatched';
    const labels = { block: block.name, operation, status: String(reply.statusCode) };
    options.metrics.requests.observe(labels, reply.elapsedTime / 1000);
    if (reply.statusCode === 401 || reply.statusCode === 403) {
      options.metrics.refusals.inc({ block: block.name, status: labels.status });
    }
    request.log.debug(
      {
        operation,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
        correlationId: request.govstack?.correlationId,
        caller: request.caller?.application,
      },
      'answered',
    );
    done();
  });

  fastify.setErrorHandler((error: FastifyError | Problem, request, reply) => {
    const problem = asProblem(error);
    const instance = request.govstack?.correlationId;
    if (problem.status >= 500) {
      request.log.error(
        { err: error, operation: request.routeOptions.config?.operation?.id, correlationId: instance },
        'failed',
      );
    }
    if (problem.headers) reply.headers(problem.headers);
    const shape = request.routeOptions.config?.errorShape;
    if (shape) {
      const shaped = shape(problem.toBody(instance), request.routeOptions.config?.operation?.id);
      const headers = { 'content-type': 'application/json; charset=utf-8', ...shaped.headers };
      return reply.code(shaped.status).headers(headers).send(JSON.stringify(shaped.body));
    }
    return reply
      .code(problem.status)
      .header('content-type', 'application/problem+json; charset=utf-8')
      .send(JSON.stringify(problem.toBody(instance)));
  });
  fastify.setNotFoundHandler((request, reply) =>
    reply
      .code(404)
      .header('content-type', 'application/problem+json; charset=utf-8')
      .send(
        JSON.stringify(
          new Problem(404, 'There is nothing under this path').toBody(request.govstack.correlationId),
        ),
      ),
  );

  // Also while stopping: who is killed for not being live cannot finish what is in flight.
  fastify.get('/health/live', async () => ({ status: 'live' }));
  fastify.get('/health/ready', async (request, reply) => {
    try {
      await options.ready();
      return reply.code(200).send({ status: 'ready' });
    } catch (error) {
      request.log.warn({ err: error }, 'not ready');
      return reply.code(503).send({ status: 'not ready' });
    }
  });
  fastify.get('/metrics', async (request, reply) => {
    if (!options.metricsAnywhere && !isFromThisMachine(request.raw))
      throw new Problem(403, 'Metrics are given to callers on this machine');
    return reply
      .header('content-type', options.metrics.registry.contentType)
      .send(await options.metrics.registry.metrics());
  });

  for (const implemented of runtime.surfaces) {
    const { surface } = implemented;
    if (surface.compliance && options.profile !== 'compliance') continue;
    const prefix = surface.compliance ? '' : `/${surface.name}`;
    serveSurface(fastify, implemented, prefix, options);
    if (!surface.compliance) {
      const document = JSON.stringify(openApiDocument(surface, prefix));
      fastify.get(`${prefix}/openapi.json`, async (_request, reply) =>
        reply.header('content-type', 'application/json; charset=utf-8').send(document),
      );
    }
  }
  if (runtime.routes) await fastify.register(async (scope) => runtime.routes?.(scope));
  await fastify.ready();
  return fastify;
}

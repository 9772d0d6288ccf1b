import { context as otelContext, propagation, SpanStatusCode, trace } from '@opentelemetry/api';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import type { TSchema } from 'typebox';
import { applicationOf, type Caller, serviceCodeOf } from '../caller/caller.ts';
import { type CallerVerifier, callerTokenHeader, exchangeIdHeader } from '../caller/caller-token.ts';
import type { Person, PersonVerifier } from '../caller/person.ts';
import { isAnything, isBytes, isFileType, isWorkbook, octetStream } from './bytes.ts';
import { type OperationInput, type OperationSpec, textTypeOf } from './operation.ts';
import { Problem } from './problem.ts';
import { inPieces } from './stream.ts';
import type { ErrorShape, ImplementedSurface, Surface, Witness } from './surface.ts';
import { compileValidator, type Part, type Validate } from './validate.ts';
import { isYaml, preferred, readYaml, writeYaml, YamlText } from './yaml.ts';

export interface ServeOptions {
  readonly callerOf: CallerVerifier;
  readonly personOf: PersonVerifier;
  /** Applications this block answers as; a call addressed to another one is refused. Undefined: any. */
  readonly answersAs?: ReadonlySet<string>;
  /** Check every answer against its declaration; on in tests. */
  readonly strictResponses: boolean;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    operation?: OperationSpec;
    errorShape?: ErrorShape;
    surface?: string;
  }
  interface FastifyRequest {
    /** Verified caller, for the access log and a witness. */
    caller?: Caller;
    /** Verified person, for a witness. */
    person?: Person;
    /** The body as it came, for operations that keep it. */
    bodyBytes?: Uint8Array;
  }
}

type Result = { status: number; body?: unknown; headers?: Record<string, string> };
type AnyHandler = (input: OperationInput) => Promise<Result>;

const wildcardPath = (path: string): string => path.replaceAll(/\{([^}]+)\}/g, ':$1');

const bearer = (header: string | undefined): string | undefined => {
  const match = header === undefined ? null : /^Bearer ([A-Za-z0-9._~+/-]+=*)$/.exec(header);
  return match?.[1];
};

const securityEvent = (request: FastifyRequest, event: string, spec: OperationSpec): void => {
  request.log.warn(
    {
      security: event,
      operation: spec.id,
      actor: request.caller?.application,
      traceparent: request.govstack.traceparent,
      correlationId: request.govstack.correlationId,
    },
    'refused',
  );
};

async function callerFor(
  request: FastifyRequest,
  surface: Surface,
  spec: OperationSpec,
  options: ServeOptions,
): Promise<Caller | undefined> {
  const local = request.localCall;
  const token = request.headers[callerTokenHeader];
  const exchangeId = request.headers[exchangeIdHeader];
  const caller =
    local?.caller ??
    (typeof token === 'string' && typeof exchangeId === 'string'
      ? await options.callerOf(token, exchangeId)
      : undefined);
  if (
    caller &&
    !surface.answersForAll &&
    options.answersAs &&
    !options.answersAs.has(applicationOf(caller.service))
  ) {
    securityEvent(request, 'caller-addressed-another-application', spec);
    throw new Problem(403, 'This block does not answer for the addressed application');
  }
  // Whichever way the request got here, its right was checked for one service.
  if (caller && (local?.surface ?? serviceCodeOf(caller.service)) !== surface.name) {
    securityEvent(request, 'caller-addressed-another-service', spec);
    throw new Problem(403, 'The caller was let through to another service than this');
  }
  if (caller) request.caller = caller;
  if (!caller && spec.access.caller === 'application') {
    securityEvent(request, 'caller-missing-or-forged', spec);
    throw new Problem(401, 'Call this operation through your information mediator, or with a caller token');
  }
  return caller;
}

async function personFor(
  request: FastifyRequest,
  spec: OperationSpec,
  options: ServeOptions,
): Promise<Person | undefined> {
  const access = spec.access;
  if (access.caller === 'public' || access.person === undefined) return undefined;
  const header = request.headers.authorization;
  const token = bearer(header);
  const person = token === undefined ? undefined : await options.personOf(token);
  if (header !== undefined && !person) {
    securityEvent(request, 'person-token-invalid', spec);
    throw new Problem(401, 'The access token is not valid', {
      headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
    });
  }
  if (!person && access.person === 'required') {
    securityEvent(request, 'person-missing', spec);
    throw new Problem(401, 'A person must be signed in for this', {
      headers: { 'www-authenticate': 'Bearer' },
    });
  }
  if (person) request.person = person;
  if (person && access.roles && !access.roles.some((role) => person.roles.includes(role))) {
    securityEvent(request, 'person-lacks-role', spec);
    throw new Problem(403, `This needs one of the roles: ${access.roles.join(', ')}`);
  }
  return person;
}

interface Validators {
  readonly params?: Validate;
  readonly query?: Validate;
  readonly headers?: Validate;
  readonly body?: Validate;
  readonly form?: Validate;
  readonly responses: ReadonlyMap<number, Validate | null>;
}

const compile = (spec: OperationSpec): Validators => {
  const of = (schema: TSchema | undefined, part: Part, coerce: boolean): Validate | undefined =>
    schema && !isBytes(schema) ? compileValidator(schema, part, coerce) : undefined;
  return {
    params: of(spec.params, 'path', true),
    query: of(spec.query, 'query', true),
    headers: of(spec.headers, 'header', true),
    body: spec.bodyCheckedBy ? undefined : of(spec.body, 'body', false),
    form: spec.consumes?.includes('application/x-www-form-urlencoded')
      ? of(spec.body, 'body', true)
      : undefined,
    responses: new Map(
      Object.entries(spec.responses).map(([status, schema]) => [
        Number(status),
        schema === null ? null : (of(schema, 'body', false) ?? (() => undefined)),
      ]),
    ),
  };
};

function assertInput(spec: OperationSpec, validators: Validators, request: FastifyRequest): void {
  const type = request.headers['content-type']?.split(';')[0]?.trim();
  if (
    spec.body &&
    request.body !== undefined &&
    !(spec.consumes ?? ['application/json']).some((one) => one === type)
  ) {
    throw new Problem(415, `Send the body as ${(spec.consumes ?? ['application/json']).join(' or ')}`);
  }
  if (request.body instanceof YamlText && spec.bodyCheckedBy === undefined)
    request.body = readYaml(request.body.text);
  // A file is for the handler to read.
  const bodyValidator =
    type === 'application/x-www-form-urlencoded'
      ? validators.form
      : isWorkbook(type) || isFileType(type)
        ? undefined
        : validators.body;
  const errors = [
    ...(validators.params?.(request.params) ?? []),
    ...(validators.query?.(request.query) ?? []),
    ...(validators.headers?.(request.headers) ?? []),
    ...(spec.body && spec.bodyCheckedBy === undefined
      ? request.body === undefined
        ? [{ in: 'body' as const, pointer: '', detail: 'is required' }]
        : (bodyValidator?.(request.body) ?? [])
      : []),
  ];
  if (errors.length > 0) throw new Problem(400, 'The request is not valid', { errors });
}

const isProblem = (error: unknown): error is Problem => error instanceof Problem;

function checkAnswer(spec: OperationSpec, validators: Validators, result: Result, strict: boolean): void {
  const validate = validators.responses.get(result.status);
  if (validate === undefined)
    throw new Error(`operation ${spec.id} answered undeclared status ${result.status}`);
  if (!strict || validate === null || isBytes(spec.responses[result.status])) return;
  if (result.body instanceof Uint8Array && isAnything(spec.responses[result.status])) return;
  const type = result.headers?.['content-type'];
  if (result.body instanceof Uint8Array && isWorkbook(type) && spec.produces?.includes(type)) return;
  const errors = validate(result.body === undefined ? undefined : JSON.parse(JSON.stringify(result.body)));
  if (errors)
    throw new Error(
      `operation ${spec.id} answered an undeclared shape: ${JSON.stringify(errors.slice(0, 3))}`,
    );
}

const tracer = trace.getTracer('govstack');

/** Runs a handler in a span of its own. */
function traced(name: string, request: FastifyRequest, work: () => Promise<Result>): Promise<Result> {
  const parent = propagation.extract(otelContext.active(), request.headers);
  return tracer.startActiveSpan(name, {}, parent, async (span) => {
    try {
      return await work();
    } catch (error) {
      if (!isProblem(error)) span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** Tells a witness of an attempt and its outcome. Attempts of nobody known are in the security log only. */
async function witnessed(
  witness: Witness,
  surface: Surface,
  spec: OperationSpec,
  request: FastifyRequest,
  run: (begin: () => Promise<void>) => Promise<Result>,
): Promise<Result> {
  let settle: Awaited<ReturnType<Witness>> | undefined;
  const begin = async (): Promise<void> => {
    const { caller, person } = request;
    const params = (request.params ?? {}) as Record<string, string>;
    if (caller) settle = await witness({ surface: surface.name, operation: spec, caller, person, params });
  };
  let result: Result;
  try {
    result = await run(begin);
  } catch (error) {
    if (!settle) await begin();
    const refused = isProblem(error);
    await settle?.(refused ? error.status : 500, refused ? error.message : undefined);
    throw error;
  }
  await settle?.(result.status);
  return result;
}

/** A route whose bodies, whatever their type, reach the handler unread. */
function unread(fastify: FastifyInstance, route: RouteOptions): void {
  fastify.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, body, done) =>
      done(null, inPieces(body, route.bodyLimit ?? scope.initialConfig.bodyLimit ?? 0)),
    );
    scope.route(route);
  });
}

/** Mounts one surface under `prefix`. Every route validates, authorises, runs, checks and serialises the same way. */
export function serveSurface(
  fastify: FastifyInstance,
  implemented: ImplementedSurface,
  prefix: string,
  options: ServeOptions,
): void {
  const surface: Surface = implemented.surface;
  for (const spec of Object.values(surface.operations)) {
    const validators = compile(spec);
    const handler = implemented.handlers[spec.id] as AnyHandler;
    const route: RouteOptions = {
      method: spec.method,
      url: `${prefix}${wildcardPath(spec.path)}`,
      ...(spec.bodyLimit === undefined ? {} : { bodyLimit: spec.bodyLimit }),
      config: {
        operation: spec,
        surface: surface.name,
        ...(surface.errorShape ? { errorShape: surface.errorShape } : {}),
      },
      handler: async (request: FastifyRequest, reply: FastifyReply) => {
        const run = async (begin: () => Promise<void>): Promise<Result> => {
          const caller = await callerFor(request, surface, spec, options);
          const person = await personFor(request, spec, options);
          assertInput(spec, validators, request);
          const key = request.headers['idempotency-key'];
          if (spec.idempotent && typeof key === 'string' && (key.length === 0 || key.length > 200)) {
            throw new Problem(400, 'Idempotency-Key must have 1 to 200 characters');
          }
          await begin();
          const input = {
            params: request.params,
            query: request.query,
            headers: request.headers,
            body: request.body,
            bytes: spec.keepsBytes
              ? (request.bodyBytes ?? (request.body instanceof Uint8Array ? request.body : undefined))
              : undefined,
            caller,
            person,
            idempotencyKey: spec.idempotent && typeof key === 'string' ? key : undefined,
            signal: request.govstack.signal,
          } as unknown as OperationInput;
          const result = await traced(`${surface.name}.${spec.id}`, request, () => handler(input));
          checkAnswer(spec, validators, result, options.strictResponses);
          return result;
        };
        const result = implemented.witness
          ? await witnessed(implemented.witness, surface, spec, request, run)
          : await run(async () => {});
        if (spec.deprecated) reply.header('sunset', new Date(spec.deprecated.sunset).toUTCString());
        reply.code(result.status).headers(result.headers ?? {});
        if (validators.responses.get(result.status) === null) return reply.send();
        if (isBytes(spec.responses[result.status]) || result.body instanceof Uint8Array) {
          if (!reply.hasHeader('content-type')) reply.header('content-type', octetStream);
          if (spec.produces) reply.header('vary', 'Accept');
          return reply.send(Buffer.from(result.body as Uint8Array));
        }
        const text = textTypeOf(spec.responses[result.status]);
        if (text !== undefined)
          return reply.header('content-type', `${text}; charset=utf-8`).send(result.body);
        const type = spec.produces ? preferred(request.headers.accept, spec.produces) : 'application/json';
        if (spec.produces) reply.header('vary', 'Accept');
        reply.header('content-type', `${type}; charset=utf-8`);
        return reply.send(isYaml(type) ? writeYaml(result.body) : JSON.stringify(result.body));
      },
    };
    if (spec.bodyAs === 'stream') unread(fastify, route);
    else fastify.route(route);
  }
}

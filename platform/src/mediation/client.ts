import type { Static, TSchema } from 'typebox';
import type { ApplicationId, ServiceId } from '../caller/caller.ts';
import { childTraceparent, currentContext, longestWait, newContext } from '../context/request-context.ts';
import { isAnything, isBytes, isWorkbook, octetStream, workbookType } from '../operation/bytes.ts';
import {
  type BodyOf,
  type HeadersOf,
  type OperationSpec,
  type Operations,
  type ParamsOf,
  pathParameters,
  type QueryOf,
  textTypeOf,
} from '../operation/operation.ts';
import type { ProblemBody } from '../operation/problem.ts';
import type { Surface } from '../operation/surface.ts';
import type { MediatedRequest, MediatedResponse } from './port.ts';

/** Headers that carry the request context between applications. */
export const contextHeaders = {
  correlationId: 'x-correlation-id',
  traceparent: 'traceparent',
  /** Remaining time in milliseconds: relative, so that clocks need not agree. */
  timeout: 'x-request-timeout',
} as const;

type PartIf<Name extends string, T> =
  Record<never, never> extends T ? { readonly [K in Name]?: T } : { readonly [K in Name]: T };

/** Arguments of a typed call: only the parts the operation declares, required where it requires them. */
export type CallInput<S extends OperationSpec> = (S['params'] extends TSchema
  ? PartIf<'params', ParamsOf<S>>
  : unknown) &
  (S['query'] extends TSchema ? PartIf<'query', QueryOf<S>> : unknown) &
  (S['headers'] extends TSchema ? PartIf<'headers', HeadersOf<S>> : unknown) &
  (S['body'] extends TSchema ? { readonly body: BodyOf<S> } : unknown) & {
    readonly idempotencyKey?: string;
    /** Access token of the person behind the call; by default the one of the request being served. */
    readonly personToken?: string | null;
    readonly signal?: AbortSignal;
    /** Milliseconds to wait at most; never more than what is left of the current deadline. */
    readonly timeout?: number;
  };

/** The declared answer, told apart by status. */
export type CallResult<S extends OperationSpec> = {
  [K in keyof S['responses'] & number]: {
    readonly status: K;
    readonly body: S['responses'][K] extends TSchema ? Static<S['responses'][K]> : undefined;
    readonly headers: Readonly<Record<string, string>>;
  };
}[keyof S['responses'] & number];

export type Client<O extends Operations> = {
  readonly [K in keyof O]: (input: CallInput<O[K]>) => Promise<CallResult<O[K]>>;
};

/** An answer outside the declaration: a refusal by the mediator or by the provider, or no answer at all. */
export class CallFailed extends Error {
  readonly operation: string;
  readonly service: ServiceId;
  readonly status: number;
  readonly problem: Partial<ProblemBody> | undefined;
  /** Set when the mediator, not the provider, answered. */
  readonly mediatorError: string | undefined;
  readonly responseBody: unknown;

  constructor(operation: string, service: ServiceId, response: MediatedResponse) {
    const body = parseJson(response);
    const problem = typeof body === 'object' && body !== null ? (body as Partial<ProblemBody>) : undefined;
    super(
      `${service} ${operation} answered ${response.status}: ${problem?.detail ?? problem?.title ?? 'no detail'}`,
    );
    this.name = 'CallFailed';
    this.operation = operation;
    this.service = service;
    this.status = response.status;
    this.problem = problem;
    this.mediatorError = response.headers['x-road-error'];
    this.responseBody = body;
  }

  /** Whether the same call may succeed later: no answer, overload, or a fault on the other side. */
  get temporary(): boolean {
    if (this.mediatorError !== undefined)
      return /ServiceFailed|ServiceDisabled|NetworkError|Database|Maintenance|LoggingFailed/.test(
        this.mediatorError,
      );
    return this.status === 408 || this.status === 425 || this.status === 429 || this.status >= 500;
  }
}

function parseJson(response: MediatedResponse): unknown {
  if (response.body.length === 0) return undefined;
  try {
    return JSON.parse(response.body.toString('utf8'));
  } catch {
    return undefined;
  }
}

const isJson = ({ headers }: MediatedResponse): boolean =>
  /^application\/(.+\+)?json\b/.test(headers['content-type'] ?? 'application/json');

/** The media type under which an operation takes bytes. */
const rawType = ({ bodyAs, consumes }: OperationSpec): string =>
  bodyAs === 'stream'
    ? (consumes?.[0] ?? octetStream)
    : consumes?.includes(workbookType) && !consumes.includes(octetStream)
      ? workbookType
      : octetStream;

const asText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/**
 * A value as one segment of a path. Nothing, `.` and `..` would lead to another operation, whatever encoding they
 * had on the way.
 */
function asSegment(spec: OperationSpec, name: string, value: unknown): string {
  const text = value === undefined || value === null ? '' : asText(value);
  if (text === '' || text === '.' || text === '..' || !text.isWellFormed())
    throw new Error(`${spec.id} cannot be called: ${name} is not a value that a path can hold`);
  return encodeURIComponent(text);
}

/** Path of an operation with its parameters and query filled in. Throws when a parameter cannot stand in a path. */
export function operationPath(spec: OperationSpec, params: object = {}, query: object = {}): string {
  const values = params as Record<string, unknown>;
  let path = spec.path;
  for (const name of pathParameters(spec.path)) {
    path = path.replace(`{${name}}`, asSegment(spec, name, values[name]));
  }
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined) search.append(name, asText(one));
    }
  }
  const text = search.toString();
  return text === '' ? path : `${path}?${text}`;
}

/** Headers of an outgoing call: the current context, a new span, the time left. */
export function outgoingHeaders(timeout?: number): {
  headers: Record<string, string>;
  remaining: number | undefined;
} {
  const context = currentContext() ?? newContext();
  const left = context.deadline === undefined ? undefined : Math.max(1, context.deadline - Date.now());
  const limits = [timeout, left].filter((limit) => limit !== undefined);
  const remaining = limits.length === 0 ? undefined : Math.min(longestWait, ...limits);
  return {
    remaining,
    headers: {
      [contextHeaders.correlationId]: context.correlationId,
      [contextHeaders.traceparent]: childTraceparent(context.traceparent),
      ...(remaining === undefined ? {} : { [contextHeaders.timeout]: String(Math.floor(remaining)) }),
      ...(context.authorization === undefined ? {} : { authorization: context.authorization }),
    },
  };
}

export interface ClientOptions {
  readonly client: ApplicationId;
  readonly operator?: ApplicationId;
  readonly service: ServiceId;
}

/** A typed client of one surface, provided by `service`, called as `client`. Throws `CallFailed`. */
export function createClient<O extends Operations>(
  surface: Surface<O>,
  options: ClientOptions,
  exchange: (request: MediatedRequest) => Promise<MediatedResponse>,
): Client<O> {
  const call = async (spec: OperationSpec, input: Record<string, unknown>): Promise<unknown> => {
    const { headers, remaining } = outgoingHeaders(input.timeout as number | undefined);
    const context = currentContext();
    const signals = [
      input.signal as AbortSignal | undefined,
      context?.signal,
      remaining === undefined ? undefined : AbortSignal.timeout(Math.ceil(remaining)),
    ].filter((signal) => signal !== undefined);
    const personToken = input.personToken as string | null | undefined;
    if (personToken === null) delete headers.authorization;
    else if (personToken !== undefined) headers.authorization = `Bearer ${personToken}`;
    for (const [name, value] of Object.entries((input.headers as object | undefined) ?? {})) {
      if (value !== undefined) headers[name.toLowerCase()] = asText(value);
    }
    if (input.idempotencyKey !== undefined) headers['idempotency-key'] = input.idempotencyKey as string;
    const raw = input.body instanceof Uint8Array;
    if (input.body !== undefined) headers['content-type'] ??= raw ? rawType(spec) : 'application/json';
    const response = await exchange({
      client: options.client,
      ...(options.operator === undefined ? {} : { operator: options.operator }),
      service: options.service,
      method: spec.method,
      path: operationPath(spec, input.params as object, input.query as object),
      headers,
      ...(input.body === undefined
        ? {}
        : { body: raw ? (input.body as Uint8Array) : JSON.stringify(input.body) }),
      ...(signals.length === 0 ? {} : { signal: AbortSignal.any(signals) }),
    });
    if (response.headers['x-road-error'] !== undefined || !(response.status in spec.responses)) {
      throw new CallFailed(spec.id, options.service, response);
    }
    const declared = spec.responses[response.status];
    return {
      status: response.status,
      headers: response.headers,
      body:
        declared === null
          ? undefined
          : isBytes(declared) ||
              isWorkbook(response.headers['content-type']) ||
              (isAnything(declared) && !isJson(response))
            ? response.body
            : textTypeOf(declared) === undefined
              ? parseJson(response)
              : response.body.toString('utf8'),
    };
  };
  return Object.fromEntries(
    Object.values(surface.operations).map((spec) => [
      spec.id,
      (input: Record<string, unknown> = {}) => call(spec, input),
    ]),
  ) as unknown as Client<O>;
}

import {
  isApplicationId,
  isServiceId,
  type MediatedRequest,
  type MediatedResponse,
  newContext,
  newId,
  validCorrelationId,
} from '@govstack/platform';
import { wellFormedPath } from '../rights/glob.ts';
import { type Body, bodyOf, bytesOf } from './body.ts';
import type { Refusal } from './errors.ts';
import { fromRecord, type HeaderList, headerValue, toRecord } from './headers.ts';

/** A request as it came to this mediator, from a local application or over HTTP. */
export interface ExchangeRequest {
  /** The application the request is made for. Who sends it has been established by now. */
  readonly client: string;
  /** The application that sends it, when that is another one. */
  readonly operator: string | undefined;
  readonly service: string;
  readonly method: string;
  /** Path inside the service with its query, passed on byte for byte. */
  readonly path: string;
  readonly headers: HeaderList;
  readonly body: Body;
  readonly signal: AbortSignal | undefined;
}

export interface ExchangeResponse {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Body;
}

export type Exchange = (request: ExchangeRequest) => Promise<ExchangeResponse>;

const bufferOf = (body: MediatedRequest['body']): Buffer =>
  body === undefined
    ? Buffer.alloc(0)
    : typeof body === 'string'
      ? Buffer.from(body)
      : Buffer.from(body.buffer, body.byteOffset, body.byteLength);

export const fromMediated = (request: MediatedRequest): ExchangeRequest => ({
  client: request.client,
  operator: request.operator === request.client ? undefined : request.operator,
  service: request.service,
  method: request.method.toUpperCase(),
  path: request.path,
  headers: fromRecord(request.headers),
  body: bodyOf(bufferOf(request.body)),
  signal: request.signal,
});

/** Answers to applications of this process are handed over whole, in memory; in bytes. */
const largestInMemory = 67_108_864;

/** The answer for an application of this process. Rejects when it is larger than fits there. */
export async function toMediated({ status, headers, body }: ExchangeResponse): Promise<MediatedResponse> {
  try {
    return { status, headers: toRecord(headers), body: await bytesOf(body, largestInMemory) };
  } finally {
    body.release();
  }
}

/** What every record of an exchange says. */
export interface ExchangeFacts {
  /** `X-Road-Request-Id`: this exchange, whatever the client calls its message. */
  readonly exchangeId: string;
  /** `X-Road-Id`: the client's own id of the message, or one made here. */
  readonly messageId: string;
  readonly client: string;
  readonly operator: string | undefined;
  readonly service: string;
  readonly method: string;
  readonly path: string;
  readonly correlationId: string;
  readonly traceId: string;
}

/** The target as it is signed, wherever the request goes. */
export const targetOf = ({ service, path }: Pick<ExchangeRequest, 'service' | 'path'>): string =>
  `/r1/${service}${path}`;

const maxPath = 8000;

/** What is wrong with a request that cannot even be recorded. */
export function faultOf(request: ExchangeRequest): Refusal | undefined {
  if (!isApplicationId(request.client))
    return {
      kind: 'invalidClient',
      message: 'The client identifier must be INSTANCE/CLASS/MEMBER/APPLICATION',
    };
  if (!isServiceId(request.service))
    return {
      kind: 'badRequest',
      message: 'The service identifier must be INSTANCE/CLASS/MEMBER/APPLICATION/SERVICE',
    };
  if (!/^[A-Z]{1,20}$/.test(request.method))
    return { kind: 'badRequest', message: 'The method is not valid' };
  if (request.path.length > maxPath || !wellFormedPath(request.path))
    return { kind: 'badRequest', message: 'The path must start with a slash and be percent-encoded' };
  const messageId = headerValue(request.headers, 'x-road-id');
  if (messageId !== undefined && !/^[\x21-\x7e]{1,255}$/.test(messageId))
    return { kind: 'badRequest', message: 'X-Road-Id must have 1 to 255 printable characters' };
  return undefined;
}

export function factsOf(request: ExchangeRequest): ExchangeFacts {
  const exchangeId = newId();
  const correlationId = headerValue(request.headers, 'x-correlation-id');
  const traceparent = headerValue(request.headers, 'traceparent');
  return {
    exchangeId,
    messageId: headerValue(request.headers, 'x-road-id') ?? `${request.client.split('/')[0]}-${exchangeId}`,
    client: request.client,
    operator: request.operator,
    service: request.service,
    method: request.method,
    path: request.path.split('?', 1)[0] as string,
    correlationId: validCorrelationId(correlationId) ? correlationId : newContext().correlationId,
    traceId: /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(traceparent ?? '')?.[1] ?? '',
  };
}

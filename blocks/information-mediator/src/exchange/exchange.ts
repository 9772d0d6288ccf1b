import {
  type Caller,
  isApplicationId,
  isServiceId,
  type LocalProviders,
  type MediatedRequest,
  type MediatedResponse,
  memberOf,
  newContext,
  newId,
  signCaller,
} from '@govstack/platform';
import type { JWK } from 'jose';
import type { Logger } from 'pino';
import type { Directory, DirectoryService } from '../directory/directory.ts';
import { digestOf, type Message, requestMessage, responseMessage } from '../evidence/message.ts';
import type { LogRecord, MessageLog } from '../evidence/message-log.ts';
import { seal } from '../keys/sealed-box.ts';
import { type SigningKey, signDigest } from '../keys/signing-key.ts';
import { pathForRights } from '../rights/glob.ts';
import { type ErrorKind, errorResponse, errors } from './errors.ts';
import { endToEnd, type HttpProviders } from './http-provider.ts';

export interface ExchangeDependencies {
  readonly directory: Directory;
  readonly log: MessageLog;
  readonly local: LocalProviders;
  readonly http: HttpProviders;
  readonly logger: Logger;
  /** Signs caller tokens for providers in other processes. */
  readonly nodeKey: JWK;
  /** Seals message contents in the log; undefined: contents are not kept, only their digests. */
  readonly contentKey: Buffer | undefined;
  readonly strictHttp: boolean;
  readonly observe: (service: string, status: number, seconds: number) => void;
}

/** Headers the mediator alone may set. */
const reserved = new Set([
  'x-govstack-caller',
  'x-govstack-client-assertion',
  'x-road-request-id',
  'x-road-request-hash',
  'x-road-error',
  'x-road-service',
]);

const bodyOf = (body: MediatedRequest['body']): Buffer =>
  body === undefined
    ? Buffer.alloc(0)
    : typeof body === 'string'
      ? Buffer.from(body)
      : Buffer.from(body.buffer, body.byteOffset, body.byteLength);

const pathWithoutQuery = (path: string): string => path.split('?', 1)[0] as string;

const isAbort = (error: unknown): boolean => {
  const name = (error as Error | undefined)?.name;
  return name === 'TimeoutError' || name === 'AbortError';
};

/**
 * One exchange, in this order: who calls, evidence of the request, right, provider, evidence of the response, answer.
 * What is refused for lack of a right leaves evidence too; without evidence nothing is carried out.
 */
export function createExchange(
  deps: ExchangeDependencies,
): (request: MediatedRequest) => Promise<MediatedResponse> {
  const { directory, log } = deps;

  async function provide(
    service: DirectoryService,
    request: MediatedRequest,
    body: Buffer,
    headers: Record<string, string>,
    caller: Caller,
  ): Promise<MediatedResponse> {
    const signal = AbortSignal.any([
      AbortSignal.timeout(service.timeoutMs),
      ...(request.signal ? [request.signal] : []),
    ]);
    const outgoing = { method: request.method, path: request.path, headers, body, signal };
    const local = /^local:([a-z0-9-]+)\/([a-z0-9-]+)$/.exec(service.target);
    if (!local) {
      const token = await signCaller(caller, deps.nodeKey, service.applicationId);
      return deps.http.call(service.target, {
        ...outgoing,
        headers: { ...headers, 'x-govstack-caller': token },
      });
    }
    signal.throwIfAborted();
    const aborted = new Promise<never>((_, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
    );
    const answer = deps.local.dispatch(
      local[1] as string,
      local[2] as string,
      { ...outgoing, ...(body.length === 0 ? { body: undefined } : {}) },
      caller,
    );
    const response = await Promise.race([answer, aborted]);
    if (!response) throw new Error(`no block serves ${service.target} here`);
    return { ...response, headers: endToEnd(response.headers) };
  }

  return async (request) => {
    const exchangeId = newId();
    const started = performance.now();
    const refuseUnlogged = (kind: ErrorKind, message: string): MediatedResponse =>
      errorResponse(kind, message, exchangeId, deps.strictHttp);

    if (!isApplicationId(request.client))
      return refuseUnlogged(
        'invalidClient',
        'The client identifier must be INSTANCE/CLASS/MEMBER/APPLICATION',
      );
    if (!isServiceId(request.service))
      return refuseUnlogged(
        'badRequest',
        'The service identifier must be INSTANCE/CLASS/MEMBER/APPLICATION/SERVICE',
      );
    const client = directory.application(request.client);
    const clientMember = client && directory.member(client.memberId);
    if (!client || !clientMember) return refuseUnlogged('unknownMember', 'The client is not registered here');
    const operator = request.operator === request.client ? undefined : request.operator;
    if (operator !== undefined && !client.operators.includes(operator)) {
      deps.logger.warn({ security: 'operator-not-listed', client: client.id, actor: operator }, 'refused');
      return refuseUnlogged('operatorNotListed', `${operator} may not act for ${client.id}`);
    }

    const correlation = request.headers['x-correlation-id'] ?? newContext().correlationId;
    const traceId = request.headers.traceparent?.split('-')[1] ?? '';
    const body = bodyOf(request.body);
    const headers: Record<string, string> = {
      'x-road-client': client.id,
      'x-road-id': request.headers['x-road-id'] ?? exchangeId,
    };
    for (const [name, value] of Object.entries(endToEnd(request.headers))) {
      if (!reserved.has(name.toLowerCase()) && !(name.toLowerCase() in headers))
        headers[name.toLowerCase()] = value;
    }
    headers['x-correlation-id'] = correlation;
    headers['x-road-request-id'] = exchangeId;

    const common = {
      exchangeId,
      client: client.id,
      operator,
      service: request.service,
      method: request.method,
      path: pathWithoutQuery(request.path),
      correlationId: correlation,
      traceId,
    };
    const signed = (
      message: Message,
      signer: { readonly id: string; readonly key: SigningKey } | undefined,
    ) => {
      const digest = digestOf(message);
      return {
        digest,
        ...(signer
          ? { signer: signer.id, keyId: signer.key.keyId, signature: signDigest(signer.key, digest) }
          : {}),
        ...(deps.contentKey
          ? {
              message: seal(
                deps.contentKey,
                Buffer.concat([Buffer.from(message.head), Buffer.from('\r\n'), message.body]),
              ),
            }
          : {}),
      };
    };
    const write = async (record: LogRecord): Promise<MediatedResponse | undefined> => {
      try {
        await log.append(record);
        return undefined;
      } catch (error) {
        deps.logger.error({ err: error, exchangeId }, 'evidence could not be written');
        return refuseUnlogged(
          'loggingFailed',
          'The evidence of this exchange could not be written, so it was not carried out',
        );
      }
    };

    const target = `/r1/${request.service}${request.path}`;
    const requestEvidence = signed(requestMessage(request.method, target, headers, body), {
      id: client.memberId,
      key: clientMember.key,
    });
    const unwritten = await write({ ...common, kind: 'request', at: new Date(), ...requestEvidence });
    if (unwritten) return unwritten;

    const service = directory.service(request.service);
    const providerId = memberOf(request.service);
    const provider = directory.member(providerId);
    const rightsPath = pathForRights(request.path);
    let accessUsed: string | undefined;
    let error: ErrorKind | undefined;
    let response: MediatedResponse | undefined;
    const refuse = (kind: ErrorKind, message: string): void => {
      error = kind;
      response = refuseUnlogged(kind, message);
    };

    if (!service || !provider) refuse('unknownService', 'There is no such service');
    else if (rightsPath === undefined) refuse('accessDenied', 'The path climbs or is not well-formed');
    else {
      accessUsed = directory.allows(client.id, service.id, request.method, rightsPath);
      if (accessUsed === undefined) {
        deps.logger.warn(
          {
            security: 'right-missing',
            actor: client.id,
            service: service.id,
            exchangeId,
            correlationId: correlation,
          },
          'refused',
        );
        refuse('accessDenied', `${client.id} has no right to this endpoint of ${service.id}`);
      } else if (!service.enabled) refuse('serviceDisabled', service.notice ?? 'The service is out of order');
      else {
        const caller: Caller = { application: client.id, service: service.id, operator, exchangeId };
        try {
          response = await provide(service, request, body, headers, caller);
        } catch (failure) {
          const timedOut = isAbort(failure);
          deps.logger.warn({ err: failure, service: service.id, exchangeId }, 'the provider did not answer');
          refuse(
            timedOut ? 'serviceTimeout' : 'serviceFailed',
            timedOut ? 'The provider did not answer in time' : 'The provider could not be reached',
          );
        }
      }
    }
    if (!response) throw new Error('an exchange ended without an answer');

    response = {
      ...response,
      headers: {
        ...response.headers,
        'x-road-id': headers['x-road-id'] as string,
        'x-road-client': client.id,
        'x-road-service': request.service,
        'x-road-request-id': exchangeId,
        'x-road-request-hash': requestEvidence.digest.toString('base64'),
        'x-correlation-id': correlation,
      },
    };
    const durationMs = Math.round(performance.now() - started);
    const lost = await write({
      ...common,
      kind: 'response',
      at: new Date(),
      status: response.status,
      durationMs,
      ...(error ? { error: errors[error].type } : {}),
      ...(accessUsed === undefined ? {} : { accessUsed }),
      ...signed(
        responseMessage(response.status, response.headers, response.body),
        provider && { id: providerId, key: provider.key },
      ),
    });
    deps.observe(request.service, response.status, (performance.now() - started) / 1000);
    return lost ?? response;
  };
}

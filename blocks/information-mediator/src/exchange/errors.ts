import { bodyOf } from './body.ts';
import type { HeaderList } from './headers.ts';
import type { ExchangeResponse } from './request.ts';

/** X-Road error types this mediator answers with; what the client did wrong begins with `Client`. */
export const errors = {
  missingClient: { type: 'Client.MissingHeader', strict: 400 },
  invalidClient: { type: 'Client.InvalidClientIdentifier', strict: 400 },
  badRequest: { type: 'Client.BadRequest', strict: 400 },
  bodyTooLarge: { type: 'Client.BadRequest', strict: 413 },
  aborted: { type: 'Client.Aborted', strict: 499 },
  notAuthenticated: { type: 'Client.SslAuthenticationFailed', strict: 401 },
  unknownClient: { type: 'Server.ClientProxy.UnknownMember', strict: 403 },
  operatorNotListed: { type: 'Server.ClientProxy.AccessDenied', strict: 403 },
  loggingFailed: { type: 'Server.ClientProxy.LoggingFailed', strict: 503 },
  /** No time stamp could be had for longer than is allowed, or in time for a service that wants one at once. */
  timestampingFailed: { type: 'Server.ClientProxy.TimestampingFailed', strict: 503 },
  /** This server's knowledge of the instance has expired. */
  outdatedConfiguration: { type: 'Server.ClientProxy.OutdatedGlobalConf', strict: 503 },
  /** Every server that hosts the service is in maintenance mode. */
  peerInMaintenance: { type: 'Server.ClientProxy.MaintenanceMode', strict: 503 },
  /** The provider's server could not be reached. */
  peerUnreachable: { type: 'Server.ClientProxy.NetworkError', strict: 503 },
  peerTimeout: { type: 'Server.ClientProxy.NetworkError.Timeout', strict: 504 },
  /** Whoever answered at the address of the provider's server did not prove to be it. */
  peerNotAuthenticated: { type: 'Server.ClientProxy.SslAuthenticationFailed', strict: 502 },
  answerInvalidSignature: { type: 'Server.ClientProxy.InvalidSignatureValue', strict: 502 },
  answerInvalidCertificate: { type: 'Server.ClientProxy.InvalidCertPath', strict: 502 },
  inconsistentResponse: { type: 'Server.ClientProxy.InconsistentResponse', strict: 502 },
  /** The consumer's server did not prove to be one that is registered. */
  serverNotAuthenticated: { type: 'Server.ServerProxy.SslAuthenticationFailed', strict: 403 },
  providerOutdatedConfiguration: { type: 'Server.ServerProxy.OutdatedGlobalConf', strict: 503 },
  providerLoggingFailed: { type: 'Server.ServerProxy.LoggingFailed', strict: 503 },
  providerTimestampingFailed: { type: 'Server.ServerProxy.TimestampingFailed', strict: 503 },
  missingSignature: { type: 'Server.ServerProxy.MissingSignature', strict: 403 },
  invalidSignature: { type: 'Server.ServerProxy.InvalidSignatureValue', strict: 403 },
  invalidCertificate: { type: 'Server.ServerProxy.InvalidCertPath', strict: 403 },
  maintenance: { type: 'Server.ServerProxy.MaintenanceMode', strict: 503 },
  unknownMember: { type: 'Server.ServerProxy.UnknownMember', strict: 404 },
  unknownService: { type: 'Server.ServerProxy.UnknownService', strict: 404 },
  accessDenied: { type: 'Server.ServerProxy.AccessDenied', strict: 403 },
  serviceDisabled: { type: 'Server.ServerProxy.ServiceDisabled', strict: 503 },
  /** Said with 429 also where X-Road knows 500 alone: nothing else tells a client to slow down. */
  rateLimited: { type: 'Server.ServerProxy.TooManyRequests', strict: 429 },
  requestInvalid: { type: 'Client.BadRequest.NotAsDescribed', strict: 400 },
  responseInvalid: { type: 'Server.ServerProxy.ServiceFailed.NotAsDescribed', strict: 502 },
  circuitOpen: { type: 'Server.ServerProxy.ServiceFailed.CircuitOpen', strict: 503 },
  serviceUnreachable: { type: 'Server.ServerProxy.ServiceFailed.NetworkError', strict: 503 },
  serviceTimeout: { type: 'Server.ServerProxy.ServiceFailed.Timeout', strict: 504 },
  serviceAnswerUnusable: { type: 'Server.ServerProxy.ServiceFailed.HttpError', strict: 502 },
  internal: { type: 'Server.ClientProxy.InternalError', strict: 500 },
} as const;

export type ErrorKind = keyof typeof errors;

export const isErrorKind = (kind: unknown): kind is ErrorKind =>
  typeof kind === 'string' && Object.hasOwn(errors, kind);

/** The mediator's own refusal, before or instead of the provider's answer. */
export interface Refusal {
  readonly kind: ErrorKind;
  /** For the client: no personal data, no internals. */
  readonly message: string;
}

/** How refusals are put: which status, and X-Road's names up to 7.7 or those since 7.8. */
export interface Wording {
  readonly strictHttp: boolean;
  readonly errorCodes: 'camel-case' | 'snake-case';
}

const sides = new Set(['Client', 'Server', 'ClientProxy', 'ServerProxy']);

/** `Server.ServerProxy.AccessDenied`, or `server.serverproxy.access_denied` as X-Road says since 7.8. */
export const typeOf = (kind: ErrorKind, { errorCodes }: Pick<Wording, 'errorCodes'>): string =>
  errorCodes === 'camel-case'
    ? errors[kind].type
    : errors[kind].type
        .split('.')
        .map((part) => (sides.has(part) ? part : part.replaceAll(/(?<=.)([A-Z])/g, '_$1')).toLowerCase())
        .join('.');

const wantsXml = (accept: string | undefined): boolean =>
  accept !== undefined && /(^|,)\s*(text\/xml|application\/xml|text\/\*)\s*(;|,|$)/i.test(accept);

const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/**
 * The answer that a refusal becomes. With `strictHttp` the status says what happened (403, 404, 503, 504); without it
 * follows X-Road: 400 for the client's mistakes, 500 for everything else. `detail` is the id under which it was logged.
 */
export function errorResponse(
  { kind, message }: Refusal,
  detail: string,
  wording: Wording,
  accept?: string,
): ExchangeResponse {
  const type = typeOf(kind, wording);
  const xml = wantsXml(accept);
  const body = xml
    ? `<error><type>${type}</type><message>${escapeXml(message)}</message><detail>${detail}</detail></error>`
    : JSON.stringify({ type, message, detail });
  const headers: HeaderList = [
    ['Content-Type', `${xml ? 'text/xml' : 'application/json'};charset=utf-8`],
    ['X-Road-Error', type],
  ];
  const xRoad = errors[kind].type.startsWith('Client.') ? 400 : 500;
  return {
    status: wording.strictHttp || kind === 'rateLimited' ? errors[kind].strict : xRoad,
    headers,
    body: bodyOf(Buffer.from(body)),
  };
}

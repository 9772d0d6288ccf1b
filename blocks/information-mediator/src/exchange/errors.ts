import type { MediatedResponse } from '@govstack/platform';

/** X-Road error types this mediator answers with; `client` mistakes begin with Client. */
export const errors = {
  missingClient: { type: 'Client.MissingHeader', strict: 400 },
  invalidClient: { type: 'Client.InvalidClientIdentifier', strict: 400 },
  badRequest: { type: 'Client.BadRequest', strict: 400 },
  notAuthenticated: { type: 'Client.SslAuthenticationFailed', strict: 401 },
  unknownMember: { type: 'Server.ClientProxy.UnknownMember', strict: 403 },
  operatorNotListed: { type: 'Server.ClientProxy.AccessDenied', strict: 403 },
  unknownService: { type: 'Server.ServerProxy.UnknownService', strict: 404 },
  accessDenied: { type: 'Server.ServerProxy.AccessDenied', strict: 403 },
  serviceDisabled: { type: 'Server.ServerProxy.ServiceDisabled', strict: 503 },
  serviceFailed: { type: 'Server.ServerProxy.ServiceFailed.NetworkError', strict: 502 },
  serviceTimeout: { type: 'Server.ServerProxy.ServiceFailed.Timeout', strict: 504 },
  responseTooLarge: { type: 'Server.ServerProxy.ServiceFailed.HttpError', strict: 502 },
  loggingFailed: { type: 'Server.ClientProxy.LoggingFailed', strict: 503 },
} as const;

export type ErrorKind = keyof typeof errors;

/**
 * The mediator's own answer. `strictHttp` gives the status that says what happened (403, 404, 503, 504); otherwise
 * X-Road's convention: 400 for the client's mistakes, 500 for everything else. `detail` is the exchange id.
 */
export function errorResponse(
  kind: ErrorKind,
  message: string,
  detail: string,
  strictHttp: boolean,
): MediatedResponse {
  const { type, strict } = errors[kind];
  const status = strictHttp ? strict : type.startsWith('Client.') ? 400 : 500;
  return {
    status,
    headers: { 'content-type': 'application/json;charset=utf-8', 'x-road-error': type },
    body: Buffer.from(JSON.stringify({ type, message, detail })),
  };
}

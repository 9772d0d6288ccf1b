import type { HeaderList } from './headers.ts';

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
  inconsistentResponse: { type: 'Server.ClientProxy.InconsistentResponse', strict: 502 },
  invalidSignature: { type: 'Server.ServerProxy.InvalidSignatureValue', strict: 403 },
  unknownMember: { type: 'Server.ServerProxy.UnknownMember', strict: 404 },
  unknownService: { type: 'Server.ServerProxy.UnknownService', strict: 404 },
  accessDenied: { type: 'Server.ServerProxy.AccessDenied', strict: 403 },
  serviceDisabled: { type: 'Server.ServerProxy.ServiceDisabled', strict: 503 },
  serviceUnreachable: { type: 'Server.ServerProxy.ServiceFailed.NetworkError', strict: 503 },
  serviceTimeout: { type: 'Server.ServerProxy.ServiceFailed.Timeout', strict: 504 },
  serviceAnswerUnusable: { type: 'Server.ServerProxy.ServiceFailed.HttpError', strict: 502 },
  internal: { type: 'Server.ClientProxy.InternalError', strict: 500 },
} as const;

export type ErrorKind = keyof typeof errors;

/** The mediator's own refusal, before or instead of the provider's answer. */
export interface Refusal {
  readonly kind: ErrorKind;
  /** For the client: no personal data, no internals. */
  readonly message: string;
}

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
  strictHttp: boolean,
  accept?: string,
): { readonly status: number; readonly headers: HeaderList; readonly body: Buffer } {
  const { type, strict } = errors[kind];
  const xml = wantsXml(accept);
  const body = xml
    ? `<error><type>${type}</type><message>${escapeXml(message)}</message><detail>${detail}</detail></error>`
    : JSON.stringify({ type, message, detail });
  return {
    status: strictHttp ? strict : type.startsWith('Client.') ? 400 : 500,
    headers: [
      ['Content-Type', `${xml ? 'text/xml' : 'application/json'};charset=utf-8`],
      ['X-Road-Error', type],
    ],
    body: Buffer.from(body),
  };
}

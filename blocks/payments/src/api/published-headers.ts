import { Type } from '@govstack/platform/operation';
import { optional } from './schemas.ts';

/**
 * Published names differ between the files of the specification and the programs that speak them; they are read whatever
 * their case. Lengths: the published maximum, and never less than a UUID where callers are known to send one.
 */
export const callbackHeaders = {
  'x-callback-url': Type.Optional(
    Type.String({
      maxLength: 400,
      description:
        'Path of the callback service registered for the source, that service with a path, or an allowed https address',
    }),
  ),
  'x-callbackurl': Type.Optional(Type.String({ maxLength: 400 })),
  'x-callback_url': Type.Optional(Type.String({ maxLength: 400 })),
};
export const institutionHeaders = {
  'x-registering-institution-id': optional(36),
  registeringinstitutionid: optional(36),
};
/** What a source that signs sends along. */
export const signatureHeaders = {
  'x-jws-signature': Type.Optional(
    Type.String({
      maxLength: 8000,
      description:
        'Detached JWS over the body. Its protected header carries iat, jti, htm and htu (method and path of the request, with its command if it has one) and headers: the request’s own X-CorrelationID, X-Program-Id, X-Registering-Institution-Id, X-Callback-URL, X-Initiator, X-Not-Before, as far as it has them, under their lower-case names',
    }),
  ),
  'x-signature': Type.Optional(Type.String({ maxLength: 8000 })),
};

/** Of an operation that a source may ask for beside others: it is signed when the source asks. */
export const signedBySource = { headers: Type.Object(signatureHeaders), keepsBytes: true } as const;

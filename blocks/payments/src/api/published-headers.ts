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

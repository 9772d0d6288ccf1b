import { type Static, Type } from 'typebox';
import { closed, Share, Times } from '../faults/parts.ts';

/** What the mail server does wrong, on purpose. */
export const MailFaults = Type.Object(
  {
    seed: Type.Optional(Type.String({ maxLength: 100, description: 'Another seed strikes other messages' })),
    refused: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 254 }), {
        maxItems: 1_000,
        description: 'Addresses, or their beginnings, that are refused for good (550)',
      }),
    ),
    busy: Type.Optional(
      Type.Object(
        { share: Share, times: Times },
        { ...closed, description: 'Refused for now (451), works later' },
      ),
    ),
  },
  { ...closed, title: 'MailFaults' },
);
export type MailFaults = Static<typeof MailFaults>;

import { type Static, Type } from 'typebox';
import { closed, Milliseconds, Share, Times } from '../faults/parts.ts';

/** What the gateway does wrong, on purpose. */
export const SmsFaults = Type.Object(
  {
    seed: Type.Optional(Type.String({ maxLength: 100, description: 'Another seed strikes other messages' })),
    refused: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 16 }), {
        maxItems: 1_000,
        description: 'Numbers, or their beginnings, that are refused at once and for good',
      }),
    ),
    busy: Type.Optional(
      Type.Object({ share: Share, times: Times }, { ...closed, description: '503, not taken; works later' }),
    ),
    timeout: Type.Optional(
      Type.Object(
        { share: Share, times: Times, holdMs: Milliseconds('Until the connection breaks') },
        { ...closed, description: 'Taken, there is no answer' },
      ),
    ),
    undeliverable: Type.Optional(
      Type.Object({ share: Share }, { ...closed, description: 'Taken, and reported as failed later' }),
    ),
    late: Type.Optional(
      Type.Object({ share: Share, delayMs: Milliseconds('Until the message is delivered') }, closed),
    ),
    unreceipted: Type.Optional(
      Type.Object({ share: Share }, { ...closed, description: 'Delivered, but no receipt is ever sent' }),
    ),
    receiptRepeated: Type.Optional(
      Type.Object({ share: Share }, { ...closed, description: 'The same receipt is sent again' }),
    ),
  },
  { ...closed, title: 'SmsFaults' },
);
export type SmsFaults = Static<typeof SmsFaults>;

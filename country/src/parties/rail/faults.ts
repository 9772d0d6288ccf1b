import { type Static, Type } from 'typebox';
import { closed, Milliseconds, Share, Times } from '../faults/parts.ts';

/** What a rail does wrong, on purpose. Absent parts work well. */
export const RailFaults = Type.Object(
  {
    seed: Type.Optional(Type.String({ maxLength: 100, description: 'Another seed strikes other transfers' })),
    accounts: Type.Optional(
      Type.Array(
        Type.Object(
          {
            number: Type.String({
              minLength: 1,
              maxLength: 34,
              description: 'Account or wallet, or its beginning',
            }),
            reasonCode: Type.String({ minLength: 1, maxLength: 40 }),
          },
          closed,
        ),
        { maxItems: 10_000, description: 'Refused whenever they are to be credited' },
      ),
    ),
    transfers: Type.Optional(
      Type.Object(
        {
          rejected: Type.Optional(
            Type.Object(
              {
                share: Share,
                reasonCodes: Type.Optional(
                  Type.Array(Type.String({ minLength: 1, maxLength: 40 }), { minItems: 1, maxItems: 20 }),
                ),
              },
              { ...closed, description: 'Refused for good' },
            ),
          ),
          busy: Type.Optional(
            Type.Object(
              { share: Share, times: Times },
              { ...closed, description: 'Refused for now, not executed' },
            ),
          ),
          late: Type.Optional(
            Type.Object(
              { share: Share, afterMs: Milliseconds('Until it is executed') },
              { ...closed, description: 'Taken, executed later; the result comes by notice' },
            ),
          ),
          answeredTwice: Type.Optional(
            Type.Object(
              { share: Share },
              { ...closed, description: 'The same result comes in a second notice' },
            ),
          ),
          unanswered: Type.Optional(
            Type.Object({ share: Share }, { ...closed, description: 'Executed, but no notice is ever sent' }),
          ),
          contradicted: Type.Optional(
            Type.Object(
              { share: Share },
              { ...closed, description: 'Executed, and a later notice says it failed' },
            ),
          ),
          returned: Type.Optional(
            Type.Object(
              { share: Share, afterMs: Milliseconds('Until the money comes back') },
              { ...closed, description: 'Executed, and sent back later' },
            ),
          ),
        },
        closed,
      ),
    ),
    requests: Type.Optional(
      Type.Object(
        {
          errorBefore: Type.Optional(
            Type.Object({ share: Share, times: Times }, { ...closed, description: '503, nothing was done' }),
          ),
          errorAfter: Type.Optional(
            Type.Object(
              { share: Share, times: Times },
              { ...closed, description: '500, everything was done' },
            ),
          ),
          timeout: Type.Optional(
            Type.Object(
              { share: Share, times: Times, holdMs: Milliseconds('Until the connection breaks') },
              { ...closed, description: 'Everything was done, there is no answer' },
            ),
          ),
          late: Type.Optional(
            Type.Object(
              { share: Share, delayMs: Milliseconds('Until the answer') },
              { ...closed, description: 'Slow' },
            ),
          ),
        },
        { ...closed, description: 'Decided by the batch or the reference of the request' },
      ),
    ),
    notices: Type.Optional(
      Type.Object(
        {
          repeated: Type.Optional(
            Type.Object(
              { share: Share },
              { ...closed, description: 'The same notice is sent again after it was taken' },
            ),
          ),
          late: Type.Optional(
            Type.Object({ share: Share, delayMs: Milliseconds('Until it is sent') }, closed),
          ),
        },
        closed,
      ),
    ),
    authorisation: Type.Optional(
      Type.Object(
        { refuse: Type.Boolean() },
        { ...closed, description: 'Funds are never authorised, whatever the balance' },
      ),
    ),
  },
  { ...closed, title: 'RailFaults' },
);
export type RailFaults = Static<typeof RailFaults>;

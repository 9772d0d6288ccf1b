import { type Static, Type } from 'typebox';
import { closed, Milliseconds, Share } from '../faults/parts.ts';
import { RailFaults } from '../rail/faults.ts';

/** What the revenue authority or the bill desk of the bank does wrong, on purpose. */
export const BillFaults = Type.Object(
  {
    seed: Type.Optional(Type.String({ maxLength: 100, description: 'Another seed strikes other bills' })),
    requests: RailFaults.properties.requests,
    rejected: Type.Optional(
      Type.Object(
        { share: Share, reason: Type.String({ minLength: 1, maxLength: 10 }) },
        { ...closed, description: 'Payments of bills (Def, Dup, Und) or requests to pay (R, AM04, CRED)' },
      ),
    ),
    late: Type.Optional(
      Type.Object(
        { share: Share, afterMs: Milliseconds('Until a request to pay is answered') },
        { ...closed, description: 'Customers who take their time' },
      ),
    ),
    ignored: Type.Optional(
      Type.Object({ share: Share }, { ...closed, description: 'Requests to pay that no customer answers' }),
    ),
  },
  { ...closed, title: 'BillFaults' },
);
export type BillFaults = Static<typeof BillFaults>;

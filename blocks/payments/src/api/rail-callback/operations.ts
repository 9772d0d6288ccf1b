import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';
import { Text } from '../schemas.ts';

/** One transfer's outcome as its rail reports it. */
export const RailResult = Type.Object({
  /** The reference under which this block sent the transfer. */
  reference: Text(50),
  status: Type.Union(
    [
      Type.Literal('completed'),
      Type.Literal('failed'),
      Type.Literal('pending'),
      Type.Literal('busy'),
      Type.Literal('returned'),
    ],
    { description: '`busy`: refused for now, not executed. `returned`: came back after it was completed.' },
  ),
  /** The rail's own id of the transfer. */
  railReference: Type.Optional(Text(50)),
  reasonCode: Type.Optional(Text(40)),
});

export const RailNotice = Type.Object(
  {
    /** Unique for the rail: a notice that is sent again is acknowledged and ignored. */
    eventId: Text(100),
    results: Type.Array(RailResult, { minItems: 1, maxItems: 1000 }),
  },
  { title: 'RailNotice' },
);

/** RFC 7515 flattened JWS; its payload is a RailNotice. */
export const SignedRailNotice = Type.Object(
  { protected: Text(2000), payload: Text(4_000_000), signature: Text(2000) },
  { title: 'SignedRailNotice' },
);

export const postTransferResults = defineOperation({
  id: 'postTransferResults',
  method: 'POST',
  path: '/transfer-results',
  summary: 'A rail reports what became of transfers',
  description:
    'Only the application of a registered rail may call, and only about its own transfers. When a public key is registered for the rail, the notice must be a JWS signed with it. Repeats, late and contradicting notices are acknowledged; they never change a final result. An event id that was used before with other results is refused (409), and a case.',
  requirements: ['PAY-6.5-b', 'PAY-6.5-c', 'PAY-6.14-f'],
  access: { caller: 'application' },
  bodyLimit: 4 * 1024 * 1024,
  body: Type.Union([RailNotice, SignedRailNotice]),
  responses: { 202: Type.Object({ eventId: Type.String(), repeated: Type.Boolean() }) },
});

/** Where rails report results: the other half of the payer rail contract. */
export const railCallback = defineSurface({
  name: 'payments-rail-callback-v1',
  title: 'Payments: results from payer rails',
  version: '1.0.0',
  operations: { postTransferResults },
});

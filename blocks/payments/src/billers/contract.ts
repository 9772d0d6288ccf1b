import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';

const Text = (maxLength: number) => Type.String({ minLength: 1, maxLength });

const headers = Type.Object({
  'x-correlationid': Text(50),
  'x-platform-tenantid': Type.Optional(Text(36)),
  'x-payerfi-id': Type.Optional(Text(36)),
});

/** What a biller answers is read by `bills/biller-answer.ts`, in whatever spelling it comes. */
const answers = { 200: Type.Unknown(), 202: Type.Unknown() } as const;

/**
 * What this block asks of a biller or aggregator: the published P2G messages on its side. A bill payment is identified
 * by its PaymentReferenceID: marking a bill paid again with the same one changes nothing.
 */
export const billerService = defineSurface({
  name: 'biller-v1',
  title: 'Biller',
  version: '1.0.0',
  operations: {
    getBill: defineOperation({
      id: 'getBill',
      method: 'GET',
      path: '/bills/{billId}',
      summary: 'The bill (200), or that it is told later by POST /bills/{billId} (202); 404: unknown',
      access: { caller: 'application' },
      params: Type.Object({ billId: Text(20) }),
      query: Type.Object({ fields: Type.Literal('inquiry'), requestId: Text(12) }),
      headers,
      responses: answers,
    }),
    markBillPaid: defineOperation({
      id: 'markBillPaid',
      method: 'POST',
      path: '/billTransferRequests',
      summary: 'Mark a bill as paid; answered ACK or RJC, at once or later by POST /billTransferRequests',
      access: { caller: 'application' },
      headers,
      body: Type.Object({
        requestID: Text(12),
        billId: Text(20),
        PaymentReferenceID: Text(36),
        amount: Type.String({ description: 'Decimal text; for billers that take part payments' }),
        currency: Text(3),
      }),
      responses: answers,
    }),
    rtpUpdate: defineOperation({
      id: 'rtpUpdate',
      method: 'POST',
      path: '/rtpUpdate',
      summary: 'What the payer said to a request-to-pay; R rejected, E expired, W withdrawn',
      access: { caller: 'application' },
      body: Type.Object({
        requestId: Text(36),
        rtpId: Type.Integer(),
        billId: Text(30),
        rtpStatus: Type.Union([Type.Literal('00'), Type.Literal('01')]),
        rejectReason: Type.Optional(Type.Union([Type.Literal('R'), Type.Literal('E'), Type.Literal('W')])),
      }),
      responses: { 200: Type.Unknown(), 202: Type.Unknown() },
    }),
    requestToPayStatus: defineOperation({
      id: 'requestToPayStatus',
      method: 'POST',
      path: '/transferRequests/{transferRequestId}',
      summary: 'Where a request-to-pay stands: at its end, and when the biller asks',
      access: { caller: 'application' },
      params: Type.Object({ transferRequestId: Text(20) }),
      body: Type.Object({
        rtpId: Type.Integer(),
        RequestId: Text(36),
        requestStatus: Text(3),
        PaymentReferenceID: Type.Optional(Text(36)),
        lastUpdateDate: Type.Integer({ description: 'Seconds since 1970' }),
      }),
      responses: { 200: Type.Unknown(), 202: Type.Unknown() },
    }),
  },
});

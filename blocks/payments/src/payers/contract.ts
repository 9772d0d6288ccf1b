import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';
import { BillNotice } from '../api/p2g/operations.ts';

const Text = (maxLength: number) => Type.String({ minLength: 1, maxLength });
const answers = { 200: Type.Unknown(), 202: Type.Unknown() } as const;

/** What this block tells a payer institution: the published P2G messages on its side. */
export const payerService = defineSurface({
  name: 'payer-fi-v1',
  title: 'Payer institution',
  version: '1.0.0',
  operations: {
    billInquiryResponse: defineOperation({
      id: 'billInquiryResponse',
      method: 'POST',
      path: '/bills/{billId}',
      summary: 'The answer to a bill inquiry',
      access: { caller: 'application' },
      params: Type.Object({ billId: Text(20) }),
      body: BillNotice,
      responses: answers,
    }),
    billPaymentResponse: defineOperation({
      id: 'billPaymentResponse',
      method: 'POST',
      path: '/billTransferRequests',
      summary: 'What the biller made of a payment; after RJC the payer gets the money back',
      access: { caller: 'application' },
      body: Type.Object({
        requestId: Text(36),
        billId: Text(20),
        status: Type.Union([Type.Literal('ACK'), Type.Literal('RJC')]),
        rejectReason: Type.Optional(
          Type.Union([Type.Literal('Def'), Type.Literal('Dup'), Type.Literal('Und')]),
        ),
      }),
      responses: answers,
    }),
    rtpRequest: defineOperation({
      id: 'rtpRequest',
      method: 'POST',
      path: '/rtpRequest',
      summary: 'Ask a customer to pay a bill; TxnID stands for the inquiry when the payment is told',
      access: { caller: 'application' },
      body: Type.Object({
        TxnID: Text(12),
        rTPID: Type.Integer(),
        billDetails: Type.Object({
          'Bill ID': Text(20),
          'Biller Name': Text(10),
          Amount: Type.Number(),
          Currency: Text(3),
        }),
        payerFiDetails: Type.Optional(Type.Object({ financialAddress: Text(40) })),
        approval: Type.Optional(
          Type.Object({ userId: Text(100), textHash: Text(64), at: Text(30), acr: Type.Optional(Text(100)) }),
        ),
        expiresAt: Text(30),
      }),
      responses: answers,
    }),
    rtpUpdate: defineOperation({
      id: 'rtpUpdate',
      method: 'POST',
      path: '/rtpUpdate',
      summary: 'A request-to-pay is over without a payment: E expired, W withdrawn',
      access: { caller: 'application' },
      body: Type.Object({
        TxnID: Text(12),
        rtpId: Type.Integer(),
        billId: Text(20),
        rtpStatus: Type.Literal('01'),
        rejectReason: Type.Union([Type.Literal('E'), Type.Literal('W')]),
      }),
      responses: answers,
    }),
  },
});

import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';
import { Text } from '../schemas.ts';

const putTransaction = defineOperation({
  id: 'putTransaction',
  method: 'PUT',
  path: '/transactions',
  summary: 'A provider reports what became of a disbursement: the transaction, or the error',
  description:
    'Only the application of a registered rail may call, and only about its own transfers. X-CorrelationID is that of the request it answers. Repeats, late and contradicting reports are acknowledged; they never change a final result.',
  requirements: ['PAY-6.5-b', 'PAY-6.5-c', 'PAY-5.2.1'],
  access: { caller: 'application' },
  headers: Type.Object({ 'x-correlationid': Type.Optional(Text(60)) }),
  body: Type.Object({
    transactionReference: Type.Optional(Text(60)),
    transactionStatus: Type.Optional(Text(30)),
    requestingOrganisationTransactionReference: Type.Optional(Text(60)),
    errorCategory: Type.Optional(Text(40)),
    errorCode: Type.Optional(Text(60)),
  }),
  responses: { 204: null },
});

/** Where providers that speak the GSMA Mobile Money API report results (X-Callback-URL). */
export const gsmaCallback = defineSurface({
  name: 'payments-gsma-callback-v1',
  title: 'Payments: results from providers of the GSMA Mobile Money API',
  version: '1.2.0',
  operations: { putTransaction },
});

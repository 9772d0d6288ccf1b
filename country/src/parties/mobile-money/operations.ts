import { Type } from 'typebox';
import { type Operation, operation, Refusal } from '../http/operation.ts';
import type { Transfer } from '../rail/book.ts';
import type { Rail } from '../rail/engine.ts';
import type { NoticeResult, Order } from '../rail/records.ts';
import { payeeRefusal } from '../rail/refusal.ts';
import { withRequestFaults } from '../rail/request-faults.ts';
import {
  Amount,
  batchBodyLimit,
  Currency,
  largestBatch,
  minorText,
  Reference,
  ReferenceParams,
  Text,
} from '../rail/schemas.ts';
import { getStatement } from '../rail/statement.ts';

/** Mobile money has its own words for what banks say in ISO 20022. */
const errorCodes: Readonly<Record<string, string>> = {
  AC01: 'PAYEE_NOT_FOUND',
  AC02: 'PAYER_NOT_FOUND',
  AC04: 'PAYEE_INACTIVE',
  AC06: 'PAYEE_NOT_ALLOWED_TO_RECEIVE',
  AM01: 'INVALID_AMOUNT',
  AM02: 'PAYEE_LIMIT_REACHED',
  AM03: 'CURRENCY_NOT_SUPPORTED',
  AM04: 'NOT_ENOUGH_FUNDS',
  BE01: 'NAME_MISMATCH',
  RC01: 'PAYEE_NOT_FOUND',
};
const errorCodeOf = (reasonCode: string): string => errorCodes[reasonCode] ?? reasonCode;

/** A result as the notices of this provider say it. */
export const inOwnWords = (result: NoticeResult): NoticeResult =>
  result.reasonCode === undefined ? result : { ...result, reasonCode: errorCodeOf(result.reasonCode) };

const DisbursementStatus = Type.Object(
  {
    reference: Type.String(),
    status: Type.Union(
      [Type.Literal('completed'), Type.Literal('failed'), Type.Literal('pending'), Type.Literal('busy')],
      { description: '`busy` was refused for now and not executed: send it again under the same reference' },
    ),
    transactionId: Type.String(),
    errorCode: Type.Optional(Type.String()),
    returned: Type.Optional(Type.Boolean({ description: 'Whether the money came back after completion' })),
  },
  { title: 'DisbursementStatus' },
);

const statusOf = ({ order, state, railReference, reasonCode }: Transfer) => ({
  reference: order.reference,
  status: state === 'returned' ? 'completed' : state === 'rejected' ? 'failed' : state,
  transactionId: railReference,
  ...(reasonCode === undefined ? {} : { errorCode: errorCodeOf(reasonCode) }),
  ...(state === 'returned' ? { returned: true } : {}),
});

/** What the mobile-money provider offers to organisations that pay into wallets. */
export function mobileMoneyOperations(rail: Rail): Operation[] {
  const { book, faults, institution } = rail;
  return [
    operation({
      id: 'postDisbursements',
      method: 'POST',
      path: '/disbursements',
      summary: 'Take over transfers to wallets; the results follow by notice',
      description:
        'Each result is posted to the callback address as a JWS in flattened form (RFC 7515) whose payload is {eventId, results[]}. A reference is executed once; when one stands for another transfer than before, the whole request is refused with 409 and nothing is taken.',
      bodyLimit: batchBodyLimit,
      body: Type.Object({
        batchId: Text(50),
        debtorAccount: Type.Optional(Text(34, 'Float that pays; the first one of the customer by default')),
        currency: Currency,
        callbackService: Type.Optional(
          Type.String({
            pattern: "^[A-Za-z0-9'()+,\\-.=?_]{1,100}(/[A-Za-z0-9'()+,\\-.=?_]{1,100}){4}$",
            description: 'Service at the information mediator to which the results go',
          }),
        ),
        transfers: Type.Array(
          Type.Object({
            reference: Reference,
            msisdn: Text(34),
            amount: Amount,
            narration: Type.Optional(Type.String({ maxLength: 50 })),
          }),
          { minItems: 1, maxItems: largestBatch },
        ),
      }),
      responses: { 202: Type.Object({ batchId: Type.String(), accepted: Type.Integer() }) },
      handle: ({ body: { batchId, debtorAccount, currency, callbackService, transfers } }) =>
        withRequestFaults(faults, batchId, async () => {
          const debtor = debtorAccount ?? book.funds()?.account ?? '';
          const orders = transfers.map(
            (one, at): Order => ({
              reference: one.reference,
              batchId,
              debtor,
              creditor: one.msisdn,
              amount: minorText(one.amount, currency, `/transfers/${at}/amount`),
              currency,
              ...(one.narration === undefined ? {} : { narration: one.narration }),
              ...(callbackService === undefined ? {} : { service: callbackService }),
            }),
          );
          const accepted = rail.accept(orders).length;
          await rail.durable();
          return { status: 202, body: { batchId, accepted } };
        }),
    }),
    operation({
      id: 'getDisbursement',
      method: 'GET',
      path: '/disbursements/{reference}',
      summary: 'What became of a transfer; 404 when it was never received',
      params: ReferenceParams,
      responses: { 200: DisbursementStatus },
      handle: async ({ params }) => {
        const transfer = book.transfer(params.reference);
        if (!transfer) throw new Refusal(404, 'No transfer was received under this reference');
        const body = statusOf(transfer);
        await rail.durable();
        return { status: 200, body };
      },
    }),
    operation({
      id: 'validateWallets',
      method: 'POST',
      path: '/wallet-validations',
      summary: 'Which of these wallets cannot be credited with these amounts',
      bodyLimit: batchBodyLimit,
      body: Type.Object({
        batchId: Text(50),
        currency: Currency,
        wallets: Type.Array(
          Type.Object({
            reference: Reference,
            msisdn: Text(34),
            holderName: Type.Optional(Text(140)),
            amount: Amount,
          }),
          { minItems: 1, maxItems: largestBatch },
        ),
      }),
      responses: {
        200: Type.Object({
          batchId: Type.String(),
          failures: Type.Array(Type.Object({ reference: Type.String(), errorCode: Type.String() })),
        }),
      },
      handle: ({ body: { batchId, currency, wallets } }) =>
        withRequestFaults(faults, `validation:${batchId}`, async () => {
          const known = book.funds()?.currency === currency;
          const failures = wallets.flatMap((one, at) => {
            const payment = {
              reference: one.reference,
              creditor: one.msisdn,
              amount: minorText(one.amount, currency, `/wallets/${at}/amount`),
              holder: one.holderName,
            };
            const reason = known ? payeeRefusal(payment, book, institution, faults) : 'AM03';
            return reason === undefined ? [] : [{ reference: one.reference, errorCode: errorCodeOf(reason) }];
          });
          return { status: 200, body: { batchId, failures } };
        }),
    }),
    getStatement(rail),
  ];
}

import { Type } from 'typebox';
import { type Operation, operation, Refusal } from '../http/operation.ts';
import { toMinor } from '../rail/amount.ts';
import type { Transfer } from '../rail/book.ts';
import type { Rail } from '../rail/engine.ts';
import type { Order } from '../rail/records.ts';
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

const CreditTransfer = Type.Object({
  reference: Reference,
  creditorAccount: Text(34),
  creditorInstitution: Type.Optional(Text(11, 'Business identifier code of the creditor bank')),
  amount: Amount,
  narration: Type.Optional(Type.String({ maxLength: 50 })),
});

const TransferResult = Type.Object(
  {
    reference: Type.String(),
    status: Type.Union(
      [Type.Literal('completed'), Type.Literal('rejected'), Type.Literal('pending'), Type.Literal('busy')],
      { description: '`busy` was refused for now and not executed: send it again under the same reference' },
    ),
    transactionStatus: Type.Optional(
      Type.Union([Type.Literal('ACSC'), Type.Literal('RJCT'), Type.Literal('PDNG')], {
        description: 'ISO 20022: settled on the account of the creditor, rejected, pending',
      }),
    ),
    reasonCode: Type.Optional(
      Type.String({ description: 'ISO 20022: AC01, AC02, AC04, AC06, AM01, AM03, AM04, RC01' }),
    ),
    bankReference: Type.String(),
    returned: Type.Optional(Type.Boolean({ description: 'Whether the money came back after settlement' })),
  },
  { title: 'TransferResult' },
);

const iso = {
  completed: 'ACSC',
  rejected: 'RJCT',
  pending: 'PDNG',
  returned: 'ACSC',
  busy: undefined,
} as const;

const resultOf = ({ order, state, railReference, reasonCode }: Transfer) => ({
  reference: order.reference,
  status: state === 'returned' ? 'completed' : state,
  ...(iso[state] === undefined ? {} : { transactionStatus: iso[state] }),
  ...(reasonCode === undefined ? {} : { reasonCode }),
  bankReference: railReference,
  ...(state === 'returned' ? { returned: true } : {}),
});

/** What the bank offers to its customers. */
export function bankOperations(rail: Rail): Operation[] {
  const { book, faults, institution } = rail;
  return [
    operation({
      id: 'postTransferBatch',
      method: 'POST',
      path: '/transfer-batches',
      summary: 'Credit each payee of a batch; the answer holds a result for each',
      description:
        'A reference is executed once, in whatever batch it is sent. When one reference stands for another transfer than before, the whole batch is refused with 409 and nothing is executed.',
      bodyLimit: batchBodyLimit,
      body: Type.Object({
        batchId: Text(50),
        debtorAccount: Text(34),
        currency: Currency,
        transfers: Type.Array(CreditTransfer, { minItems: 1, maxItems: largestBatch }),
      }),
      responses: { 200: Type.Object({ batchId: Type.String(), results: Type.Array(TransferResult) }) },
      handle: ({ body: { batchId, debtorAccount, currency, transfers } }) =>
        withRequestFaults(faults, batchId, async () => {
          const orders = transfers.map(
            (one, at): Order => ({
              reference: one.reference,
              batchId,
              debtor: debtorAccount,
              creditor: one.creditorAccount,
              ...(one.creditorInstitution === undefined ? {} : { institution: one.creditorInstitution }),
              amount: minorText(one.amount, currency, `/transfers/${at}/amount`),
              currency,
              ...(one.narration === undefined ? {} : { narration: one.narration }),
            }),
          );
          const results = rail.accept(orders).map(resultOf);
          await rail.durable();
          return { status: 200, body: { batchId, results } };
        }),
    }),
    operation({
      id: 'postTransfer',
      method: 'POST',
      path: '/transfers',
      summary: 'Credit one payee',
      headers: Type.Object({ 'idempotency-key': Type.Optional(Reference) }),
      body: Type.Object({
        ...CreditTransfer.properties,
        reference: Type.Optional(Reference),
        debtorAccount: Text(34),
        currency: Currency,
      }),
      responses: { 200: TransferResult },
      handle: ({ body, headers }) => {
        const key = headers['idempotency-key'];
        const reference = body.reference ?? (typeof key === 'string' ? key : undefined);
        if (reference === undefined)
          throw new Refusal(422, 'A reference or the header Idempotency-Key is required');
        if (typeof key === 'string' && key !== reference) {
          throw new Refusal(422, 'The reference and the header Idempotency-Key differ');
        }
        return withRequestFaults(faults, reference, async () => {
          const [transfer] = rail.accept([
            {
              reference,
              debtor: body.debtorAccount,
              creditor: body.creditorAccount,
              ...(body.creditorInstitution === undefined ? {} : { institution: body.creditorInstitution }),
              amount: minorText(body.amount, body.currency, '/amount'),
              currency: body.currency,
              ...(body.narration === undefined ? {} : { narration: body.narration }),
            },
          ]);
          await rail.durable();
          return { status: 200, body: resultOf(transfer as Transfer) };
        });
      },
    }),
    operation({
      id: 'getTransfer',
      method: 'GET',
      path: '/transfers/{reference}',
      summary: 'What became of a transfer; 404 when it was never received',
      params: ReferenceParams,
      responses: { 200: TransferResult },
      handle: async ({ params }) => {
        const transfer = book.transfer(params.reference);
        if (!transfer) throw new Refusal(404, 'No transfer was received under this reference');
        const body = resultOf(transfer);
        await rail.durable();
        return { status: 200, body };
      },
    }),
    operation({
      id: 'validateAccounts',
      method: 'POST',
      path: '/account-validations',
      summary: 'Which of these accounts cannot be credited with these amounts',
      bodyLimit: batchBodyLimit,
      body: Type.Object({
        batchId: Text(50),
        currency: Currency,
        accounts: Type.Array(
          Type.Object({
            reference: Reference,
            creditorAccount: Text(34),
            creditorInstitution: Type.Optional(Text(11)),
            creditorName: Type.Optional(Text(140, 'Compared with the holder when the bank may tell')),
            amount: Amount,
          }),
          { minItems: 1, maxItems: largestBatch },
        ),
      }),
      responses: {
        200: Type.Object({
          batchId: Type.String(),
          failures: Type.Array(
            Type.Object({
              reference: Type.String(),
              reasonCode: Type.String({
                description:
                  'AC01 unknown, AC04 closed, BE01 another name, RC01 another bank, AM01, AM03, AC06',
              }),
            }),
          ),
        }),
      },
      handle: ({ body: { batchId, currency, accounts } }) =>
        withRequestFaults(faults, `validation:${batchId}`, async () => {
          const known = book.funds()?.currency === currency;
          const failures = accounts.flatMap((one, at) => {
            const payment = {
              reference: one.reference,
              creditor: one.creditorAccount,
              institution: one.creditorInstitution,
              amount: minorText(one.amount, currency, `/accounts/${at}/amount`),
              holder: one.creditorName,
            };
            const reasonCode = known ? payeeRefusal(payment, book, institution, faults) : 'AM03';
            return reasonCode === undefined ? [] : [{ reference: one.reference, reasonCode }];
          });
          return { status: 200, body: { batchId, failures } };
        }),
    }),
    operation({
      id: 'authoriseFunds',
      method: 'POST',
      path: '/fund-authorisations',
      summary: 'Whether the debtor account covers a batch',
      body: Type.Object({ batchId: Text(50), payerIdentifier: Text(34), currency: Currency, amount: Amount }),
      responses: {
        200: Type.Object({
          batchId: Type.String(),
          status: Type.Union([Type.Literal('Y'), Type.Literal('N')]),
          reason: Type.Optional(Type.String()),
        }),
      },
      handle: ({ body: { batchId, payerIdentifier, currency, amount } }) =>
        withRequestFaults(faults, `authorisation:${batchId}`, async () => {
          const funds = book.funds(payerIdentifier);
          const minor = toMinor(amount, currency);
          const reason = !funds
            ? 'There is no such funding account'
            : funds.currency !== currency
              ? `The account is held in ${funds.currency}`
              : minor === undefined || minor === 0n
                ? 'The amount is not valid'
                : faults.current().authorisation?.refuse
                  ? 'Refused by the bank'
                  : funds.balance < minor
                    ? 'Insufficient funds'
                    : undefined;
          await rail.durable();
          return {
            status: 200,
            body: {
              batchId,
              status: reason === undefined ? 'Y' : 'N',
              ...(reason === undefined ? {} : { reason }),
            },
          };
        }),
    }),
    getStatement(rail),
  ];
}

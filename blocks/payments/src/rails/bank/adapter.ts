import { CallFailed } from '@govstack/platform';
import { inParallel } from '../in-parallel.ts';
import type { Outcome, RailAdapter, RailContext, RailResult } from '../port.ts';
import { bankRail } from './contract.ts';

const outcomes = {
  completed: 'succeeded',
  rejected: 'failed',
  pending: 'pending',
  busy: 'busy',
  unknown: 'not-received',
} as const satisfies Record<string, Outcome>;

const toResult = (answer: {
  readonly reference: string;
  readonly status: keyof typeof outcomes;
  readonly bankReference?: string;
  readonly reasonCode?: string;
}): RailResult => ({
  reference: answer.reference,
  outcome: outcomes[answer.status],
  ...(answer.bankReference === undefined ? {} : { railReference: answer.bankReference }),
  ...(answer.reasonCode === undefined ? {} : { reasonCode: answer.reasonCode }),
});

const client = ({ mediation, rail }: RailContext) => mediation.client(bankRail, rail.service);

/** A bank: batches of credit transfers answered at once, and the payer's own account. */
export const bank: RailAdapter = {
  largestBatch: 1000,
  signedNotices: true,
  async submit(context, { subBatchId, debtorAccount, currency, transfers }) {
    const { body } = await client(context).postTransferBatch({
      timeout: context.timeoutMs,
      body: {
        batchId: subBatchId,
        debtorAccount,
        currency,
        transfers: transfers.map(({ reference, address, institution, amount, narration }) => ({
          reference,
          creditorAccount: address,
          ...(institution === undefined ? {} : { creditorInstitution: institution }),
          amount,
          ...(narration === undefined ? {} : { narration }),
        })),
      },
    });
    return body.results.map(toResult);
  },
  async status(context, references) {
    return inParallel(references, context.rail.concurrency, async (reference) => {
      try {
        const { body } = await client(context).getTransfer({
          params: { reference },
          timeout: context.timeoutMs,
        });
        return toResult(body);
      } catch (error) {
        const absent =
          error instanceof CallFailed && error.status === 404 && error.mediatorError === undefined;
        return { reference, outcome: absent ? 'not-received' : 'unknown' };
      }
    });
  },
  async validate(context, { batchId, currency, accounts }) {
    const { body } = await client(context).validateAccounts({
      timeout: context.timeoutMs,
      body: {
        batchId,
        currency,
        accounts: accounts.map(({ reference, address, institution, amount }) => ({
          reference,
          creditorAccount: address,
          ...(institution === undefined ? {} : { creditorInstitution: institution }),
          amount,
        })),
      },
    });
    return new Map(body.failures.map((failure) => [failure.reference, failure.reasonCode]));
  },
  async authorise(context, { batchId, payerAccount, currency, amount }) {
    const { body } = await client(context).authoriseFunds({
      timeout: context.timeoutMs,
      body: { batchId, payerIdentifier: payerAccount, currency, amount },
    });
    return { authorised: body.status === 'Y', ...(body.reason === undefined ? {} : { reason: body.reason }) };
  },
};

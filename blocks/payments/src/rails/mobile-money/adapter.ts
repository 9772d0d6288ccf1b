import { CallFailed } from '@govstack/platform';
import { inParallel } from '../in-parallel.ts';
import type { Outcome, RailAdapter, RailContext, RailResult } from '../port.ts';
import { mobileMoneyRail } from './contract.ts';

const outcomes = {
  completed: 'succeeded',
  failed: 'failed',
  pending: 'pending',
  busy: 'busy',
  unknown: 'not-received',
} as const satisfies Record<string, Outcome>;

const client = ({ mediation, rail }: RailContext) => mediation.client(mobileMoneyRail, rail.service);

/** A mobile-money provider: takes transfers with 202 and reports each result later, or when asked. */
export const mobileMoney: RailAdapter = {
  largestBatch: 1000,
  signedNotices: true,
  async submit(context, { subBatchId, debtorAccount, currency, transfers }) {
    await client(context).postDisbursements({
      timeout: context.timeoutMs,
      body: {
        batchId: subBatchId,
        debtorAccount,
        currency,
        callbackService: `${context.application}/payments-rail-callback-v1`,
        transfers: transfers.map(({ reference, address, amount, narration }) => ({
          reference,
          msisdn: address,
          amount,
          ...(narration === undefined ? {} : { narration }),
        })),
      },
    });
    return transfers.map(({ reference }): RailResult => ({ reference, outcome: 'pending' }));
  },
  async status(context, references) {
    return inParallel(references, context.rail.concurrency, async (reference) => {
      try {
        const { body } = await client(context).getDisbursement({
          params: { reference },
          timeout: context.timeoutMs,
        });
        return {
          reference,
          outcome: outcomes[body.status],
          ...(body.transactionId === undefined ? {} : { railReference: body.transactionId }),
          ...(body.errorCode === undefined ? {} : { reasonCode: body.errorCode }),
        };
      } catch (error) {
        const absent =
          error instanceof CallFailed && error.status === 404 && error.mediatorError === undefined;
        return { reference, outcome: absent ? 'not-received' : 'unknown' };
      }
    });
  },
  async validate(context, { batchId, currency, accounts }) {
    const { body } = await client(context).validateWallets({
      timeout: context.timeoutMs,
      body: {
        batchId,
        currency,
        wallets: accounts.map(({ reference, address, amount }) => ({ reference, msisdn: address, amount })),
      },
    });
    return new Map(body.failures.map((failure) => [failure.reference, failure.errorCode]));
  },
};

import type { Handlers } from '@govstack/platform';
import { awaitOutcome } from '../../batches/await-outcome.ts';
import { instructionByClientId, readBatch } from '../../batches/read.ts';
import type { Payments } from '../../payments-context.ts';
import { sourceOfCaller } from '../../sources/source.ts';
import { transactionPointer } from './batch-handlers.ts';
import { type g2p, postTransaction } from './operations.ts';
import { bodyReader } from './read-body.ts';
import { takeBatch, toInstructions } from './take-batch.ts';
import { transactionView } from './views.ts';

type TransactionHandlers = Pick<Handlers<typeof g2p.operations>, 'postTransaction' | 'getTransaction'>;

const readTransaction = bodyReader(postTransaction.body);
const defaultWait = 10;
/** Callers that this process lets wait at the same time; the others are told at once where to ask. */
const mostWaiting = 64;

/** Payments one at a time: handed over and waited for, or asked about by the source's own id. */
export function transactionHandlers(payments: Payments): TransactionHandlers {
  let waiting = 0;
  return {
    async postTransaction({ body: received, query, caller, person, headers, bytes, signal }) {
      const body = readTransaction(received);
      const { id } = await takeBatch(payments, {
        spec: postTransaction,
        caller,
        person,
        headers,
        bytes,
        batchId: headers['x-correlationid'] ?? body.requestId,
        programmeId: () => headers['x-program-id'],
        read: () => toInstructions([body]),
        pointer: transactionPointer,
      });
      const seconds = waiting >= mostWaiting ? 0 : (query.waitSeconds ?? defaultWait);
      waiting += 1;
      try {
        const { instruction, final } = await awaitOutcome(payments, id, { ms: seconds * 1000, signal });
        const view = transactionView(payments, await readBatch(payments.db, id), instruction);
        return final ? { status: 200, body: view } : { status: 202, body: view };
      } finally {
        waiting -= 1;
      }
    },

    async getTransaction({ params, caller }) {
      const source = await sourceOfCaller(payments.db, caller.application);
      const row = await instructionByClientId(payments.db, source.id, params.requestId);
      const batch = await readBatch(payments.db, row.batch_id);
      return { status: 200, body: transactionView(payments, batch, row) };
    },
  };
}

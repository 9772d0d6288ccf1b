import { badRequest, type Handlers, notFound } from '@govstack/platform';
import { checkInstructions, type InstructionInput } from '../../batches/instruction-input.ts';
import { handOver } from '../../batches/intake.ts';
import { statusNotice, validationNotice } from '../../batches/notices.ts';
import { batchByClientId, listInstructions } from '../../batches/read.ts';
import { type InstructionState, instructionStates } from '../../batches/states.ts';
import type { Payments } from '../../payments-context.ts';
import { assertSigned } from '../../signatures/verify.ts';
import { programmeFor } from '../../sources/programme.ts';
import { sourceOfCaller } from '../../sources/source.ts';
import { visibleRun } from '../visible-run.ts';
import { assertInstitution, assertSourceId, callbackOf } from './headers.ts';
import { batchTransactions, type g2p, prepaymentValidation } from './operations.ts';
import { bodyReader } from './read-body.ts';
import { takeBatch, toInstructions } from './take-batch.ts';
import { transactionView } from './views.ts';

type BatchHandlers = Pick<
  Handlers<typeof g2p.operations>,
  | 'prepaymentValidation'
  | 'getPrepaymentValidation'
  | 'batchTransactions'
  | 'getBatchStatus'
  | 'getBatchDetails'
>;

export const pointerIn =
  (
    prefix: string,
    names: { readonly clientId: string; readonly amount: string; readonly currency: string },
  ) =>
  (index: number, field: 'amount' | 'currency' | 'clientId' | ''): string =>
    field === '' ? `${prefix}/${index}` : `${prefix}/${index}/${names[field]}`;

/** Where the fields of published transactions stand. */
export const transactionPointer = pointerIn('', {
  clientId: 'requestId',
  amount: 'amount',
  currency: 'currency',
});

const readTransactions = bodyReader(batchTransactions.body);
const readValidation = bodyReader(prepaymentValidation.body);

/** The published bulk messages on the batch domain. */
export function batchHandlers(payments: Payments): BatchHandlers {
  return {
    async prepaymentValidation({ body: received, caller, headers, bytes }) {
      const source = await sourceOfCaller(payments.db, caller.application);
      await assertSigned(payments, source, prepaymentValidation, { caller, headers, bytes });
      const body = readValidation(received);
      assertInstitution(source, headers);
      assertSourceId(source, body.sourceBBID);
      const batch = checkInstructions(
        body.creditInstructions.map(
          (one): InstructionInput => ({
            clientId: one.instructionID,
            payeeIdentity: one.payeeFunctionalID,
            amount: one.amount,
            currency: one.currency,
            narration: one.narration,
            retryOf: undefined,
          }),
        ),
        {
          currencies: payments.currencies,
          most: payments.config.maximumInstructions,
          pointer: pointerIn('/creditInstructions', {
            clientId: 'instructionID',
            amount: 'amount',
            currency: 'currency',
          }),
        },
      );
      await handOver(payments, {
        purpose: 'validation',
        source,
        programme: await programmeFor(payments.db, source.id, headers['x-program-id']),
        clientBatchId: body.batchID,
        requestId: body.requestID,
        batch,
        makerApplication: caller.application,
        makerPerson: undefined,
        callback: callbackOf(source, headers),
        notBefore: undefined,
      });
      return {
        status: 200,
        body: { responseCode: '00', responseDescription: 'Request taken over', requestID: body.requestID },
      };
    },

    async getPrepaymentValidation({ params, caller }) {
      const source = await sourceOfCaller(payments.db, caller.application);
      const batch = await batchByClientId(payments.db, source.id, 'validation', params.batchID);
      const done = batch.state === 'validated';
      const notice = done
        ? await validationNotice(payments.db, batch)
        : {
            requestID: batch.request_id ?? batch.client_batch_id,
            batchID: batch.client_batch_id,
            numberFailedCases: 0,
            failedAccounts: [],
          };
      return { status: 200, body: { ...notice, state: done ? 'validated' : 'validating' } };
    },

    async batchTransactions({ body, caller, person, headers, bytes }) {
      const { id } = await takeBatch(payments, {
        spec: batchTransactions,
        caller,
        person,
        headers,
        bytes,
        batchId: headers['x-correlationid'],
        programmeId: () => headers['x-program-id'],
        read: () => toInstructions(readTransactions(body)),
        pointer: transactionPointer,
      });
      return { status: 202, body: { batchId: id } };
    },

    async getBatchStatus({ query, caller, person }) {
      const batch = await visibleRun(payments, query.batchId, caller, person);
      return { status: 200, body: await statusNotice(payments, payments.db, batch) };
    },

    async getBatchDetails({ query, caller, person }) {
      const batch = await visibleRun(payments, query.batchId, caller, person);
      if (query['X-CorrelationID'] !== undefined && query['X-CorrelationID'] !== batch.client_batch_id)
        throw notFound('Batch');
      // Every payment of a batch leaves; none comes in.
      if (query.direction !== undefined && query.direction.toUpperCase() !== 'OUTGOING')
        return { status: 200, body: [] };
      const size = query.pageSize ?? 100;
      const wanted = query.status?.toLowerCase();
      const state = instructionStates.find((one) => one === wanted);
      if (wanted !== undefined && state === undefined)
        throw badRequest(`status must be one of ${instructionStates.join(', ')}`);
      const rows = await listInstructions(payments.db, batch.id, {
        ...(state === undefined ? {} : { state: state as InstructionState }),
        offset: (query.pageNo ?? 0) * size,
        limit: size,
      });
      return { status: 200, body: rows.map((row) => transactionView(payments, batch, row)) };
    },
  };
}

import { badRequest, type Caller, type Handlers, notFound, type Person } from '@govstack/platform';
import { checkInstructions, type InstructionInput } from '../../batches/instruction-input.ts';
import { handOver } from '../../batches/intake.ts';
import { statusNotice, validationNotice } from '../../batches/notices.ts';
import { type Batch, batchByClientId, listInstructions, readBatch } from '../../batches/read.ts';
import { type InstructionState, instructionStates, isoStatus } from '../../batches/states.ts';
import { formatAmount } from '../../money/amount.ts';
import type { Payments } from '../../payments-context.ts';
import { maySee } from '../../sources/access.ts';
import { programmeFor, readProgramme } from '../../sources/programme.ts';
import { readSource, sourceOfCaller } from '../../sources/source.ts';
import { assertInstitution, assertSourceId, callbackOf } from './headers.ts';
import { makerOf, notBeforeOf, payeeOf } from './instruction.ts';
import type { g2p } from './operations.ts';

type BatchHandlers = Pick<
  Handlers<typeof g2p.operations>,
  | 'prepaymentValidation'
  | 'getPrepaymentValidation'
  | 'batchTransactions'
  | 'getBatchStatus'
  | 'getBatchDetails'
>;

const pointerIn =
  (
    prefix: string,
    names: { readonly clientId: string; readonly amount: string; readonly currency: string },
  ) =>
  (index: number, field: 'amount' | 'currency' | 'clientId' | ''): string =>
    field === '' ? `${prefix}/${index}` : `${prefix}/${index}/${names[field]}`;

/** The published bulk messages on the batch domain. */
export function batchHandlers(payments: Payments): BatchHandlers {
  /** A batch its caller may see; one it may not see looks like one that does not exist. */
  const visible = async (batchId: string, caller: Caller, person: Person | undefined): Promise<Batch> => {
    const batch = await readBatch(payments.db, batchId);
    const source = await readSource(payments.db, batch.source_id);
    const programme =
      batch.programme_id === null
        ? undefined
        : await readProgramme(payments.db, batch.source_id, batch.programme_id);
    const owner = { application: source.application, agency: programme?.agency };
    if (batch.purpose !== 'payment' || !maySee(payments, owner, caller, person)) throw notFound('Batch');
    return batch;
  };

  return {
    async prepaymentValidation({ body, caller, headers }) {
      const source = await sourceOfCaller(payments.db, caller.application);
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

    async batchTransactions({ body, caller, person, headers }) {
      const source = await sourceOfCaller(payments.db, caller.application);
      assertInstitution(source, headers);
      const batch = checkInstructions(
        body.map(
          (one, index): InstructionInput => ({
            clientId: one.requestId,
            payeeIdentity: payeeOf(one.creditParty, index),
            amount: one.amount,
            currency: one.currency,
            narration: one.descriptionText,
            retryOf: one.retryOf,
          }),
        ),
        {
          currencies: payments.currencies,
          most: payments.config.maximumInstructions,
          pointer: pointerIn('', { clientId: 'requestId', amount: 'amount', currency: 'currency' }),
        },
      );
      const { id } = await handOver(payments, {
        purpose: 'payment',
        source,
        programme: await programmeFor(payments.db, source.id, headers['x-program-id']),
        clientBatchId: headers['x-correlationid'],
        requestId: undefined,
        batch,
        makerApplication: caller.application,
        makerPerson: makerOf(headers['x-initiator'], person),
        callback: callbackOf(source, headers),
        notBefore: notBeforeOf(headers['x-not-before'], payments.ctx.now()),
      });
      return { status: 202, body: { batchId: id } };
    },

    async getBatchStatus({ query, caller, person }) {
      const batch = await visible(query.batchId, caller, person);
      return { status: 200, body: await statusNotice(payments, payments.db, batch) };
    },

    async getBatchDetails({ query, caller, person }) {
      const batch = await visible(query.batchId, caller, person);
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
      const exponent = payments.currencies(batch.currency) ?? 2;
      const final: readonly string[] = ['completed', 'failed', 'rejected', 'returned', 'cancelled'];
      return {
        status: 200,
        body: rows.map((row) => ({
          transactionId: row.id,
          requestId: row.client_id,
          startedAt: row.created_at,
          ...(final.includes(row.state) ? { completedAt: row.updated_at } : {}),
          status: row.state,
          statusDetail: isoStatus[row.state],
          ...(row.rail_id === null ? {} : { payeeDfspId: row.rail_id }),
          payeePartyId: payments.vault.open(row.payee_cipher, `instruction/${row.id}`),
          payeePartyIdType: 'functionalId',
          amount: Number(formatAmount(row.amount, exponent)),
          currency: row.currency,
          direction: 'OUTGOING',
          ...(row.reason_code === null ? {} : { errorInformation: row.reason_code }),
          batchId: batch.id,
        })),
      };
    },
  };
}

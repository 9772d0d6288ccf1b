import { badRequest, type Caller, type Person } from '@govstack/platform';
import type { OperationSpec } from '@govstack/platform/operation';
import {
  type CheckedBatch,
  checkInstructions,
  type InstructionInput,
} from '../../batches/instruction-input.ts';
import { handOver } from '../../batches/intake.ts';
import { BadAmount, largestTotal, parseAmount } from '../../money/amount.ts';
import type { Payments } from '../../payments-context.ts';
import { assertSigned } from '../../signatures/verify.ts';
import { programmeFor } from '../../sources/programme.ts';
import { sourceOfCaller } from '../../sources/source.ts';
import { assertInstitution, callbackOf } from './headers.ts';
import { makerOf, notBeforeOf, payeeOf } from './instruction.ts';

type Headers = Readonly<Record<string, string | undefined>>;

export interface WireTransaction {
  readonly requestId: string;
  readonly creditParty: readonly { readonly key: string; readonly value: string }[];
  readonly amount: string | number;
  readonly currency: string;
  readonly descriptionText?: string;
  readonly retryOf?: string;
}

/** Published transactions as instructions. */
export const toInstructions = (transactions: readonly WireTransaction[]): InstructionInput[] =>
  transactions.map((one, index) => ({
    clientId: one.requestId,
    payeeIdentity: payeeOf(one.creditParty, index),
    amount: one.amount,
    currency: one.currency,
    narration: one.descriptionText,
    retryOf: one.retryOf,
  }));

/** What a source declares of a batch must be what came, or nothing happens. */
function assertDeclared(payments: Payments, headers: Headers, batch: CheckedBatch): void {
  const { 'x-batch-count': count, 'x-batch-total': total } = headers;
  const fault = (pointer: string, detail: string) =>
    badRequest('The batch is not the one that was declared', [{ in: 'header', pointer, detail }]);
  if (count !== undefined && Number(count) !== batch.instructions.length)
    throw fault('/x-batch-count', `says ${count}; ${batch.instructions.length} instructions came`);
  if (total === undefined) return;
  try {
    if (parseAmount(total, payments.currencies(batch.currency) ?? 2, largestTotal) !== batch.total)
      throw fault(
        '/x-batch-total',
        `is not the sum of the ${batch.instructions.length} instructions that came`,
      );
  } catch (error) {
    if (error instanceof BadAmount) throw fault('/x-batch-total', error.message);
    throw error;
  }
}

export interface BatchMessage {
  readonly spec: OperationSpec;
  readonly headers: Headers;
  readonly bytes: Uint8Array | undefined;
  readonly caller: Caller;
  readonly person: Person | undefined;
  /** The source's id of the batch. */
  readonly batchId: string;
  /** Reads the instructions; only when the signature is right. */
  readonly read: () => readonly InstructionInput[] | Promise<readonly InstructionInput[]>;
  /** Asked when the instructions are read. */
  readonly programmeId: () => string | undefined;
  /** Where instruction n stands in the request. */
  readonly pointer: (index: number, field: 'amount' | 'currency' | 'clientId' | '') => string;
}

/** Takes a batch of payments of the calling source over, whatever the dialect. Durable when it returns. */
export async function takeBatch(
  payments: Payments,
  message: BatchMessage,
): Promise<{ readonly id: string; readonly repeated: boolean }> {
  const { headers, caller, bytes } = message;
  const source = await sourceOfCaller(payments.db, caller.application);
  await assertSigned(payments, source, message.spec, { caller, headers, bytes });
  assertInstitution(source, headers);
  const batch = checkInstructions(await message.read(), {
    currencies: payments.currencies,
    most: payments.config.maximumInstructions,
    pointer: message.pointer,
  });
  assertDeclared(payments, headers, batch);
  return handOver(payments, {
    purpose: 'payment',
    source,
    programme: await programmeFor(payments.db, source.id, message.programmeId()),
    clientBatchId: message.batchId,
    requestId: undefined,
    batch,
    makerApplication: caller.application,
    makerPerson: makerOf(headers['x-initiator'], message.person),
    callback: callbackOf(source, headers),
    notBefore: notBeforeOf(headers['x-not-before'], payments.ctx.now()),
  });
}

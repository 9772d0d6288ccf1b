import { badRequest, type ProblemDetail } from '@govstack/platform';
import { BadAmount, largestTotal, parseAmount } from '../money/amount.ts';
import type { CurrencyTable } from '../money/currency.ts';

/** One credit instruction as a source hands it over, whatever the dialect. */
export interface InstructionInput {
  /** The source's own id of the payment, unique for ever. */
  readonly clientId: string;
  readonly payeeIdentity: string;
  readonly amount: string | number;
  readonly currency: string;
  readonly narration: string | undefined;
  /** The source's id of a failed instruction that this one pays anew. */
  readonly retryOf: string | undefined;
}

export interface CheckedInstruction extends Omit<InstructionInput, 'amount'> {
  /** Minor units. */
  readonly amount: bigint;
}

export interface CheckedBatch {
  readonly currency: string;
  readonly instructions: readonly CheckedInstruction[];
  readonly total: bigint;
}

const mostErrors = 100;

const duplicatesOf = (
  instructions: readonly CheckedInstruction[],
  key: (instruction: CheckedInstruction) => string,
): [first: number, repeat: number][] => {
  const seen = new Map<string, number>();
  const pairs: [number, number][] = [];
  for (const [index, instruction] of instructions.entries()) {
    const first = seen.get(key(instruction));
    if (first === undefined) seen.set(key(instruction), index);
    else pairs.push([first, index]);
  }
  return pairs;
};

/**
 * Checks form and completeness of a whole batch before anything is stored (PAY-5.3.1-g): exact amounts in the
 * currency's decimals, one known currency, unique ids, and no payment twice (PAY-5.3.4-d). `pointer` tells where
 * instruction n stands in the request. Throws a 400 that names each faulty row.
 */
export function checkInstructions(
  inputs: readonly InstructionInput[],
  options: {
    readonly currencies: CurrencyTable;
    readonly most: number;
    readonly pointer: (index: number, field: 'amount' | 'currency' | 'clientId' | '') => string;
  },
): CheckedBatch {
  const errors: ProblemDetail[] = [];
  const fault = (index: number, field: 'amount' | 'currency' | 'clientId' | '', detail: string): void => {
    if (errors.length < mostErrors)
      errors.push({ in: 'body', pointer: options.pointer(index, field), detail });
  };
  if (inputs.length === 0) throw badRequest('A batch has at least one instruction');
  if (inputs.length > options.most)
    throw badRequest(`A batch has at most ${options.most} instructions; hand over several batches`);
  const currency = inputs[0]?.currency ?? '';
  const exponent = options.currencies(currency);
  if (exponent === undefined)
    throw badRequest('The request is not valid', [
      { in: 'body', pointer: options.pointer(0, 'currency'), detail: 'is not a known currency' },
    ]);
  const instructions: CheckedInstruction[] = [];
  for (const [index, input] of inputs.entries()) {
    if (input.currency !== currency)
      fault(index, 'currency', `differs from the first instruction's; hand over one batch per currency`);
    try {
      instructions.push({ ...input, amount: parseAmount(input.amount, exponent) });
    } catch (error) {
      if (!(error instanceof BadAmount)) throw error;
      fault(index, 'amount', error.message);
    }
  }
  if (errors.length > 0) throw badRequest('The request is not valid', errors);
  for (const [first, repeat] of duplicatesOf(instructions, (one) => one.clientId))
    fault(repeat, 'clientId', `repeats the id of row ${first}`);
  for (const [first, repeat] of duplicatesOf(instructions, (one) => `${one.payeeIdentity}\0${one.amount}`))
    fault(repeat, '', `is a duplicate payment: same payee and amount as row ${first}`);
  if (errors.length > 0) throw badRequest('The batch contains duplicates and is not processed', errors);
  const total = instructions.reduce((sum, one) => sum + one.amount, 0n);
  if (total > largestTotal) throw badRequest('The sum of the batch is larger than any taken here');
  return { currency, instructions, total };
}

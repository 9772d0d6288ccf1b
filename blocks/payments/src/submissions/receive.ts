import {
  badRequest,
  currentContext,
  newContext,
  newId,
  Problem,
  type ProblemDetail,
  transaction,
} from '@govstack/platform';
import { sql } from 'kysely';
import type { InstructionInput } from '../batches/instruction-input.ts';
import { assertLimits } from '../batches/limits.ts';
import type { CallbackTarget } from '../callbacks/target.ts';
import { BadAmount, largestTotal, parseAmount } from '../money/amount.ts';
import type { Payments } from '../payments-context.ts';
import type { Programme } from '../sources/programme.ts';
import type { Source } from '../sources/source.ts';
import type { Db } from '../tables.ts';
import { createStage, type Stage } from './stage.ts';
import { type Content, takeOver } from './take-over.ts';

export interface SubmissionRequest {
  readonly source: Source;
  readonly programme: Programme;
  /** The source's own id: the same id is the same submission for ever. */
  readonly clientId: string;
  readonly makerApplication: string;
  readonly makerPerson: string | undefined;
  readonly callback: CallbackTarget | undefined;
  readonly notBefore: Date | undefined;
  /** What the source says it sends; it must be what comes. */
  readonly declared: { readonly count: number | undefined; readonly total: string | undefined };
}

/** A row as it was read: an instruction, or what is wrong with it. */
export type ReadRow = InstructionInput | { readonly faults: readonly ProblemDetail[] };

const mostNamed = 100;

/** Gathers what is wrong: everything is counted, the first hundred are named. */
class Faults {
  readonly named: ProblemDetail[] = [];
  rows = 0;
  add(faults: readonly ProblemDetail[]): void {
    this.rows += 1;
    this.named.push(...faults.slice(0, mostNamed - this.named.length));
  }
}

async function stageRows(
  payments: Payments,
  request: SubmissionRequest,
  stage: Stage,
  rows: AsyncIterable<readonly ReadRow[]>,
): Promise<void> {
  const { programme } = request;
  const exponent = payments.currencies(programme.currency) ?? 2;
  const each = programme.maximum_instruction_amount;
  const most = each === null ? undefined : BigInt(each);
  const faults = new Faults();
  let index = -1;
  const at = (field: string, detail: string): ProblemDetail => ({
    in: 'body',
    pointer: `/${index}/${field}`,
    detail,
  });
  /** What is wrong with a row; one without fault goes to the stage. */
  const faultsOf = (row: ReadRow): readonly ProblemDetail[] => {
    if ('faults' in row) return row.faults;
    if (row.currency !== programme.currency)
      return [at('currency', `The programme pays in ${programme.currency}`)];
    try {
      const amount = parseAmount(row.amount, exponent);
      if (most !== undefined && amount > most)
        return [at('amount', 'is above the programme’s limit for one instruction')];
      // After the first fault the rest is only looked at.
      if (faults.rows === 0) stage.add({ ...row, amount });
      return [];
    } catch (error) {
      if (!(error instanceof BadAmount)) throw error;
      return [at('amount', error.message)];
    }
  };
  const check = (row: ReadRow): void => {
    index += 1;
    if (index >= payments.config.maximumSubmission)
      throw new Problem(413, `A submission has at most ${payments.config.maximumSubmission} instructions`);
    const wrong = faultsOf(row);
    if (wrong.length > 0) faults.add(wrong);
  };
  for await (const some of rows) {
    for (const row of some) check(row);
    await stage.flush();
  }
  if (faults.rows > 0)
    throw badRequest(
      `${faults.rows} of ${index + 1} instructions are not valid; nothing was taken over`,
      faults.named,
    );
  await stage.flush(true);
}

function assertContent(payments: Payments, request: SubmissionRequest, stage: Stage): void {
  const { declared, programme } = request;
  if (stage.count === 0) throw badRequest('A submission has at least one instruction');
  if (stage.total > largestTotal) throw badRequest('The sum of the submission is larger than any taken here');
  if (declared.count !== undefined && declared.count !== stage.count)
    throw badRequest(`${stage.count} instructions came, not the ${declared.count} declared`);
  if (declared.total !== undefined) {
    const exponent = payments.currencies(programme.currency) ?? 2;
    let total: bigint | undefined;
    try {
      total = parseAmount(declared.total, exponent, largestTotal);
    } catch (error) {
      if (!(error instanceof BadAmount)) throw error;
    }
    if (total !== stage.total) throw badRequest('The sum of the instructions is not the one declared');
  }
  assertLimits(payments, programme, { currency: programme.currency, instructions: [], total: stage.total });
}

/** Forgets a submission that was not taken over, with all that was staged of it. */
export async function discard(db: Db, id: string): Promise<void> {
  await transaction(db, async (trx) => {
    const { rows } = await sql`
      select from submission where id = ${id} and state = 'receiving' for update`.execute(trx);
    if (rows.length === 0) return;
    await sql`delete from submission_row where submission_id = ${id}`.execute(trx);
    await sql`delete from submission where id = ${id}`.execute(trx);
  });
}

/**
 * Takes a submission over as it comes, in memory that does not grow with it (PAY-5.3.4-a). Durable when it returns: all
 * of it, or, when anything is wrong with any row, nothing. The source's id makes it safe to repeat, also at the same
 * moment at several nodes: the same content answers the same submission, other content is refused with 409.
 * Throws 400 with the rows that are not valid, 413 above the absolute limit, 503 when too much waits already.
 */
export async function receiveSubmission(
  payments: Payments,
  request: SubmissionRequest,
  rows: AsyncIterable<readonly ReadRow[]>,
): Promise<{ id: string; repeated: boolean }> {
  const { source, programme } = request;
  const id = newId();
  await payments.db
    .insertInto('submission')
    .values({
      id,
      source_id: source.id,
      programme_id: programme.id,
      client_id: request.clientId,
      state: 'receiving',
      request_hash: null,
      currency: null,
      instruction_count: null,
      total_amount: null,
      part_size: null,
      maker_application: request.makerApplication,
      maker_person: request.makerPerson ?? null,
      not_before: request.notBefore ?? null,
      callback_target: request.callback ? JSON.stringify(request.callback) : null,
      correlation_id: (currentContext() ?? newContext()).correlationId,
    })
    .execute();
  try {
    const scope = JSON.stringify([programme.id, request.notBefore?.toISOString()]);
    const stage = createStage(payments, id, source.id, scope);
    await stageRows(payments, request, stage, rows);
    assertContent(payments, request, stage);
    const content: Content = { count: stage.count, total: stage.total, hash: stage.hash() };
    const taken = await takeOver(payments, id, request, content);
    if (taken.id !== id) await discard(payments.db, id);
    payments.wake();
    return taken;
  } catch (error) {
    await discard(payments.db, id).catch((failure: unknown) =>
      payments.ctx.log.warn({ err: failure, submission: id }, 'a refused submission is cleared away later'),
    );
    throw error;
  }
}

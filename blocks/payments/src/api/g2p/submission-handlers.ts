import {
  badRequest,
  compileValidator,
  type Handlers,
  notFound,
  Problem,
  type ProblemDetail,
} from '@govstack/platform';
import type { Static } from '@govstack/platform/operation';
import { formatAmount } from '../../money/amount.ts';
import type { Payments } from '../../payments-context.ts';
import { assertSigned, signedBody } from '../../signatures/verify.ts';
import { maySee } from '../../sources/access.ts';
import { programmeFor, readProgramme } from '../../sources/programme.ts';
import { readSource, sourceOfCaller } from '../../sources/source.ts';
import { partsOf, readSubmission } from '../../submissions/read.ts';
import { readCsv } from '../../submissions/read-csv.ts';
import { readJsonArray, readJsonLines } from '../../submissions/read-json.ts';
import { type ReadRow, receiveSubmission } from '../../submissions/receive.ts';
import { assertInstitution, callbackOf } from './headers.ts';
import { makerOf, notBeforeOf, payeeOf } from './instruction.ts';
import { type g2p, SingleTransaction, submitInstructions } from './operations.ts';

type SubmissionHandlers = Pick<Handlers<typeof g2p.operations>, 'submitInstructions' | 'getSubmission'>;

const defectsOf = compileValidator(SingleTransaction, 'body', false);
const readers = {
  'application/json': readJsonArray,
  'application/x-ndjson': readJsonLines,
  'text/csv': readCsv,
} as const;
const pageSize = 1000;

const hasNul = (texts: readonly (string | undefined)[]): boolean =>
  texts.some((text) => text?.includes('\0'));

function readRow(row: unknown, index: number): ReadRow {
  const at = (detail: ProblemDetail): ProblemDetail => ({ ...detail, pointer: `/${index}${detail.pointer}` });
  const defects = defectsOf(row);
  if (defects) return { faults: defects.map(at) };
  const one = row as Static<typeof SingleTransaction>;
  if (one.retryOf !== undefined)
    return {
      faults: [{ in: 'body', pointer: `/${index}/retryOf`, detail: 'belongs in a batch of its own' }],
    };
  try {
    const payeeIdentity = payeeOf(one.creditParty, index);
    if (hasNul([one.requestId, payeeIdentity, one.descriptionText]))
      return {
        faults: [{ in: 'body', pointer: `/${index}`, detail: 'must not contain the character U+0000' }],
      };
    return {
      clientId: one.requestId,
      payeeIdentity,
      amount: one.amount,
      currency: one.currency,
      narration: one.descriptionText,
      retryOf: undefined,
    };
  } catch (error) {
    if (error instanceof Problem && error.errors) return { faults: error.errors };
    throw error;
  }
}

async function* readRows(pieces: AsyncIterable<readonly unknown[]>): AsyncGenerator<ReadRow[]> {
  let index = 0;
  for await (const piece of pieces) {
    const from = index;
    index += piece.length;
    yield piece.map((row, offset) => readRow(row, from + offset));
  }
}

/** Submissions larger than a batch. */
export function submissionHandlers(payments: Payments): SubmissionHandlers {
  const { db } = payments;
  return {
    async submitInstructions({ body, caller, person, headers }) {
      const source = await sourceOfCaller(db, caller.application);
      const signedHash = await assertSigned(payments, source, submitInstructions, { caller, headers });
      assertInstitution(source, headers);
      const programme = await programmeFor(db, source.id, headers['x-program-id']);
      const type = headers['content-type']?.split(';')[0]?.trim();
      const read = readers[type as keyof typeof readers];
      if (!read || !programme) throw badRequest('A submission has instructions and a programme');
      const { id } = await receiveSubmission(
        payments,
        {
          source,
          programme,
          clientId: headers['x-correlationid'],
          makerApplication: caller.application,
          makerPerson: makerOf(headers['x-initiator'], person),
          callback: callbackOf(source, headers),
          notBefore: notBeforeOf(headers['x-not-before'], payments.ctx.now()),
          declared: {
            count: headers['x-batch-count'] === undefined ? undefined : Number(headers['x-batch-count']),
            total: headers['x-batch-total'],
          },
        },
        readRows(read(signedBody(body, signedHash))),
      );
      return { status: 202, body: { submissionId: id } };
    },

    async getSubmission({ params, query, caller, person }) {
      const submission = await readSubmission(db, params.submissionId);
      const source = await readSource(db, submission.source_id);
      const programme = await readProgramme(db, submission.source_id, submission.programme_id);
      const owner = { application: source.application, agency: programme.agency };
      if (!maySee(payments, owner, caller, person)) throw notFound('Submission');
      const exponent = payments.currencies(programme.currency) ?? 2;
      const rows = await partsOf(db, submission.id, query.after ?? 0, pageSize + 1);
      return {
        status: 200,
        body: {
          submissionId: submission.id,
          correlationId: submission.client_id,
          state: submission.state === 'split' ? 'split' : 'received',
          currency: programme.currency,
          instructionCount: submission.instruction_count ?? 0,
          totalAmount: formatAmount(submission.total_amount ?? '0', exponent),
          batches: rows.slice(0, pageSize).map((row) => ({
            batchId: row.id,
            part: (row.part ?? 0) + 1,
            state: row.state,
            instructionCount: row.instruction_count,
            totalAmount: formatAmount(row.total_amount, exponent),
          })),
          more: rows.length > pageSize,
        },
      };
    },
  };
}

import { badRequest, conflict, type ProblemDetail, transaction } from '@govstack/platform';
import { sql } from 'kysely';
import { lockIds } from '../batches/used-ids.ts';
import type { Payments } from '../payments-context.ts';
import type { Trx } from '../tables.ts';
import type { SubmissionRequest } from './receive.ts';

export interface Content {
  readonly count: number;
  readonly total: bigint;
  readonly hash: string;
}

const mostNamed = 100;

/** Rows that repeat an id, or pay the same payee the same amount, anywhere in the submission (PAY-5.3.4-d). */
async function assertNoDuplicates(trx: Trx, id: string): Promise<void> {
  const repeats = async (
    key: 'client_id' | 'payee_token, amount',
    told: (first: number) => ProblemDetail['detail'],
  ) => {
    const { rows } = await sql<{ positions: number[]; groups: string }>`
      select array_agg(position order by position) as positions, count(*) over () as groups
      from submission_row
      where submission_id = ${id}
      group by ${sql.raw(key)}
      having count(*) > 1
      limit ${mostNamed}`.execute(trx);
    const errors = rows.flatMap(({ positions: [first = 0, ...rest] }) =>
      rest.map((position): ProblemDetail => ({ in: 'body', pointer: `/${position}`, detail: told(first) })),
    );
    if (errors.length > 0)
      throw badRequest(
        `The submission contains ${rows[0]?.groups} duplicates and is not processed`,
        errors.slice(0, mostNamed),
      );
  };
  await repeats('client_id', (first) => `repeats the id of row ${first}`);
  await repeats(
    'payee_token, amount',
    (first) => `is a duplicate payment: same payee and amount as row ${first}`,
  );
}

/** Ids that an earlier batch has, or a submission that is not split yet. */
async function assertUnusedIds(trx: Trx, id: string, sourceId: string): Promise<void> {
  const { rows } = await sql<{ client_id: string }>`
    (
      select r.client_id
      from submission_row r
      join instruction i on i.source_id = ${sourceId} and i.client_id = r.client_id and i.purpose = 'payment'
      where r.submission_id = ${id}
      limit 10
    )
    union all
    (
      select r.client_id
      from submission s
      join submission_row o on o.submission_id = s.id
      join submission_row r on r.client_id = o.client_id
      where s.source_id = ${sourceId} and s.state = 'received' and r.submission_id = ${id}
      limit 10
    )`.execute(trx);
  if (rows.length > 0)
    throw conflict(
      `Instruction ids are used once; these were used before: ${rows.map((row) => row.client_id).join(', ')}`,
    );
}

async function takenBefore(trx: Trx, request: SubmissionRequest, hash: string): Promise<string | undefined> {
  const known = await trx
    .selectFrom('submission')
    .select(['id', 'request_hash'])
    .where('source_id', '=', request.source.id)
    .where('client_id', '=', request.clientId)
    .where('state', '<>', 'receiving')
    .executeTakeFirst();
  if (!known) return undefined;
  if (known.request_hash !== hash)
    throw conflict('A submission with this id and other content was handed over before');
  return known.id;
}

/**
 * Makes a staged submission the source's: checked as a whole, and unless another with its id came first. Answers the id
 * of the one that counts.
 */
export async function takeOver(
  payments: Payments,
  id: string,
  request: SubmissionRequest,
  content: Content,
): Promise<{ id: string; repeated: boolean }> {
  const { source } = request;
  return transaction(payments.db, async (trx) => {
    await sql`set local work_mem = '64MB'`.execute(trx);
    await lockIds(trx, source.id, 'alone');
    const known = await takenBefore(trx, request, content.hash);
    if (known !== undefined) return { id: known, repeated: true };
    await assertNoDuplicates(trx, id);
    await assertUnusedIds(trx, id, source.id);
    const { numAffectedRows = 0n } = await sql`
      update submission
      set state = 'received',
          request_hash = ${content.hash},
          currency = ${request.programme.currency},
          instruction_count = ${content.count},
          total_amount = ${content.total.toString()},
          part_size = ${payments.config.maximumInstructions},
          touched_at = now()
      where id = ${id} and state = 'receiving'`.execute(trx);
    if (numAffectedRows === 0n) throw conflict('This submission was given up; send it again');
    return { id, repeated: false };
  });
}

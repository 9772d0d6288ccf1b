import { createHash, type Hash } from 'node:crypto';
import { once } from 'node:events';
import { newId, Problem } from '@govstack/platform';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { CheckedInstruction } from '../batches/instruction-input.ts';
import type { Payments } from '../payments-context.ts';

const chunkSize = 10_000;

const waitAWhile = (detail: string): Problem =>
  new Problem(503, detail, { headers: { 'retry-after': '30' } });

const cell = (text: string | undefined): string =>
  text === undefined
    ? '\\N'
    : text.replaceAll(
        /[\\\t\n\r]/g,
        (one) => ({ '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' })[one] as string,
      );

/** Where the rows of one submission are kept until all of them have come. */
export interface Stage {
  add(instruction: CheckedInstruction): void;
  /** Writes down what has gathered, if it is enough to be worth it. */
  flush(all?: boolean): Promise<void>;
  readonly count: number;
  readonly total: bigint;
  /** Over all content in its order, whatever form it came in. */
  hash(): string;
}

async function copyRows(payments: Payments, submissionId: string, lines: readonly string[]): Promise<void> {
  const client: pg.PoolClient = await payments.ctx.pool.connect();
  try {
    await client.query('begin');
    const { rowCount } = await client.query(
      `update submission set staged_count = staged_count + $2, touched_at = now()
       where id = $1 and state = 'receiving'`,
      [submissionId, lines.length],
    );
    if (rowCount === 0) throw waitAWhile('This submission came too slowly and was given up; send it again');
    const stream = client.query(
      copyFrom(
        'copy submission_row (submission_id, position, id, client_id, payee_token, payee_cipher, amount, narration) from stdin',
      ),
    );
    const finished = once(stream, 'finish');
    stream.end(lines.join(''));
    await finished;
    const { rows } = await client.query<{ staged: string }>(
      `select coalesce(sum(staged_count), 0) as staged from submission where state <> 'split'`,
    );
    if (Number(rows[0]?.staged) > payments.config.maximumStaged)
      throw waitAWhile('Too many instructions are waiting already; send the submission again later');
    await client.query('commit');
    client.release();
  } catch (error) {
    const broken = await client.query('rollback').then(
      () => undefined,
      (cause: Error) => cause,
    );
    client.release(broken);
    throw error;
  }
}

/** A stage for a submission. Each chunk is a short transaction of its own, so nothing waits while more comes. */
export function createStage(
  payments: Payments,
  submissionId: string,
  sourceId: string,
  scope: string,
): Stage {
  const { vault } = payments;
  const content: Hash = createHash('sha256').update(scope);
  let lines: string[] = [];
  let texts: string[] = [];
  let count = 0;
  let total = 0n;
  return {
    add(one) {
      const id = newId();
      texts.push(
        JSON.stringify([one.clientId, one.payeeIdentity, one.amount.toString(), one.currency, one.narration]),
      );
      lines.push(
        `${submissionId}\t${count}\t${id}\t${cell(one.clientId)}\t\\\\x${vault.token(one.payeeIdentity, `payee/${sourceId}`).toString('hex')}\t\\\\x${vault.seal(one.payeeIdentity, `instruction/${id}`).toString('hex')}\t${one.amount}\t${cell(one.narration)}\n`,
      );
      count += 1;
      total += one.amount;
      if (texts.length === 500) {
        content.update(texts.join(''));
        texts = [];
      }
    },
    async flush(all = false) {
      if (lines.length === 0 || (lines.length < chunkSize && !all)) return;
      const written = lines;
      lines = [];
      await copyRows(payments, submissionId, written);
    },
    get count() {
      return count;
    },
    get total() {
      return total;
    },
    hash() {
      content.update(texts.join(''));
      texts = [];
      return content.copy().digest('hex');
    },
  };
}

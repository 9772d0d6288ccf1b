import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { type Kysely, sql, type Transaction } from 'kysely';
import { transaction } from '../database/index.ts';
import { Problem } from '../operation/problem.ts';

export interface IdempotencyKey {
  /** Who and what the key belongs to: caller application, person and operation. */
  readonly scope: string;
  readonly key: string | undefined;
  /** The request content; a repeat with other content is refused. */
  readonly request: unknown;
}

const fingerprint = (request: unknown): string =>
  createHash('sha256')
    .update(canonicalize(request === undefined ? null : JSON.parse(JSON.stringify(request))) ?? '')
    .digest('hex');

/**
 * Runs `work` in a transaction, once per key: a repeat (also a concurrent one) gets the stored answer and changes
 * nothing; a repeat with other content is refused with 422. A failed attempt leaves no trace, so it can be retried.
 * Without a key the work simply runs in a transaction.
 */
export async function once<DB, R extends { readonly status: number; readonly body?: unknown }>(
  db: Kysely<DB>,
  id: IdempotencyKey,
  work: (trx: Transaction<DB>) => Promise<R>,
): Promise<R> {
  if (id.key === undefined) return transaction(db, work);
  const content = fingerprint(id.request);
  return transaction(db, async (trx) => {
    const inserted = await sql`
      insert into platform.idempotency (scope, key, fingerprint)
      values (${id.scope}, ${id.key}, ${content})
      on conflict on constraint idempotency_pkey do nothing`.execute(trx);
    if (inserted.numAffectedRows === 1n) {
      const result = await work(trx);
      await sql`
        update platform.idempotency
        set status = ${result.status}, body = ${JSON.stringify(result.body ?? null)}::jsonb
        where scope = ${id.scope} and key = ${id.key}`.execute(trx);
      return result;
    }
    const stored = await sql<{ fingerprint: string; status: number; body: unknown }>`
      select fingerprint, status, body
      from platform.idempotency
      where scope = ${id.scope} and key = ${id.key}`.execute(trx);
    const row = stored.rows[0];
    if (!row) throw new Problem(409, 'The same request is being processed');
    if (row.fingerprint !== content) {
      throw new Problem(422, 'This Idempotency-Key was used before with other content');
    }
    return { status: row.status, body: row.body ?? undefined } as unknown as R;
  });
}

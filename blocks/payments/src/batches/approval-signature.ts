import { createHash } from 'node:crypto';
import { currentContext, notFound } from '@govstack/platform';
import { decodeJwt } from 'jose';
import { signStatement } from '../callbacks/signing.ts';
import type { Payments } from '../payments-context.ts';
import type { Db, Trx } from '../tables.ts';
import type { Decision } from './approval.ts';

/** Claims that say who signed in, how and when; nothing else of the token is kept in clear. */
const keptClaims = ['iss', 'sub', 'aud', 'iat', 'exp', 'jti', 'acr', 'client_id', 'roles', 'agency'] as const;

export interface DecisionSignature {
  readonly tokenHash: string;
  readonly token: string;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly signature: string;
}

/**
 * Binds a person to a decision (PAY-5.3.4-e, PAY-6.14-d): the access token they came with, which the identity provider
 * has signed and the platform verified for this call, and this block's signature over its hash together with run, content
 * and exchange. The request itself, token and content hash in it, is signed in the mediator's log.
 */
export async function signDecision(
  payments: Payments,
  decision: Decision,
  kind: 'approved' | 'rejected',
): Promise<DecisionSignature | undefined> {
  const token = currentContext()?.authorization?.replace(/^Bearer /, '');
  if (token === undefined) return undefined;
  const all = decodeJwt(token) as Record<string, unknown>;
  const claims = Object.fromEntries(keptClaims.flatMap((name) => (name in all ? [[name, all[name]]] : [])));
  const tokenHash = createHash('sha256').update(token).digest('hex');
  const statement = {
    batchId: decision.batchId,
    decision: kind,
    contentHash: decision.contentHash,
    person: decision.person.id,
    agency: decision.person.agency,
    application: decision.caller.application,
    exchangeId: decision.caller.exchangeId,
    tokenHash,
    at: payments.ctx.now().toISOString(),
  };
  const signature = await signStatement(payments, 'decisions', JSON.stringify(statement));
  return { tokenHash, token, claims, signature };
}

/** Keeps the signature with the decision, in its transaction. */
export async function keepSignature(
  payments: Payments,
  trx: Trx,
  batchId: string,
  signed: DecisionSignature | undefined,
): Promise<void> {
  if (!signed) return;
  await trx
    .insertInto('approval_signature')
    .values({
      batch_id: batchId,
      token_hash: signed.tokenHash,
      token_cipher: payments.vault.seal(signed.token, `approval-token/${batchId}`),
      claims: JSON.stringify(signed.claims),
      signature: signed.signature,
    })
    .execute();
}

export async function readSignature(db: Db, batchId: string) {
  const row = await db
    .selectFrom('approval_signature')
    .select(['token_hash', 'claims', 'signature', 'at'])
    .where('batch_id', '=', batchId)
    .executeTakeFirst();
  if (!row) throw notFound('Signature of a person');
  return row;
}

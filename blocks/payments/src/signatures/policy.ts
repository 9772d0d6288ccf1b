import { badRequest } from '@govstack/platform';
import { importJWK, type JWK } from 'jose';
import { audit } from '../audit/audit.ts';
import type { Db, Trx } from '../tables.ts';

export const algorithms = ['ES256', 'ES384', 'EdDSA', 'PS256', 'RS256'] as const;

export interface SigningPolicy {
  /** Whether requests of the source that change something are refused without a signature. */
  readonly required: boolean;
  /** Public keys with which it may sign; two of them while one replaces the other. */
  readonly keys: readonly JWK[];
}

const none: SigningPolicy = { required: false, keys: [] };

async function assertUsable(key: JWK): Promise<void> {
  if (key.kty === 'oct' || 'd' in key || 'k' in key) throw badRequest('keys must be public keys');
  if (!algorithms.some((one) => one === key.alg))
    throw badRequest(`keys must each name their alg: ${algorithms.join(', ')}`);
  await importJWK(key).catch(() => {
    throw badRequest('keys must be usable JSON Web Keys');
  });
}

/** Sets with which keys a source signs and whether it must. Repeating the same changes nothing. */
export async function putSigningPolicy(
  trx: Trx,
  sourceId: string,
  policy: SigningPolicy,
  actor: string,
): Promise<void> {
  if (policy.required && policy.keys.length === 0)
    throw badRequest('A source that must sign needs a key to do so');
  for (const key of policy.keys) await assertUsable(key);
  const values = { required: policy.required, keys: JSON.stringify(policy.keys) };
  await trx
    .insertInto('request_signing')
    .values({ source_id: sourceId, ...values })
    .onConflict((clash) => clash.column('source_id').doUpdateSet({ ...values, updated_at: new Date() }))
    .execute();
  await audit(trx, {
    component: 'settings',
    action: 'put',
    subject: `request-signing/${sourceId}`,
    actor,
    detail: policy,
  });
}

export async function readSigningPolicy(db: Db | Trx, sourceId: string): Promise<SigningPolicy> {
  const row = await db
    .selectFrom('request_signing')
    .select(['required', 'keys'])
    .where('source_id', '=', sourceId)
    .executeTakeFirst();
  return row ?? none;
}

import { createHash } from 'node:crypto';
import { type Caller, Problem } from '@govstack/platform';
import type { OperationSpec } from '@govstack/platform/operation';
import { flattenedVerify, importJWK, type JWK } from 'jose';
import type { Payments } from '../payments-context.ts';
import type { Source } from '../sources/source.ts';
import { algorithms, readSigningPolicy } from './policy.ts';

/** Spellings of the header with the detached JWS over the bytes of the body. */
const spellings = ['x-jws-signature', 'x-signature'] as const;

/** Headers that change what a request does: those that come with it must be part of what is signed. */
const covered = [
  'x-correlationid',
  'x-client-correlation-id',
  'x-program-id',
  'x-registering-institution-id',
  'registeringinstitutionid',
  'x-callback-url',
  'x-callbackurl',
  'x-callback_url',
  'x-initiator',
  'x-not-before',
  'x-batch-count',
  'x-batch-total',
] as const;

/** How far the clock of a source may be away from ours, and how long a signature is good. */
const validSeconds = 300;

interface Protected {
  readonly iat?: unknown;
  readonly jti?: unknown;
  readonly htm?: unknown;
  readonly htu?: unknown;
  readonly headers?: unknown;
}

const refused = (detail: string): Problem =>
  new Problem(401, detail, { headers: { 'www-authenticate': 'JWS' } });

interface SignedInput {
  readonly headers: object;
  readonly bytes: Uint8Array | undefined;
  readonly caller: Caller;
}

type Headers = Readonly<Record<string, string | undefined>>;

/** The registered key that made a signature, with what it protects. */
async function opened(keys: readonly JWK[], jws: { protected: string; signature: string }, payload: string) {
  for (const key of keys) {
    try {
      const { protectedHeader } = await flattenedVerify({ ...jws, payload }, await importJWK(key, key.alg), {
        algorithms: [key.alg ?? algorithms[0]],
      });
      return { key, header: protectedHeader as Protected };
    } catch {
      // The next key may be the one.
    }
  }
  throw refused('The signature of the request is not valid');
}

/** What must stand in the protected header beside the algorithm for the signature to be about this request, now. */
function assertAbout(spec: OperationSpec, header: Protected, headers: Headers, now: Date): string {
  const { iat, jti, htm, htu } = header;
  if (typeof iat !== 'number' || Math.abs(now.getTime() / 1000 - iat) > validSeconds)
    throw refused('The signature of the request is too old, or its iat is missing');
  if (typeof jti !== 'string' || jti === '' || jti.length > 100)
    throw refused('The signature of the request has no jti');
  if (htm !== spec.method || htu !== spec.path)
    throw refused('The signature was made for another operation: htm and htu must name this one');
  const signed = (typeof header.headers === 'object' ? header.headers : null) as Headers | null;
  for (const name of covered) {
    if (headers[name] !== undefined && signed?.[name] !== headers[name])
      throw refused(`The signature does not cover ${name} as it came`);
  }
  return jti;
}

/**
 * Checks the signature of a request that changes something, before anything is done (PAY-6.14-b, PAY-6.14-f). Which
 * keys a source has and whether it must sign is the treasury's to say. A signature is over the bytes of the body; its
 * protected header names the operation (htm, htu), the headers that matter, the moment (iat) and itself (jti), and is
 * good once, for five minutes. What was signed is kept (PAY-6.14-d). Throws 401.
 */
export async function assertSigned(
  payments: Payments,
  source: Source,
  spec: OperationSpec,
  { headers: received, bytes = new Uint8Array(), caller }: SignedInput,
): Promise<void> {
  const policy = await readSigningPolicy(payments.db, source.id);
  if (policy.keys.length === 0) return;
  const headers = received as Headers;
  const text = spellings.map((name) => headers[name]).find((value) => value !== undefined);
  if (text === undefined) {
    if (policy.required) throw refused('Requests of this source must be signed (X-JWS-Signature)');
    return;
  }
  const [protectedHeader = '', detached, signature = '', ...more] = text.split('.');
  if (detached !== '' || more.length > 0) throw refused('X-JWS-Signature is not a detached JWS');
  const jws = { protected: protectedHeader, signature };
  const { key, header } = await opened(policy.keys, jws, Buffer.from(bytes).toString('base64url'));
  const id = assertAbout(spec, header, headers, payments.ctx.now());
  const kept = await payments.db
    .insertInto('signed_request')
    .values({
      source_id: source.id,
      signature_id: id,
      operation: spec.id,
      key: JSON.stringify(key),
      ...jws,
      body_hash: createHash('sha256').update(bytes).digest('hex'),
      exchange_id: caller.exchangeId,
    })
    .onConflict((clash) => clash.constraint('signed_request_pkey').doNothing())
    .returning('signature_id')
    .executeTakeFirst();
  if (!kept) throw refused('The signature of the request was used before');
}

import { createHash } from 'node:crypto';
import { type Caller, type Person, Problem } from '@govstack/platform';
import type { OperationSpec } from '@govstack/platform/operation';
import { flattenedVerify, importJWK, type JWK } from 'jose';
import type { Payments } from '../payments-context.ts';
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

/** Stands for a body that is read as it comes: the signature covers it, and it must be the digest of what came. */
const digestHeader = 'content-digest';

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

export interface SignedInput {
  readonly headers: object;
  readonly bytes?: Uint8Array | undefined;
  readonly caller: Caller;
  readonly params?: object;
  readonly query?: object;
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

/** The path of a request with its parameters, and with the command where that says what the request does. */
function pathOf({ path }: OperationSpec, { params = {}, query = {} }: SignedInput): string {
  const { command } = query as { readonly command?: string };
  const filled = path.replaceAll(/\{([^}]+)\}/g, (_, name) => (params as Record<string, string>)[name] ?? '');
  return command === undefined ? filled : `${filled}?command=${command}`;
}

/** SHA-256 in hex of a body that is still to come, as its source states it (RFC 9530). */
function statedDigest(headers: Headers): string {
  const [, text] = /^sha-256=:([A-Za-z0-9+/]{43}=):$/.exec(headers[digestHeader] ?? '') ?? [];
  if (text === undefined)
    throw refused('A signed body that is read as it comes needs Content-Digest: sha-256=:…:');
  return Buffer.from(text, 'base64').toString('hex');
}

/** What must stand in the protected header beside the algorithm for the signature to be about this request, now. */
function assertAbout(spec: OperationSpec, input: SignedInput, header: Protected, now: Date): string {
  const headers = input.headers as Headers;
  const { iat, jti, htm, htu } = header;
  if (typeof iat !== 'number' || Math.abs(now.getTime() / 1000 - iat) > validSeconds)
    throw refused('The signature of the request is too old, or its iat is missing');
  if (typeof jti !== 'string' || jti === '' || jti.length > 100)
    throw refused('The signature of the request has no jti');
  if (htm !== spec.method || htu !== pathOf(spec, input))
    throw refused('The signature was made for another operation: htm and htu must name this one');
  const signed = (typeof header.headers === 'object' ? header.headers : null) as Headers | null;
  for (const name of spec.bodyAs === 'stream' ? [...covered, digestHeader] : covered) {
    if (headers[name] !== undefined && signed?.[name] !== headers[name])
      throw refused(`The signature does not cover ${name} as it came`);
  }
  return jti;
}

/**
 * Checks the signature of a request that changes something, before anything is done (PAY-6.14-b, PAY-6.14-f). Which
 * keys a source has and whether it must sign is the treasury's to say. A signature is over the bytes of the body; its
 * protected header names the operation (htm, htu), the headers that matter, the moment (iat) and itself (jti), and is
 * good once, for five minutes. A body that is read as it comes is not there yet: the signature is over nothing and covers
 * its `Content-Digest`. What was signed is kept (PAY-6.14-d). Answers the SHA-256 of the signed body in hex, undefined
 * when nothing was signed and need not be. Throws 401.
 */
export async function assertSigned(
  payments: Payments,
  source: { readonly id: string },
  spec: OperationSpec,
  input: SignedInput,
): Promise<string | undefined> {
  const { bytes = new Uint8Array(), caller } = input;
  const policy = await readSigningPolicy(payments.db, source.id);
  if (policy.keys.length === 0) return undefined;
  const headers = input.headers as Headers;
  const text = spellings.map((name) => headers[name]).find((value) => value !== undefined);
  if (text === undefined) {
    if (policy.required) throw refused('Requests of this source must be signed (X-JWS-Signature)');
    return undefined;
  }
  const bodyHash =
    spec.bodyAs === 'stream' ? statedDigest(headers) : createHash('sha256').update(bytes).digest('hex');
  const [protectedHeader = '', detached, signature = '', ...more] = text.split('.');
  if (detached !== '' || more.length > 0) throw refused('X-JWS-Signature is not a detached JWS');
  const jws = { protected: protectedHeader, signature };
  const { key, header } = await opened(policy.keys, jws, Buffer.from(bytes).toString('base64url'));
  const id = assertAbout(spec, input, header, payments.ctx.now());
  const kept = await payments.db
    .insertInto('signed_request')
    .values({
      source_id: source.id,
      signature_id: id,
      operation: spec.id,
      key: JSON.stringify(key),
      ...jws,
      body_hash: bodyHash,
      exchange_id: caller.exchangeId,
    })
    .onConflict((clash) => clash.constraint('signed_request_pkey').doNothing())
    .returning('signature_id')
    .executeTakeFirst();
  if (!kept) throw refused('The signature of the request was used before');
  return bodyHash;
}

/** The same where others have the right as well: only what a source asks for itself is signed by it. */
export async function assertSignedBySource(
  payments: Payments,
  source: { readonly id: string; readonly application: string },
  spec: OperationSpec,
  input: SignedInput & { readonly person?: Person | undefined },
): Promise<void> {
  if (input.person === undefined && input.caller.application === source.application)
    await assertSigned(payments, source, spec, input);
}

/** A body as it comes; its end throws 401 when it is not the signed one. Whoever reads it keeps nothing before the end. */
export async function* signedBody(
  body: AsyncIterable<Uint8Array>,
  signedHash: string | undefined,
): AsyncGenerator<Uint8Array> {
  if (signedHash === undefined) {
    yield* body;
    return;
  }
  const hash = createHash('sha256');
  for await (const piece of body) {
    hash.update(piece);
    yield piece;
  }
  if (hash.digest('hex') !== signedHash) throw refused('The body is not the one that was signed');
}

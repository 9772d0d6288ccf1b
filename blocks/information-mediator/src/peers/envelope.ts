import { compileValidator } from '@govstack/platform';
import { type Static, Type } from '@govstack/platform/operation';
import type { HeaderList } from '../exchange/headers.ts';
import type { CarriedSignature } from './peers.ts';

/** The HTTP header in which one security server tells another what it signs; the body follows byte for byte. */
export const envelopeHeader = 'x-govstack-envelope';

/** Larger than any head that a listener accepts, in bytes. */
export const largestHead = 96 * 1024;

const closed = { additionalProperties: false } as const;
const Text = Type.String({ maxLength: 10_000 });
const Base64 = Type.String({ maxLength: 20_000, pattern: '^[A-Za-z0-9+/]*={0,2}$' });

const Signature = Type.Object(
  {
    signer: Text,
    keyId: Text,
    value: Base64,
    signedAt: Type.Optional(Type.String({ format: 'date-time', maxLength: 24 })),
    hashChain: Base64,
    certificate: Base64,
  },
  closed,
);
/** Names and values in pairs. */
const Headers = Type.Unsafe<[string, string][]>(
  Type.Array(Type.Array(Type.String({ maxLength: 65_536 }), { minItems: 2, maxItems: 2 }), { maxItems: 500 }),
);

export const RequestEnvelope = Type.Object(
  {
    exchangeId: Type.String({ format: 'uuid' }),
    messageId: Text,
    client: Text,
    operator: Type.Optional(Text),
    service: Text,
    method: Text,
    path: Text,
    correlationId: Text,
    traceId: Type.String({ maxLength: 64 }),
    headers: Headers,
    signature: Signature,
  },
  closed,
);
export type RequestEnvelope = Static<typeof RequestEnvelope>;

export const ResponseEnvelope = Type.Object(
  { status: Type.Integer({ minimum: 100, maximum: 599 }), headers: Headers, signature: Signature },
  closed,
);
export type ResponseEnvelope = Static<typeof ResponseEnvelope>;

const validRequest = compileValidator(RequestEnvelope, 'body', false);
const validResponse = compileValidator(ResponseEnvelope, 'body', false);

export const toWire = (envelope: RequestEnvelope | ResponseEnvelope): string =>
  Buffer.from(JSON.stringify(envelope)).toString('base64url');

function fromWire<T>(text: unknown, invalid: (value: unknown) => unknown): T | undefined {
  if (typeof text !== 'string') return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    return invalid(value) ? undefined : (value as T);
  } catch {
    return undefined;
  }
}
export const requestFromWire = (text: unknown): RequestEnvelope | undefined => fromWire(text, validRequest);
export const responseFromWire = (text: unknown): ResponseEnvelope | undefined =>
  fromWire(text, validResponse);

export const signatureToWire = (signature: CarriedSignature): Static<typeof Signature> => ({
  signer: signature.signer,
  keyId: signature.keyId,
  value: signature.value.toString('base64'),
  ...(signature.signedAt ? { signedAt: signature.signedAt.toISOString() } : {}),
  hashChain: signature.hashChain.toString('base64'),
  certificate: signature.certificate.toString('base64'),
});

export const signatureFromWire = (wire: Static<typeof Signature>): CarriedSignature => ({
  signer: wire.signer,
  keyId: wire.keyId,
  value: Buffer.from(wire.value, 'base64'),
  signedAt: wire.signedAt === undefined ? undefined : new Date(wire.signedAt),
  hashChain: Buffer.from(wire.hashChain, 'base64'),
  certificate: Buffer.from(wire.certificate, 'base64'),
});

export const headersToWire = (headers: HeaderList): [string, string][] =>
  headers.map(([name, value]) => [name, value]);

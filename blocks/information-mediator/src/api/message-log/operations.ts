import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';
import { searchOperations } from './search-operations.ts';

const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()]);
const Sequence = Type.String({ pattern: '^[1-9][0-9]{0,17}$' });

const summary = {
  exchangeId: Type.String(),
  messageId: Type.String({ description: 'X-Road-Id' }),
  at: Type.String({ format: 'date-time' }),
  client: Type.String(),
  operator: nullable(Type.String({ description: 'Application that sent the request for the client' })),
  service: Type.String(),
  method: Type.String(),
  path: Type.String({ description: 'Without query' }),
  correlationId: Type.String(),
  traceId: Type.String(),
  status: nullable(Type.Integer({ description: 'Null as long as no answer is on record' })),
  error: nullable(Type.String({ description: 'X-Road error type, when the mediator refused' })),
  durationMs: nullable(Type.Integer()),
  right: nullable(Type.String({ description: 'Right under which the call was allowed' })),
  verified: Type.Boolean({
    description: 'Request and response are on record and both signatures hold',
  }),
};

const MessageEvidence = Type.Object({
  sequence: Sequence,
  at: Type.String({ format: 'date-time' }),
  headDigest: Type.String({ description: 'SHA-512 of the head, base64' }),
  bodyDigest: nullable(Type.String({ description: 'SHA-512 of the body, base64' })),
  hash: Type.String({
    description: 'What is signed: SHA-512 over both digests, or the digest of the head alone',
  }),
  bodySize: Type.Integer(),
  signer: nullable(Type.String()),
  keyId: nullable(Type.String()),
  signature: nullable(
    Type.String({
      description:
        'ECDSA P-256 with SHA-256, IEEE P1363 form, base64, over the canonical SignedInfo of an XAdES signature about the root (`getContainer` holds it whole); with no `signedAt` over `govstack-message-v1`, a zero byte and the root',
    }),
  ),
  signedAt: nullable(
    Type.String({ format: 'date-time', description: 'Signing time that the signature states' }),
  ),
  hashChain: nullable(
    Type.String({
      description:
        'From `hash` to the root: steps of 33 bytes, the side of the neighbour (0 left, 1 right) and its hash. A leaf is SHA-256 over 0 and `hash`, a node SHA-256 over 1, left and right',
    }),
  ),
  verifiedOnReceipt: Type.Boolean(),
  signatureHolds: Type.Boolean(),
  chainHash: Type.String(),
});

const reading = { caller: 'application', person: 'optional' } as const;

/**
 * The evidence: who exchanged what kind of message with whom; the contents by `getMessageContents` alone. Auditors and administrators of the
 * governing agency and the configured log readers see every exchange; anybody else those they took part in.
 */
export const mediatorLog = defineSurface({
  name: 'mediator-log-v1',
  title: 'Information mediator: message log',
  version: '1.0.0',
  operations: {
    listExchanges: defineOperation({
      id: 'listExchanges',
      method: 'GET',
      path: '/exchanges',
      summary: 'Exchanges of one correlation id, in the order in which they were made',
      requirements: ['IM-6.6-d', 'IM-6.7-d'],
      access: reading,
      query: Type.Object({
        correlationId: Type.String({ minLength: 1, maxLength: 128 }),
        limit: Type.Optional(
          Type.Integer({ minimum: 1, maximum: 1000, description: '200 unless said otherwise' }),
        ),
      }),
      responses: {
        200: Type.Object({ exchanges: Type.Array(Type.Object(summary)), hasMore: Type.Boolean() }),
      },
    }),
    ...searchOperations(Type.Object(summary)),
    getExchange: defineOperation({
      id: 'getExchange',
      method: 'GET',
      path: '/exchanges/{exchangeId}',
      summary: 'One exchange with the evidence of request and response, verified now',
      requirements: ['IM-6.6-a'],
      access: reading,
      params: Type.Object({ exchangeId: Type.String({ format: 'uuid' }) }),
      responses: {
        200: Type.Object({ ...summary, request: MessageEvidence, response: nullable(MessageEvidence) }),
      },
    }),
    getSigningKey: defineOperation({
      id: 'getSigningKey',
      method: 'GET',
      path: '/signing-keys/{keyId}',
      summary: 'The public key under a signature, current or retired, and the member it speaks for',
      requirements: ['IM-6.6-a'],
      access: reading,
      params: Type.Object({ keyId: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }) }),
      responses: {
        200: Type.Object({
          keyId: Type.String(),
          owner: Type.String(),
          publicKey: Type.Record(Type.String(), Type.Unknown(), { description: 'P-256 JWK' }),
          certificate: nullable(Type.String({ description: 'DER, base64; null: the key has none' })),
        }),
      },
    }),
    verifyChain: defineOperation({
      id: 'verifyChain',
      method: 'GET',
      path: '/verification',
      summary: 'Recompute the hash chain over a range of records and check every signature in it',
      requirements: ['IM-6.6-a'],
      access: reading,
      query: Type.Object({
        from: Type.Optional(Sequence),
        to: Type.Optional(Sequence),
        limit: Type.Optional(
          Type.Integer({
            minimum: 1,
            maximum: 100_000,
            description: 'Records looked at, at most; 10 000 unless said otherwise',
          }),
        ),
      }),
      responses: {
        200: Type.Object({
          from: Type.String(),
          to: Type.String({ description: 'Last record looked at; go on from the one after it' }),
          head: Type.String({ description: 'End of the chain' }),
          records: Type.Integer(),
          exchanges: Type.Integer(),
          signaturesVerified: Type.Integer(),
          broken: nullable(
            Type.Object({
              at: Type.String(),
              reason: Type.Union([
                Type.Literal('missing'),
                Type.Literal('changed'),
                Type.Literal('signature'),
              ]),
            }),
          ),
        }),
      },
    }),
    listTraffic: defineOperation({
      id: 'listTraffic',
      method: 'GET',
      path: '/traffic',
      summary: 'Exchanges per service in a period of at most 31 days, the last one unless said otherwise',
      requirements: ['IM-6.6-f'],
      access: reading,
      query: Type.Object({
        from: Type.Optional(Type.String({ format: 'date-time' })),
        to: Type.Optional(Type.String({ format: 'date-time' })),
      }),
      responses: {
        200: Type.Object({
          services: Type.Array(
            Type.Object({
              service: Type.String(),
              answered: Type.Integer(),
              refused: Type.Integer(),
              meanMs: Type.Number(),
              p95Ms: Type.Number(),
              lastAt: Type.String({ format: 'date-time' }),
            }),
          ),
        }),
      },
    }),
  },
});

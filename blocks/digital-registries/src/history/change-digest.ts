import { createHash, hash } from 'node:crypto';
import canonicalize from 'canonicalize';

export const sha256 = (...parts: readonly (string | Uint8Array)[]): Buffer => {
  const hashing = createHash('sha256');
  for (const part of parts) hashing.update(part);
  return hashing.digest();
};

/** What a change is, whatever became of what it says. */
export interface LoggedFacts {
  readonly registryId: string;
  readonly record: string;
  readonly rowVersion: number;
  readonly action: string;
  readonly application: string;
  readonly operator: string | null;
  readonly person: string | null;
  readonly exchangeId: string;
  /** RFC 3339 in UTC with milliseconds. */
  readonly at: string;
}

/**
 * How a digest is made. 1: over the canonical form of all; 2: of the facts and of salted digests of the contents;
 * 3: the same over texts as they are kept, so that PostgreSQL recomputes it where the rows are.
 */
export type Scheme = 1 | 2 | 3;

const canonical = (value: unknown): string => canonicalize(value) as string;

/** Of what a record said. Salted: once it is erased, nobody finds it by guessing. `content`: JSON as it is kept. */
export function contentDigest(
  scheme: Scheme,
  salt: Uint8Array,
  side: 'before' | 'after',
  content: string | null,
): Buffer | null {
  if (content === null) return null;
  return sha256(salt, side, scheme === 3 ? content : canonical(JSON.parse(content)));
}

/** A list as `json_build_array` writes it. */
const listed = (values: readonly unknown[]): string =>
  `[${values.map((value) => JSON.stringify(value)).join(', ')}]`;

const hex = (bytes: Uint8Array | null): string | null => bytes && Buffer.from(bytes).toString('hex');
const base64 = (bytes: Uint8Array | null): string | null => bytes && Buffer.from(bytes).toString('base64');

/** Of a change, with the digests of what it says before and after. */
export function changeDigest(
  scheme: 2 | 3,
  facts: LoggedFacts,
  before: Uint8Array | null,
  after: Uint8Array | null,
): Buffer {
  const { registryId, record, rowVersion, action, application, operator, person, exchangeId, at } = facts;
  const text =
    scheme === 2
      ? canonical([
          registryId,
          record,
          rowVersion,
          action,
          application,
          person,
          exchangeId,
          base64(before),
          base64(after),
          at,
        ])
      : listed([
          registryId,
          record,
          rowVersion,
          action,
          application,
          operator,
          person,
          exchangeId,
          hex(before),
          hex(after),
          at.replace('Z', '000Z'),
        ]);
  return hash('sha256', text, 'buffer');
}

/** Scheme 1: contents and facts in one. */
export const wholeDigest = (facts: LoggedFacts, before: unknown, after: unknown): Buffer =>
  sha256(
    canonical([
      facts.registryId,
      facts.record,
      facts.rowVersion,
      facts.action,
      facts.application,
      facts.person,
      facts.exchangeId,
      before,
      after,
      facts.at,
    ]),
  );

/** Of what was done to a registry. */
export const schemaDigest = (
  facts: readonly (string | null)[],
  contents: readonly (string | null)[],
): Buffer =>
  hash(
    'sha256',
    listed([...facts, ...contents.map((one) => (one === null ? null : hex(hash('sha256', one, 'buffer'))))]),
    'buffer',
  );

/** Where the chain begins. */
export const genesis: Buffer = Buffer.alloc(32);

/** The chain after one more digest. */
export const extended = (chain: Uint8Array, digest: Uint8Array): Buffer => {
  const both = Buffer.allocUnsafe(64);
  both.set(chain, 0);
  both.set(digest, 32);
  return hash('sha256', both, 'buffer');
};

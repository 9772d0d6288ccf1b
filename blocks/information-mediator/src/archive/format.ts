import { chainHash, type LogRecord } from '../evidence/chain.ts';

/** An archive is a ZIP file of these, and of a container `{seq}.asice` for each message of which there is one. */
export const archiveEntry = { manifest: 'archive.json', records: 'records.jsonl' } as const;

/** What an archive says of itself. Hashes and digests are base64. */
export interface ArchiveManifest {
  readonly format: 'govstack-mediator-archive-1';
  readonly from: string;
  readonly to: string;
  /** SHA-256 of the archive before it; null: this is the first one. */
  readonly previous: { readonly name: string; readonly digest: string } | null;
  /** End of the chain before its first record, and with its last. */
  readonly chainBefore: string;
  readonly chainAfter: string;
}

const binary = new Set(['headDigest', 'bodyDigest', 'value', 'hashChain', 'hash']);
const dates = new Set(['at', 'signedAt']);

export interface ArchivedRecord {
  readonly seq: string;
  readonly hash: Buffer;
  readonly record: LogRecord;
}

/** A record on a line of its own. */
export const toLine = ({ seq, hash, record }: ArchivedRecord): string =>
  `${JSON.stringify({ seq, hash, record }, function replace(this: Record<string, unknown>, key, value) {
    const own = this[key];
    return Buffer.isBuffer(own) ? own.toString('base64') : value;
  })}\n`;

/** Reads a line. Throws when it is none. */
export const fromLine = (line: string): ArchivedRecord =>
  JSON.parse(line, (key, value) => {
    if (typeof value !== 'string') return value;
    if (binary.has(key)) return Buffer.from(value, 'base64');
    return dates.has(key) ? new Date(value) : value;
  }) as ArchivedRecord;

/** Whether a record continues the chain from `previous`. */
export const continues = (previous: Buffer, { seq, hash, record }: ArchivedRecord): boolean =>
  chainHash(previous, BigInt(seq), record).equals(hash);

/** X-Road's way of naming: which records, and what the file must be. */
export const archiveName = (from: string, to: string, digest: Buffer): string =>
  `mlog-${from}-${to}-${digest.toString('hex').slice(0, 16)}.zip`;
export const archivePattern = /^mlog-(\d+)-(\d+)-([0-9a-f]{16})\.zip$/;

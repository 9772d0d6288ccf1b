import { hash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type VerificationConfiguration, verifyContainer } from '../containers/verify.ts';
import { readZip } from '../containers/zip.ts';
import { type ArchiveManifest, archiveEntry, archivePattern, continues, fromLine } from './format.ts';

/** What archives prove together. */
export interface VerifiedArchives {
  readonly archives: number;
  readonly records: number;
  readonly containers: number;
  /** First and last record. */
  readonly from: string;
  readonly to: string;
}

/** Archives that do not hold, and why. */
export class ArchivesRefused extends Error {
  constructor(file: string, why: string) {
    super(`${file}: ${why}`);
    this.name = 'ArchivesRefused';
  }
}

const limits = { entries: 10_000, bytes: 1_073_741_824 };

/**
 * Checks the archives of a folder: each is what its name says and follows on the one before it, no record is missing or
 * changed, every container holds. Throws `ArchivesRefused`.
 */
export async function verifyArchives(
  folder: string,
  believed: VerificationConfiguration,
): Promise<VerifiedArchives> {
  const names = (await readdir(folder))
    .filter((name) => archivePattern.test(name))
    .sort((a, b) => Number(archivePattern.exec(a)?.[1]) - Number(archivePattern.exec(b)?.[1]));
  let before:
    | { readonly name: string; readonly digest: Buffer; readonly manifest: ArchiveManifest }
    | undefined;
  let records = 0;
  let containers = 0;
  let first = '';
  for (const name of names) {
    const refuse = (why: string): never => {
      throw new ArchivesRefused(name, why);
    };
    const bytes = await readFile(join(folder, name));
    const digest = hash('sha256', bytes, 'buffer');
    const [, from, to, named] = archivePattern.exec(name) as RegExpExecArray;
    if (!digest.toString('hex').startsWith(named as string)) refuse('is not the file that its name says');
    const entries = await readZip(bytes, limits).catch((error: Error) => refuse(error.message));
    const text = (entry: string): string =>
      (entries.get(entry) ?? refuse(`has no ${entry}`)).toString('utf8');
    const manifest = JSON.parse(text(archiveEntry.manifest)) as ArchiveManifest;
    if (manifest.from !== from || manifest.to !== to) refuse('holds other records than its name says');
    if (before) {
      if (
        manifest.previous?.name !== before.name ||
        manifest.previous.digest !== before.digest.toString('base64')
      )
        refuse(`does not follow on ${before.name}`);
      if (manifest.chainBefore !== before.manifest.chainAfter) refuse('continues another chain');
    }
    first ||= manifest.from;
    let previous: Buffer = Buffer.from(manifest.chainBefore, 'base64');
    let next = BigInt(manifest.from);
    for (const line of text(archiveEntry.records).split('\n').filter(Boolean)) {
      const record = fromLine(line);
      if (BigInt(record.seq) !== next) refuse(`record ${next} is missing`);
      if (!continues(previous, record)) refuse(`record ${next} was changed`);
      previous = record.hash;
      next += 1n;
      records += 1;
      const container = entries.get(`${record.seq}.asice`);
      if (!container) continue;
      const proven = await verifyContainer(container, believed).catch((error: Error) =>
        // The body of a message can be too large for its container; its digest is in the record.
        /beside it/.test(error.message) ? undefined : refuse(`${record.seq}.asice: ${error.message}`),
      );
      if (proven && !hash('sha512', proven.head, 'buffer').equals(record.record.headDigest))
        refuse(`${record.seq}.asice holds another message`);
      containers += 1;
    }
    if (next !== BigInt(manifest.to) + 1n || previous.toString('base64') !== manifest.chainAfter)
      refuse('does not end where it says');
    before = { name, digest, manifest };
  }
  return { archives: names.length, records, containers, from: first, to: before?.manifest.to ?? '' };
}

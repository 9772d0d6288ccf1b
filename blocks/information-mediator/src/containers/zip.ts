import { fromBufferPromise } from 'yauzl';
import { ZipFile } from 'yazl';

/** In the order in which they are to stand. */
export type Entries = ReadonlyMap<string, Buffer>;

/** The same for the same contents: no time of making. */
const moment = new Date(Date.UTC(2000, 0, 1));

/** Writes an archive; its first entry is not compressed (ETSI EN 319 162-1, A.1). */
export async function writeZip(entries: Entries): Promise<Buffer> {
  const zip = new ZipFile();
  let first = true;
  for (const [name, bytes] of entries) {
    zip.addBuffer(bytes, name, { mtime: moment, mode: 0o100644, compress: !first, forceDosTimestamp: true });
    first = false;
  }
  zip.end();
  const chunks: Buffer[] = [];
  for await (const chunk of zip.outputStream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Reads an archive whole. Throws when it is none, names an entry twice, or would grow beyond the limits. */
export async function readZip(
  bytes: Buffer,
  limits: { readonly entries: number; readonly bytes: number },
): Promise<Map<string, Buffer>> {
  const zip = await fromBufferPromise(bytes, { lazyEntries: true, strictFileNames: true });
  const entries = new Map<string, Buffer>();
  let left = limits.bytes;
  for await (const found of zip.eachEntry()) {
    const name = found.fileName;
    if (entries.has(name) || entries.size >= limits.entries)
      throw new Error('the archive has too many entries');
    if (found.uncompressedSize > left) throw new Error('the archive is too large');
    const chunks: Buffer[] = [];
    for await (const chunk of await zip.openReadStreamPromise(found)) {
      left -= (chunk as Buffer).length;
      if (left < 0) throw new Error('the archive is too large');
      chunks.push(chunk as Buffer);
    }
    entries.set(name, Buffer.concat(chunks));
  }
  return entries;
}

import { promisify } from 'node:util';
import { crc32, deflateRaw } from 'node:zlib';

const deflate = promisify(deflateRaw);

/** A file in an archive whose content is known. */
export interface ZipEntry {
  readonly name: string;
  readonly crc: number;
  readonly size: number;
  readonly compressed: number;
  /** Where it begins in the archive. */
  readonly at: number;
  /** Kept as it is, deflated, or deflated as it comes: its sizes follow it. */
  readonly method: 'stored' | 'deflated' | 'streamed';
}

/** Flag bits: the sizes follow the content; names are UTF-8. */
const flagsOf = ({ method }: ZipEntry): number => (method === 'streamed' ? 0x0808 : 0x0800);
const methodOf = ({ method }: ZipEntry): number => (method === 'stored' ? 0 : 8);
/** 1 January 1980: the same content makes the same archive. */
const firstDay = 0x21;

/** What stands before the content of a file. */
export function localHeader(entry: ZipEntry): Buffer {
  const name = Buffer.from(entry.name);
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(20, 4);
  header.writeUInt16LE(flagsOf(entry), 6);
  header.writeUInt16LE(methodOf(entry), 8);
  header.writeUInt16LE(firstDay, 12);
  header.writeUInt32LE(entry.crc, 14);
  header.writeUInt32LE(entry.compressed, 18);
  header.writeUInt32LE(entry.size, 22);
  header.writeUInt16LE(name.length, 26);
  return Buffer.concat([header, name]);
}

/** What follows the content of a file that was streamed. */
export function dataDescriptor({ crc, compressed, size }: Omit<ZipEntry, 'name' | 'at' | 'method'>): Buffer {
  const descriptor = Buffer.alloc(16);
  descriptor.writeUInt32LE(0x08074b50, 0);
  descriptor.writeUInt32LE(crc, 4);
  descriptor.writeUInt32LE(compressed, 8);
  descriptor.writeUInt32LE(size, 12);
  return descriptor;
}

function centralHeader(entry: ZipEntry): Buffer {
  const name = Buffer.from(entry.name);
  const header = Buffer.alloc(46);
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE(20, 4);
  header.writeUInt16LE(20, 6);
  header.writeUInt16LE(flagsOf(entry), 8);
  header.writeUInt16LE(methodOf(entry), 10);
  header.writeUInt16LE(firstDay, 14);
  header.writeUInt32LE(entry.crc, 16);
  header.writeUInt32LE(entry.compressed, 20);
  header.writeUInt32LE(entry.size, 24);
  header.writeUInt16LE(name.length, 28);
  header.writeUInt32LE(entry.at, 42);
  return Buffer.concat([header, name]);
}

/** The end of an archive, which begins at `at`. */
export function directory(entries: readonly ZipEntry[], at: number): Buffer {
  const headers = Buffer.concat(entries.map(centralHeader));
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(headers.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([headers, end]);
}

/** An archive of files that are whole and deflated, behind what stands before them, `begun`. */
export async function archiveOf(
  files: readonly { readonly name: string; readonly content: Buffer }[],
  begun: { readonly entries: readonly ZipEntry[]; readonly bytes: Buffer } = {
    entries: [],
    bytes: Buffer.alloc(0),
  },
): Promise<Buffer> {
  const entries = [...begun.entries];
  const written = [begun.bytes];
  let at = begun.bytes.length;
  for (const { name, content } of files) {
    const packed = await deflate(content);
    const entry: ZipEntry = {
      name,
      method: 'deflated',
      crc: crc32(content),
      size: content.length,
      compressed: packed.length,
      at,
    };
    const header = localHeader(entry);
    entries.push(entry);
    written.push(header, packed);
    at += header.length + packed.length;
  }
  return Buffer.concat([...written, directory(entries, at)]);
}

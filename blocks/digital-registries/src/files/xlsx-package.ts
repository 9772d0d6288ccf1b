import { once } from 'node:events';
import { Readable } from 'node:stream';
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from 'yauzl';
import { UnreadableFile } from './unreadable-file.ts';

/** Reads a range of a file, wherever it is kept. */
export type ReadRange = (start: number, end: number) => AsyncIterable<Buffer>;

/** The files that a workbook consists of. */
export interface Package {
  /** Undefined: there is no such file. */
  sizeOf(name: string): number | undefined;
  /** A file as it comes; it is never longer than its size says. */
  texts(name: string): AsyncGenerator<string>;
  /** A file as one text, empty when there is none. */
  whole(name: string, most: number): Promise<string>;
}

class RangeReader extends RandomAccessReader {
  readonly range: ReadRange;
  constructor(range: ReadRange) {
    super();
    this.range = range;
  }
  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(this.range(start, end), { objectMode: false });
  }
}

const mostEntries = 1000;

async function entriesOf(zip: ZipFile): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>();
  zip.on('entry', (entry: Entry) => {
    entries.set(entry.fileName, entry);
    if (entries.size <= mostEntries) zip.readEntry();
    else zip.emit('error', new UnreadableFile('the file is not a workbook'));
  });
  const end = once(zip, 'end');
  zip.readEntry();
  await end;
  return entries;
}

export async function openPackage(range: ReadRange, size: number): Promise<Package> {
  const zip = await fromRandomAccessReaderPromise(new RangeReader(range), size, { autoClose: false });
  const entries = await entriesOf(zip);
  async function* texts(name: string): AsyncGenerator<string> {
    const entry = entries.get(name);
    if (!entry) return;
    const decoder = new TextDecoder();
    for await (const bytes of await zip.openReadStreamPromise(entry))
      yield decoder.decode(bytes as Buffer, { stream: true });
  }
  const sizeOf = (name: string): number | undefined => entries.get(name)?.uncompressedSize;
  return {
    sizeOf,
    texts,
    async whole(name, most) {
      if ((sizeOf(name) ?? 0) > most)
        throw new UnreadableFile('the workbook is too large when it is unpacked');
      let whole = '';
      for await (const text of texts(name)) whole += text;
      return whole;
    },
  };
}

/** What is wrong with a file, said to whoever brought it. Faults of the database are no faults of the file. */
export function unreadable(error: unknown): unknown {
  const { code } = error as { code?: string };
  if (error instanceof UnreadableFile || (code !== undefined && !code.startsWith('Z_'))) return error;
  return new UnreadableFile('the file is not a workbook');
}

import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface Place {
  readonly offset: number;
  readonly length: number;
}

/**
 * Records in a file, one JSON text a line, only ever added. What was appended before `durable()` resolves is on the
 * disk: it survives a kill of this process and of the machine. Appends of the same moment share one sync.
 */
export interface Journal<R> {
  append(record: R): Place;
  /** Resolves when everything appended so far is on the disk. */
  durable(): Promise<void>;
  /** Reads one record again. Only for journals with a file, and after `durable()`. */
  read(place: Place): Promise<R>;
  close(): Promise<void>;
}

/**
 * Opens a journal and hands every record in it to `replay`, in order. A torn last line, as a kill leaves it, was never
 * acknowledged and is cut off; a damaged line anywhere else stops the start. Without a path nothing is kept.
 */
export async function openJournal<R>(
  path: string | undefined,
  replay: (record: R, place: Place) => void,
): Promise<Journal<R>> {
  if (path === undefined) return forgetful();
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(path, 'a+', 0o600);
  const size = await replayFile(path, replay);
  await file.truncate(size);
  return appending(file, size);
}

async function replayFile<R>(path: string, replay: (record: R, place: Place) => void): Promise<number> {
  let offset = 0;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    const data: Buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end = data.indexOf(10); end !== -1; end = data.indexOf(10, start)) {
      let record: R;
      try {
        record = JSON.parse(data.toString('utf8', start, end));
      } catch {
        throw new Error(`${path} is damaged at byte ${offset}`);
      }
      const length = end - start + 1;
      replay(record, { offset, length });
      offset += length;
      start = end + 1;
    }
    rest = data.subarray(start);
  }
  return offset;
}

function appending<R>(file: FileHandle, size: number): Journal<R> {
  let offset = size;
  let lines: Buffer[] = [];
  let next = Promise.withResolvers<void>();
  let written = Promise.resolve();
  let busy = false;
  const write = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    while (lines.length > 0) {
      const batch = { lines, done: next };
      lines = [];
      next = Promise.withResolvers<void>();
      written = batch.done.promise;
      try {
        await file.appendFile(Buffer.concat(batch.lines));
        await file.datasync();
      } catch (error) {
        // A party that cannot keep what it promises must not go on answering.
        process.stderr.write(`the journal cannot be written: ${String(error)}\n`);
        process.exit(1);
      }
      batch.done.resolve();
    }
    busy = false;
  };
  const durable = (): Promise<void> => (lines.length > 0 ? next.promise : written);
  return {
    append(record) {
      const line = Buffer.from(`${JSON.stringify(record)}\n`);
      const place = { offset, length: line.length };
      offset += line.length;
      lines.push(line);
      queueMicrotask(write);
      return place;
    },
    durable,
    async read({ offset: position, length }) {
      const buffer = Buffer.alloc(length);
      await file.read(buffer, 0, length, position);
      return JSON.parse(buffer.toString('utf8'));
    },
    async close() {
      await durable();
      await file.close();
    },
  };
}

function forgetful<R>(): Journal<R> {
  const kept = new Map<number, R>();
  let offset = 0;
  return {
    append(record) {
      kept.set(offset, record);
      return { offset: offset++, length: 1 };
    },
    durable: async () => {},
    read: async ({ offset: position }) => kept.get(position) as R,
    close: async () => {},
  };
}

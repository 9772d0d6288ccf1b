import { createHash, hash, randomUUID } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';

/** The body of a message, received to its end: small ones are in memory, others in a file that nobody else can open. */
export interface Body {
  readonly size: number;
  /** SHA-512; undefined when the body is empty. */
  readonly digest: Buffer | undefined;
  /** The whole body, when it is in memory. */
  readonly bytes: Buffer | undefined;
  /** The body from its beginning, as often as wanted until it is released. */
  stream(): Readable;
  /** Gives the file back. Doing it again changes nothing. */
  release(): void;
}

/** More was sent than is accepted. */
export class BodyTooLarge extends Error {
  readonly limit: number;
  constructor(limit: number) {
    super(`more than ${limit} bytes`);
    this.limit = limit;
  }
}

/** Bodies up to this size, in bytes, stay in memory. */
export const inMemory = 1_048_576;

export const bodyOf = (bytes: Buffer): Body => ({
  size: bytes.length,
  digest: bytes.length === 0 ? undefined : hash('sha512', bytes, 'buffer'),
  bytes,
  stream: () => Readable.from(bytes.length === 0 ? [] : [bytes], { objectMode: false }),
  release() {},
});

export const noBody: Body = bodyOf(Buffer.alloc(0));

/** A file without a name: it vanishes with the process, however that ends. */
async function openSpool(): Promise<FileHandle> {
  const path = join(tmpdir(), `mediator-${randomUUID()}`);
  const file = await open(path, 'wx+', 0o600);
  await unlink(path);
  return file;
}

function spooled(file: FileHandle, size: number, digest: Buffer): Body {
  let released = false;
  return {
    size,
    digest,
    bytes: undefined,
    stream: () => file.createReadStream({ start: 0, autoClose: false, highWaterMark: 256 * 1024 }),
    release() {
      if (released) return;
      released = true;
      void file.close().catch(() => undefined);
    },
  };
}

/**
 * Receives a body to its end. Rejects with `BodyTooLarge` as soon as there is more than `limit`; the rest is then
 * thrown away as it comes, for as long as the source is not destroyed.
 */
export function receiveBody(source: Readable, limit: number): Promise<Body> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let size = 0;
    let file: FileHandle | undefined;
    let writing: Promise<void> | undefined;
    const hashing = createHash('sha512');

    let failed = false;
    const fail = (error: Error): void => {
      if (failed) return;
      failed = true;
      chunks = [];
      source.resume();
      void Promise.resolve(writing)
        .catch(() => undefined)
        .then(() => file?.close())
        .catch(() => undefined);
      reject(error);
    };
    const write = async (): Promise<void> => {
      file ??= await openSpool();
      const bytes = Buffer.concat(chunks);
      chunks = [];
      hashing.update(bytes);
      await file.writeFile(bytes);
    };
    source.on('data', (chunk: Buffer) => {
      if (failed) return;
      size += chunk.length;
      if (size > limit) return fail(new BodyTooLarge(limit));
      chunks.push(chunk);
      if (size <= inMemory || writing) return;
      source.pause();
      writing = write().then(
        () => {
          writing = undefined;
          if (!source.destroyed) source.resume();
        },
        (error: Error) => fail(error),
      );
    });
    source.once('end', async () => {
      if (failed) return;
      try {
        await writing;
        if (!file)
          return resolve(bodyOf(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
        if (chunks.length > 0) await write();
        resolve(spooled(file, size, hashing.digest()));
      } catch (error) {
        fail(error as Error);
      }
    });
    source.on('error', fail);
    source.once('close', () => {
      if (!source.readableEnded) fail(new Error('the body broke off'));
    });
  });
}

/** The whole body in memory, for those who cannot take a stream; refused when it is larger than `limit`. */
export async function bytesOf(body: Body, limit: number): Promise<Buffer> {
  if (body.bytes) return body.bytes;
  if (body.size > limit) throw new BodyTooLarge(limit);
  return Buffer.concat(await body.stream().toArray());
}

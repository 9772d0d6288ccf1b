import { AsyncLocalStorage } from 'node:async_hooks';
import { Readable } from 'node:stream';

/** Bytes in parts of one size, the last one shorter; no more than one part is held here. */
export async function* inParts(bytes: AsyncIterable<Buffer>, size: number): AsyncGenerator<Buffer> {
  let part = Buffer.allocUnsafe(size);
  let filled = 0;
  for await (const chunk of bytes)
    for (let at = 0; at < chunk.length; ) {
      const taken = chunk.copy(part, filled, at);
      at += taken;
      filled += taken;
      if (filled < size) continue;
      yield part;
      part = Buffer.allocUnsafe(size);
      filled = 0;
    }
  if (filled > 0) yield part.subarray(0, filled);
}

/** Parts of a file as one stream; each is fetched, as the same person, when the one before has been read. */
export async function joinedParts(
  count: number,
  read: (part: number) => Promise<Uint8Array>,
): Promise<Readable> {
  const asNow = AsyncLocalStorage.snapshot();
  const first = count > 0 ? await read(1) : undefined;
  async function* all() {
    if (first) yield first;
    for (let part = 2; part <= count; part += 1) yield await asNow(read, part);
  }
  return Readable.from(all());
}

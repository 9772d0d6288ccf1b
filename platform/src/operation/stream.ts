import type { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { Problem } from './problem.ts';

const pieceSize = 16 * 1024;

/**
 * A body as it comes, in pieces so small that other requests have their turn between them, also when all of it is in
 * memory already. Throws a 413 when more than `limit` bytes come.
 */
export async function* inPieces(body: Readable, limit: number): AsyncGenerator<Uint8Array> {
  let seen = 0;
  // Who stops reading half-way still wants to answer: the connection stays.
  for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    seen += chunk.length;
    if (seen > limit) throw new Problem(413, 'The body is larger than this operation accepts');
    for (let from = 0; from < chunk.length; from += pieceSize) {
      yield chunk.subarray(from, from + pieceSize);
      await setImmediate();
    }
  }
}

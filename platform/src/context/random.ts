import { randomFillSync } from 'node:crypto';

const pool = Buffer.alloc(8192);
let used = pool.length;

/**
 * Random bytes for what must be unique, an id or a nonce: drawn from the system many at a time, because asking it for
 * a few costs as much as asking for thousands. Each byte is given out once.
 */
export function drawRandom(size: number): Buffer {
  if (used + size > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += size;
  const drawn = Buffer.from(pool.subarray(used - size, used));
  pool.fill(0, used - size, used);
  return drawn;
}

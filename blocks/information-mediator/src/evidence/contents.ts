import type { KeyObject } from 'node:crypto';
import { open, seal } from '../keys/sealed-box.ts';
import type { Message } from './message.ts';

/** Ties a sealed message to its place, so that two cannot be exchanged for one another. */
const contextOf = (exchangeId: string, kind: 'request' | 'response'): string => `${exchangeId} ${kind}`;

/**
 * Seals a message for keeping: length of the head, head, body. A body larger than `bodyLimit` is left out; its digest
 * in the log still proves it to whoever has it.
 */
export function sealContents(
  key: KeyObject,
  { head, body }: Message,
  bodyLimit: number,
  exchangeId: string,
  kind: 'request' | 'response',
): Buffer {
  const headBytes = Buffer.from(head);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(headBytes.length);
  const kept = body.length > bodyLimit ? [length, headBytes] : [length, headBytes, body];
  return seal(key, Buffer.concat(kept), contextOf(exchangeId, kind));
}

/** Opens what `sealContents` closed; the body is empty when it was too large to be kept. */
export function openContents(
  key: KeyObject,
  sealed: Buffer,
  exchangeId: string,
  kind: 'request' | 'response',
): Message {
  const bytes = open(key, sealed, contextOf(exchangeId, kind));
  const end = 4 + bytes.readUInt32BE();
  return { head: bytes.subarray(4, end).toString('utf8'), body: bytes.subarray(end) };
}

import type { KeyObject } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Kysely } from 'kysely';
import type { Body } from '../exchange/body.ts';
import { open, seal } from '../keys/sealed-box.ts';
import type { MediatorTables } from '../tables.ts';
import type { Message } from './message.ts';

type Kind = 'request' | 'response';

/** Ties a sealed message to its place, so that two cannot be exchanged for one another. */
const contextOf = (exchangeId: string, kind: Kind): string => `${exchangeId} ${kind}`;
const partContext = (exchangeId: string, kind: Kind, part: number): string =>
  `${contextOf(exchangeId, kind)} ${part}`;

/** What `openContents` gives back of a kept message. */
export interface KeptContents {
  readonly head: string;
  /** Empty when the body was too large to be kept in one piece with the head; see `readParts`. */
  readonly body: Buffer;
}

/**
 * Seals a message for keeping: length of the head, head, and the body if it is in memory and not larger than
 * `bodyLimit`. What is left out is proven by its digest in the log to whoever has it.
 */
export function sealContents(
  key: KeyObject,
  { head, body }: Message,
  bodyLimit: number,
  exchangeId: string,
  kind: Kind,
): Buffer {
  const headBytes = Buffer.from(head);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(headBytes.length);
  const kept = body.bytes && body.size <= bodyLimit ? [length, headBytes, body.bytes] : [length, headBytes];
  return seal(key, Buffer.concat(kept), contextOf(exchangeId, kind));
}

/** Opens what `sealContents` closed. */
export function openContents(key: KeyObject, sealed: Buffer, exchangeId: string, kind: Kind): KeptContents {
  const bytes = open(key, sealed, contextOf(exchangeId, kind));
  const end = 4 + bytes.readUInt32BE();
  return { head: bytes.subarray(4, end).toString('utf8'), body: bytes.subarray(end) };
}

/** Keeps a body that is not in memory, sealed part by part. Nothing is in force before its message is on record. */
export async function writeParts(
  db: Kysely<MediatorTables>,
  key: KeyObject,
  body: Body,
  exchangeId: string,
  kind: Kind,
): Promise<void> {
  let part = 0;
  const write = async (bytes: Buffer): Promise<void> => {
    const contents = seal(key, bytes, partContext(exchangeId, kind, part));
    await db.insertInto('message_body').values({ exchange_id: exchangeId, kind, part, contents }).execute();
    part += 1;
  };
  let waiting: Buffer[] = [];
  let size = 0;
  for await (const chunk of body.stream()) {
    waiting.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size < partBytes) continue;
    await write(Buffer.concat(waiting));
    waiting = [];
    size = 0;
  }
  if (size > 0) await write(Buffer.concat(waiting));
}

const partBytes = 1_048_576;

/** The body that `writeParts` kept, in its order; empty when it was not kept or has been erased. */
export const readParts = (
  db: Kysely<MediatorTables>,
  key: KeyObject,
  exchangeId: string,
  kind: Kind,
): Readable =>
  Readable.from(
    (async function* () {
      for (let part = 0; ; part += 1) {
        const row = await db
          .selectFrom('message_body')
          .select('contents')
          .where('exchange_id', '=', exchangeId)
          .where('kind', '=', kind)
          .where('part', '=', part)
          .executeTakeFirst();
        if (!row) return;
        yield open(key, row.contents, partContext(exchangeId, kind, part));
      }
    })(),
    { objectMode: false },
  );

import { hash, type KeyObject } from 'node:crypto';
import { notFound } from '@govstack/platform';
import type { Kysely } from 'kysely';
import type { MediatorTables } from '../tables.ts';
import { openContents, readParts } from './contents.ts';
import { within } from './exchanges.ts';
import { type Masking, maskBody, maskHead } from './masking.ts';

type Kind = 'request' | 'response';

export interface Reading {
  readonly exchangeId: string;
  readonly kind: Kind;
  /** The person or application that reads, the agency for which, and the application through which. */
  readonly reader: string;
  readonly agency: string;
  readonly application: string;
  readonly reason: string;
}

export interface ReadMessage {
  readonly firstLine: string;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly bodySize: number;
  readonly encoding: 'utf-8' | 'base64' | null;
  readonly body: string | null;
  /** Why there is no body although the message had one. */
  readonly withheld: 'not-kept' | 'too-large' | 'not-maskable' | null;
  /** Head and body are those that were signed, before masking. */
  readonly intact: boolean;
}

/** Larger bodies are not shown; whoever needs one has it with the evidence. In bytes. */
const largestShown = 10_485_760;

async function bodyOf(
  db: Kysely<MediatorTables>,
  key: KeyObject,
  { exchangeId, kind }: Reading,
  inPlace: Buffer,
): Promise<Buffer> {
  if (inPlace.length > 0) return inPlace;
  const parts: Buffer[] = [];
  for await (const part of readParts(db, key, exchangeId, kind)) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

const isText = (body: Buffer): boolean => Buffer.from(body.toString('utf8')).equals(body);

function shown(body: Buffer, masking: Masking): Pick<ReadMessage, 'encoding' | 'body' | 'withheld'> {
  if (masking.pointers.length > 0) {
    const text = maskBody(body, masking);
    return text === undefined
      ? { encoding: null, body: null, withheld: 'not-maskable' }
      : { encoding: 'utf-8', body: text, withheld: null };
  }
  return isText(body)
    ? { encoding: 'utf-8', body: body.toString('utf8'), withheld: null }
    : { encoding: 'base64', body: body.toString('base64'), withheld: null };
}

const sha512 = (data: Buffer | string): Buffer => hash('sha512', data, 'buffer');

/** Puts on record that a message is read; before it is opened. */
export async function recordReading(db: Kysely<MediatorTables>, reading: Reading): Promise<void> {
  const { exchangeId, kind, reader, agency, application, reason } = reading;
  await db
    .insertInto('contents_reading')
    .values({ exchange_id: exchangeId, kind, reader, agency, application, reason })
    .execute();
}

/**
 * A kept message of an exchange in which the reader's agency took part. That it is read, by whom and why is on record
 * before it is opened.
 */
export async function readContents(
  db: Kysely<MediatorTables>,
  key: KeyObject,
  masking: Masking,
  reading: Reading,
): Promise<ReadMessage> {
  const { exchangeId, kind, agency } = reading;
  const row = await db
    .selectFrom('message_log')
    .leftJoin('message_content', 'message_content.seq', 'message_log.seq')
    .select(['head_digest', 'body_digest', 'body_size', 'contents'])
    .where('exchange_id', '=', exchangeId)
    .where('kind', '=', kind)
    .where(within({ kind: 'member', member: agency }))
    .executeTakeFirst();
  if (!row) throw notFound('This message');
  if (!row.contents) throw notFound('The contents of this message: they were not kept, or are erased, and');
  await recordReading(db, reading);
  const kept = openContents(key, row.contents, exchangeId, kind);
  const { firstLine, headers } = maskHead(kept.head, masking);
  const headHolds = sha512(kept.head).equals(row.head_digest);
  const head = {
    firstLine,
    headers: headers.map(([name, value]) => ({ name, value })),
    bodySize: row.body_size,
  };
  const nothing = { ...head, encoding: null, body: null, intact: headHolds } as const;
  if (row.body_size === 0) return { ...nothing, withheld: null };
  if (row.body_size > largestShown) return { ...nothing, withheld: 'too-large' };
  const body = await bodyOf(db, key, reading, kept.body);
  if (body.length === 0) return { ...nothing, withheld: 'not-kept' };
  return {
    ...head,
    ...shown(body, masking),
    intact: headHolds && row.body_digest !== null && sha512(body).equals(row.body_digest),
  };
}

/** Readings of one exchange, in their order. */
export async function contentsReadings(
  db: Kysely<MediatorTables>,
  exchangeId: string,
  { limit, after }: { readonly limit: number; readonly after: string },
) {
  const rows = await db
    .selectFrom('contents_reading')
    .select(['seq', 'at', 'kind', 'reader', 'agency', 'application', 'reason'])
    .where('exchange_id', '=', exchangeId)
    .where('seq', '>', /^\d{1,18}$/.test(after) ? after : '0')
    .orderBy('seq')
    .limit(limit + 1)
    .execute();
  return rows.map(({ seq, kind, ...row }) => ({ sequence: seq, message: kind, ...row }));
}

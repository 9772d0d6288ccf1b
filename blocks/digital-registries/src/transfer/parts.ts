import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { type Kysely, sql } from 'kysely';
import { UnreadableFile } from '../files/unreadable-file.ts';
import type { RegistryTables } from '../tables.ts';

type Db = Kysely<RegistryTables>;
const compress = promisify(gzip);
const expand = promisify(gunzip);

/** Keeps a part of a file, in place of one of the same number. Answers its digest. */
export async function putPart(
  db: Db,
  transferId: string,
  number: number,
  bytes: Uint8Array,
): Promise<string> {
  const sha256 = createHash('sha256').update(bytes).digest();
  const content = await compress(bytes, { level: 1 });
  const part = { bytes: bytes.length, sha256, content };
  await db
    .insertInto('transfer_part')
    .values({ transfer_id: transferId, number, ...part })
    .onConflict((same) => same.constraint('transfer_part_pkey').doUpdateSet(part))
    .execute();
  return sha256.toString('hex');
}

export async function readPart(db: Db, transferId: string, number: number): Promise<Buffer | undefined> {
  const part = await db
    .selectFrom('transfer_part')
    .select('content')
    .where('transfer_id', '=', transferId)
    .where('number', '=', number)
    .executeTakeFirst();
  return part && expand(part.content);
}

/** How many parts there are, and how many bytes they hold. */
export async function partsOf(
  db: Db,
  transferId: string,
): Promise<{ parts: number; last: number; bytes: number }> {
  const { rows } = await sql<{ parts: string; last: number | null; bytes: string | null }>`
    select count(*) as parts, max(number) as last, sum(bytes) as bytes
    from transfer_part
    where transfer_id = ${transferId}`.execute(db);
  const [found] = rows;
  return { parts: Number(found?.parts), last: found?.last ?? 0, bytes: Number(found?.bytes ?? 0) };
}

/** The file from its beginning. */
export async function* contentOf(db: Db, transferId: string, parts: number): AsyncGenerator<Buffer> {
  for (let number = 1; number <= parts; number += 1) {
    const part = await readPart(db, transferId, number);
    if (!part) throw new UnreadableFile(`part ${number} is missing`);
    yield part;
  }
}

const pieceOf = 256 * 1024;

/** The file as text, in pieces of a size that is easily worked on. */
export async function* textOf(content: AsyncIterable<Buffer>, encoding: string): AsyncGenerator<string> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  const decode = (bytes?: Buffer): string => {
    try {
      return bytes ? decoder.decode(bytes, { stream: true }) : decoder.decode();
    } catch {
      throw new UnreadableFile(`the file is not text in ${encoding}`);
    }
  };
  for await (const part of content)
    for (let at = 0; at < part.length; at += pieceOf) yield decode(part.subarray(at, at + pieceOf));
  yield decode();
}

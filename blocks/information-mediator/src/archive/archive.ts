import { hash } from 'node:crypto';
import { mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { type Kysely, sql } from 'kysely';
import type { ContainerSources } from '../containers/container.ts';
import { containerOfRow, NoContainer } from '../containers/container.ts';
import { writeZip } from '../containers/zip.ts';
import { genesis } from '../evidence/chain.ts';
import { toRecord } from '../evidence/verify-chain.ts';
import type { MediatorTables } from '../tables.ts';
import { type ArchiveManifest, archiveEntry, archiveName, toLine } from './format.ts';

const mostRecords = 2000;

/** Writes a file so that it is there whole or not at all. */
async function writeWhole(folder: string, name: string, bytes: Buffer): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, name);
  const file = await open(`${path}.new`, 'w', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}

/** Archives the next stamped records. Answers how many, 0: there are none. */
async function archiveNext(sources: ContainerSources, folder: string, largest: number): Promise<number> {
  const { db } = sources;
  const last = await db
    .selectFrom('archive')
    .selectAll()
    .orderBy('to_seq', 'desc')
    .limit(1)
    .executeTakeFirst();
  const stamped = await db
    .selectFrom('time_stamp')
    .select((fields) => fields.fn.max('to_seq').as('to'))
    .executeTakeFirstOrThrow();
  if (stamped.to === null) return 0;
  const rows = await db
    .selectFrom('message_log')
    .leftJoin('message_content', 'message_content.seq', 'message_log.seq')
    .selectAll('message_log')
    .select('message_content.contents')
    .where('message_log.seq', '>', last?.to_seq ?? '0')
    .where('message_log.seq', '<=', stamped.to)
    .orderBy('message_log.seq')
    .limit(mostRecords)
    .execute();
  const containers: (readonly [string, Buffer])[] = [];
  const lines: string[] = [];
  let size = 0;
  let taken = 0;
  for (const row of rows) {
    const container = row.contents
      ? await containerOfRow(sources, row, row.contents).catch((error: unknown) => {
          if (error instanceof NoContainer) return undefined;
          throw error;
        })
      : undefined;
    const line = toLine({ seq: row.seq, hash: row.hash, record: toRecord(row) });
    size += line.length + (container?.length ?? 0);
    if (taken > 0 && size > largest) break;
    lines.push(line);
    if (container) containers.push([`${row.seq}.asice`, container]);
    taken += 1;
  }
  const [first, end] = [rows[0], rows[taken - 1]];
  if (!first || !end) return 0;
  const manifest: ArchiveManifest = {
    format: 'govstack-mediator-archive-1',
    from: first.seq,
    to: end.seq,
    previous: last ? { name: last.name, digest: last.digest.toString('base64') } : null,
    chainBefore: (last?.chain_hash ?? genesis).toString('base64'),
    chainAfter: end.hash.toString('base64'),
  };
  const bytes = await writeZip(
    new Map([
      [archiveEntry.manifest, Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`)],
      [archiveEntry.records, Buffer.from(lines.join(''))],
      ...containers,
    ]),
  );
  const digest = hash('sha256', bytes, 'buffer');
  const name = archiveName(first.seq, end.seq, digest);
  await writeWhole(folder, name, bytes);
  await db
    .insertInto('archive')
    .values({ from_seq: first.seq, to_seq: end.seq, name, digest, chain_hash: end.hash })
    .execute();
  return taken;
}

/**
 * Writes every stamped record that is in no archive yet to files of a folder, each linked to the one before it by its
 * digest (x-road.md 5). Answers how many records.
 */
export async function archiveLog(
  sources: ContainerSources,
  folder: string,
  largest: number,
): Promise<number> {
  let records = 0;
  for (;;) {
    const taken = await archiveNext(sources, folder, largest);
    if (taken === 0) return records;
    records += taken;
  }
}

/** Erases records that are archived and older than `days`, whole archives at a time. Answers how many. */
export async function eraseArchived(db: Kysely<MediatorTables>, days: number, now: Date): Promise<number> {
  const before = new Date(now.getTime() - days * 86_400_000);
  const { rows } = await sql<{ to: string | null }>`
    select max(a.to_seq) as to
    from archive a
    join message_log l on l.seq = a.to_seq
    where l.at < ${before}`.execute(db);
  const to = rows[0]?.to;
  if (to === null || to === undefined) return 0;
  const { numAffectedRows } = await sql`delete from message_log where seq <= ${to}`.execute(db);
  return Number(numAffectedRows ?? 0n);
}

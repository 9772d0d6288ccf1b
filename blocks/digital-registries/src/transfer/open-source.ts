import type { Kysely } from 'kysely';
import type { SourceRow } from '../files/source.ts';
import { UnreadableFile } from '../files/unreadable-file.ts';
import { type ReadRange, readXlsx } from '../files/xlsx-read.ts';
import type { RegistryTables } from '../tables.ts';
import { readCsv } from './csv.ts';
import { type ImportRow, optionsOf } from './imports.ts';
import { readJson, readNdjson } from './json.ts';
import { contentOf, readPart, textOf } from './parts.ts';

type Db = Kysely<RegistryTables>;

/** Ranges of a file in parts; the part looked at last stays at hand. */
async function rangesOf(db: Db, transferId: string): Promise<{ range: ReadRange; size: number }> {
  const sizes = await db
    .selectFrom('transfer_part')
    .select(['number', 'bytes'])
    .where('transfer_id', '=', transferId)
    .orderBy('number')
    .execute();
  let size = 0;
  const parts = sizes.map(({ number, bytes }) => {
    const start = size;
    size += bytes;
    return { number, start, end: size };
  });
  let held: { readonly number: number; readonly content: Promise<Buffer | undefined> } | undefined;
  async function* range(start: number, end: number): AsyncGenerator<Buffer> {
    for (const part of parts) {
      if (part.end <= start || part.start >= end) continue;
      if (held?.number !== part.number)
        held = { number: part.number, content: readPart(db, transferId, part.number) };
      const content = await held.content;
      if (!content) throw new UnreadableFile(`part ${part.number} is missing`);
      yield content.subarray(Math.max(0, start - part.start), Math.min(content.length, end - part.start));
    }
  }
  return { range, size };
}

/** The rows of what was uploaded for an import, a batch at a time. `parts`: how many there are. */
export async function* openSource(
  db: Db,
  row: ImportRow,
  parts: number,
): AsyncGenerator<readonly SourceRow[]> {
  const { delimiter, encoding = 'utf-8', sheet } = optionsOf(row);
  if (row.format === 'xlsx') {
    const { range, size } = await rangesOf(db, row.id);
    yield* readXlsx(range, size, sheet);
    return;
  }
  const texts = textOf(contentOf(db, row.id, parts), encoding);
  if (row.format === 'csv') yield* readCsv(texts, delimiter);
  else yield* row.format === 'json' ? readJson(texts) : readNdjson(texts);
}

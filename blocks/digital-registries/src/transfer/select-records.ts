import { badRequest } from '@govstack/platform';
import type { Kysely } from 'kysely';
import type { Granted, Reader } from '../access/access.ts';
import type { SubjectHash } from '../history/read-log.ts';
import { type Content, contentOf, fieldNamed } from '../records/content.ts';
import { type Filter, listRecords } from '../records/list.ts';
import { byKeys, shownRows } from '../records/read.ts';
import type { Field } from '../schema/field.ts';
import type { RegistryTables } from '../tables.ts';

/** Which records, and what of them. */
export interface Selection {
  readonly keys?: readonly string[];
  readonly query?: { readonly content: Content };
  readonly filter?: readonly Filter[];
  readonly words?: string;
  readonly fields?: readonly string[];
  readonly watermark?: boolean;
}

/** The fields that a selection shows, of those that the reader may see. */
export function fieldsOfSelection(
  { fields }: Granted,
  { fields: names, keys, query, filter, words }: Selection,
): readonly Field[] {
  if (keys && (query || filter || words !== undefined))
    throw badRequest('Records are selected by their keys, or filtered');
  return names ? [...new Set(names)].map((name) => fieldNamed(fields, name, '/fields')) : fields;
}

const keysAtOnce = 1000;

/**
 * The next records of a selection after a place, at most `most`; that they are shown is in the read log. `next`:
 * where to go on, undefined at the end.
 */
export async function nextRecords(
  db: Kysely<RegistryTables>,
  granted: Granted,
  reader: Reader,
  selection: Selection,
  place: string | undefined,
  most: number,
  hash: SubjectHash,
): Promise<{ readonly contents: readonly Content[]; readonly next: string | undefined }> {
  const shown = fieldsOfSelection(granted, selection);
  if (selection.keys) {
    const keys = [...new Set(selection.keys)];
    const from = Number(place ?? 0);
    const to = from + Math.min(most, keysAtOnce);
    const rows = await byKeys(db, granted, keys.slice(from, to));
    await shownRows(db, granted, reader, 'list', rows, hash, shown);
    return {
      contents: rows.map((row) => contentOf(shown, row)),
      next: to < keys.length ? String(to) : undefined,
    };
  }
  const { results, next } = await listRecords(
    db,
    granted,
    reader,
    {
      query: selection.query?.content ?? {},
      filters: selection.filter ?? [],
      words: selection.words,
      order: undefined,
      descending: false,
      pageSize: most,
      cursor: place,
      skip: 0,
      count: false,
      shown,
    },
    hash,
  );
  return { contents: results.map(({ content }) => content), next };
}

import { conflict } from '@govstack/platform';
import type { Kysely } from 'kysely';
import type { Granted } from '../access/access.ts';
import { UnreadableFile } from '../files/unreadable-file.ts';
import type { RegistryTables } from '../tables.ts';
import { type ImportRow, mappingOf } from './imports.ts';
import { type Proposal, proposeMapping } from './mapping.ts';
import { openSource } from './open-source.ts';
import { partsOf } from './parts.ts';
import { headingsOf } from './shape.ts';

const shownRows = 10;
const longestCell = 200;

/** Columns and first rows of what was uploaded so far; with the mapping, or one that is proposed. */
export async function previewOf(
  db: Kysely<RegistryTables>,
  row: ImportRow,
  granted: Granted,
): Promise<{ columns: readonly Proposal[]; rows: readonly (readonly (string | null)[])[] }> {
  const { parts, last } = await partsOf(db, row.id);
  if (parts === 0 || parts !== last) throw conflict('The file is not here from its beginning');
  try {
    for await (const batch of openSource(db, row, row.format === 'xlsx' ? parts : 1)) {
      const headings = headingsOf(batch, row.format === 'csv');
      const mapping = mappingOf(row);
      const proposals = proposeMapping(headings, granted.fields);
      const columns = mapping
        ? proposals.map((one) => ({
            ...one,
            field: mapping.find(({ column }) => column === one.column)?.field ?? null,
          }))
        : proposals;
      const rows = (batch[0]?.cells ? batch.slice(1) : batch).slice(0, shownRows).map(({ cells, json }) =>
        headings.map((heading, index) => {
          const value = cells ? cells[index] : (json as Record<string, unknown> | undefined)?.[heading];
          if (value === undefined || value === null) return null;
          return (typeof value === 'string' ? value : JSON.stringify(value))
            .slice(0, longestCell)
            .toWellFormed();
        }),
      );
      return { columns, rows };
    }
  } catch (error) {
    if (error instanceof UnreadableFile) throw conflict(`The file cannot be read: ${error.message}`);
    throw error;
  }
  throw conflict('The file is empty');
}

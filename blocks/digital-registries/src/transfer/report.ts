import type { Kysely } from 'kysely';
import type { RegistryTables } from '../tables.ts';
import { csvCell, neutralised } from './csv.ts';
import { reportPart } from './imports.ts';

const line = (cells: readonly (string | null)[]): string =>
  `${cells.map((cell) => csvCell(cell === null ? null : neutralised(cell))).join(',')}\r\n`;

/** A part of the report on an import, by row; undefined when there is none of this number. */
export async function readReport(
  db: Kysely<RegistryTables>,
  importId: string,
  part: number,
): Promise<string | undefined> {
  const faults = await db
    .selectFrom('transfer_fault')
    .select(['row', 'field', 'detail', 'value'])
    .where('import_id', '=', importId)
    .orderBy('row')
    .orderBy('number')
    .limit(reportPart)
    .offset((part - 1) * reportPart)
    .execute();
  if (faults.length === 0 && part > 1) return undefined;
  const heading = part === 1 ? `\ufeff${line(['Row', 'Field', 'What is wrong', 'Value'])}` : '';
  return heading + faults.map(({ row, field, detail, value }) => line([row, field, detail, value])).join('');
}

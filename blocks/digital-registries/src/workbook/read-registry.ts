import type { SourceRow } from '../files/source.ts';
import type { SheetRows } from '../files/xlsx-read.ts';
import { FaultyCell, readJson, readText } from './cell-values.ts';
import { otherHeading } from './columns.ts';
import { type CellPlace, type Faults, keyHeading, textFrom, valueHeading } from './sheets.ts';

/** What a workbook says of the registry besides its fields. */
export interface SheetKeywords {
  readonly said: ReadonlyMap<string, unknown>;
  place(keyword: string): CellPlace | undefined;
}

const mostColumns = 16_384;

/** What a row says: one keyword, or several where their names cannot stand in a cell. */
function saidIn(row: SourceRow, key: string): readonly (readonly [string, unknown])[] {
  const value = readJson(textFrom(row, 1, mostColumns));
  if (key !== otherHeading) return [[key, value]];
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new FaultyCell('is not a JSON object');
  return Object.entries(value);
}

/** The keywords of the second sheet. The fields are on the first one alone. */
export function readKeywords(sheet: SheetRows | undefined, faults: Faults): SheetKeywords {
  const said = new Map<string, unknown>();
  const rowOf = new Map<string, number>();
  const at = (row: number, column: number, heading: string): CellPlace => ({
    sheet: sheet?.name ?? '',
    row,
    column,
    heading,
  });
  const [first, ...rows] = sheet?.rows ?? [];
  for (const [column, heading] of [keyHeading, valueHeading].entries())
    if (first && first.cells?.[column]?.trim().toLowerCase() !== heading)
      faults.add(at(first.row, column, heading), `the heading must be ${heading}`);
  for (const row of rows) {
    const key = row.cells?.[0]?.trim() ?? '';
    const keyPlace = at(row.row, 0, keyHeading);
    if (key === '') {
      if (textFrom(row, 1, mostColumns).trim() !== '') faults.add(keyPlace, 'is empty');
      continue;
    }
    if (faults.reading(keyPlace, () => readText(key)) === undefined) continue;
    for (const [keyword, value] of faults.reading(at(row.row, 1, valueHeading), () => saidIn(row, key)) ??
      []) {
      if (keyword === 'properties') faults.add(keyPlace, 'the fields have a sheet of their own');
      else if (said.has(keyword)) faults.add(keyPlace, `is said in row ${rowOf.get(keyword)} as well`);
      said.set(keyword, value);
      rowOf.set(keyword, row.row);
    }
  }
  return {
    said,
    place(keyword) {
      const row = rowOf.get(keyword);
      return row === undefined ? undefined : at(row, 1, valueHeading);
    },
  };
}

import type { SourceRow } from '../files/source.ts';
import type { SheetRows } from '../files/xlsx-read.ts';
import { FaultyCell, readFlag, readJson, readText } from './cell-values.ts';
import { fieldColumns, headingOf, nameHeading, otherHeading, requiredHeading } from './columns.ts';
import { type CellPlace, cellAt, type Faults, textFrom } from './sheets.ts';

type Property = Record<string, unknown>;

/** The fields of a workbook. */
export interface SheetFields {
  readonly properties: readonly (readonly [name: string, property: Property])[];
  /** Undefined: the sheet has no such column. */
  readonly required: readonly string[] | undefined;
  /** Where a field, or what a keyword says of it, stands. */
  place(name: string, keyword?: string): CellPlace | undefined;
}

/** Columns of the sheet by their headings. */
type Columns = ReadonlyMap<string, number>;

function columnsOf({ name: sheet, rows }: SheetRows, faults: Faults): Columns {
  const columns = new Map<string, number>();
  const [first] = rows;
  for (const [column, text] of (first?.cells ?? []).entries()) {
    if (text === null || text.trim() === '') continue;
    const place = { sheet, row: first?.row ?? 1, column };
    const heading = faults.reading(place, () => headingOf(text));
    if (heading === undefined) continue;
    if (columns.has(heading)) faults.add(place, `is ${heading} for the second time`);
    else columns.set(heading, column);
  }
  if (!columns.has(nameHeading) && faults.details.length === 0)
    faults.add({ sheet, row: first?.row ?? 1, column: 0 }, `no column is called ${nameHeading}`);
  return columns;
}

/** Where the text under the last heading ends: after it only cells without a heading may follow. */
const endOfOther = (columns: Columns, at: number): number =>
  Math.min(Infinity, ...[...columns.values()].filter((column) => column > at));

function otherOf(row: SourceRow, columns: Columns): Property {
  const at = columns.get(otherHeading);
  if (at === undefined) return {};
  const text = textFrom(row, at, endOfOther(columns, at));
  if (text.trim() === '') return {};
  const other = readJson(text);
  if (typeof other !== 'object' || other === null || Array.isArray(other))
    throw new FaultyCell('is not a JSON object');
  return other as Property;
}

/** Cells that stand under no heading, and do not go on with the text of the last one. */
function strayCells({ cells = [] }: SourceRow, columns: Columns): number[] {
  const headed = new Set(columns.values());
  const other = columns.get(otherHeading) ?? Infinity;
  const end = endOfOther(columns, other);
  return cells.flatMap((cell, column) =>
    cell === null || cell.trim() === '' || headed.has(column) || (column > other && column < end)
      ? []
      : [column],
  );
}

/** What a row says of a field. */
function propertyOf(row: SourceRow, sheet: string, columns: Columns, faults: Faults): Property {
  const placeOf = (heading: string): CellPlace => ({
    sheet,
    row: row.row,
    column: columns.get(heading) ?? 0,
    heading,
  });
  const other = faults.reading(placeOf(otherHeading), () => otherOf(row, columns)) ?? {};
  const property = new Map<string, unknown>();
  let type = other.type;
  for (const { heading, keyword, read } of fieldColumns) {
    const text = cellAt(row, columns.get(heading));
    if (text === undefined) continue;
    if (Object.hasOwn(other, keyword)) faults.add(placeOf(heading), `is said under ${otherHeading} as well`);
    const known = typeof type === 'string' ? type : undefined;
    const value = faults.reading(placeOf(heading), () => read(text, known));
    if (keyword === 'type') type = value;
    if (value !== undefined) property.set(keyword, value);
  }
  return { ...Object.fromEntries(property), ...other };
}

/** The fields that a sheet tells of, one a row. */
export function readFields(sheet: SheetRows, faults: Faults): SheetFields {
  const columns = columnsOf(sheet, faults);
  const properties = new Map<string, Property>();
  const rowOf = new Map<string, number>();
  const required: string[] = [];
  const at = (row: number, heading: string): CellPlace => ({
    sheet: sheet.name,
    row,
    column: columns.get(heading) ?? 0,
    heading,
  });
  // Under headings that are not understood nothing can be.
  for (const row of faults.details.length === 0 ? sheet.rows.slice(1) : []) {
    for (const column of strayCells(row, columns))
      faults.add({ sheet: sheet.name, row: row.row, column }, 'has no heading above it');
    const name = cellAt(row, columns.get(nameHeading))?.trim();
    const place = at(row.row, nameHeading);
    if (name === undefined || faults.reading(place, () => readText(name)) === undefined) {
      if (name === undefined && row.cells?.some((cell) => cell !== null && cell.trim() !== ''))
        faults.add(place, 'is empty');
      continue;
    }
    if (properties.has(name)) faults.add(place, `is the name of the field in row ${rowOf.get(name)} as well`);
    properties.set(name, propertyOf(row, sheet.name, columns, faults));
    rowOf.set(name, row.row);
    const said = cellAt(row, columns.get(requiredHeading));
    if (said !== undefined && faults.reading(at(row.row, requiredHeading), () => readFlag(said)))
      required.push(name);
  }
  return {
    properties: [...properties],
    required: columns.has(requiredHeading) ? required : undefined,
    place(name, keyword) {
      const row = rowOf.get(name);
      if (row === undefined) return undefined;
      if (keyword === undefined) return at(row, nameHeading);
      const own = fieldColumns.find((one) => one.keyword === keyword)?.heading ?? otherHeading;
      const inOther = sheet.rows.some((one) => one.row === row && !cellAt(one, columns.get(own)));
      return at(row, [inOther ? otherHeading : own, own].find((one) => columns.has(one)) ?? nameHeading);
    },
  };
}

import { isDeepStrictEqual } from 'node:util';
import type { SheetCell } from '../files/xlsx-rows.ts';
import { writeWorkbook } from '../files/xlsx-write.ts';
import type { RegistrySchema } from '../schema/compile.ts';
import { FaultyCell } from './cell-values.ts';
import {
  type FieldColumn,
  fieldColumns,
  headings,
  nameHeading,
  otherHeading,
  requiredHeading,
} from './columns.ts';
import { fieldsSheet, keyHeading, registrySheet, valueHeading } from './sheets.ts';

type Property = RegistrySchema['properties'][string];

/** Characters that spreadsheets take in one cell. */
const longestCell = 32_767;

const text = (value: string): SheetCell => ({ kind: 'text', value });

/** A text over as many cells as it needs, none of which ends within a character. */
function inCells(value: string): SheetCell[] {
  const cells: SheetCell[] = [];
  for (let from = 0; from < value.length; ) {
    const end = from + longestCell;
    const splits = end < value.length && /[\ud800-\udbff]/.test(value.charAt(end - 1));
    const to = splits ? end - 1 : end;
    cells.push(text(value.slice(from, to)));
    from = to;
  }
  return cells;
}

function written(value: unknown): SheetCell {
  if (typeof value === 'boolean') return { kind: 'boolean', value };
  if (typeof value === 'number') return { kind: 'number', value: String(value) };
  if (typeof value === 'string') return text(value);
  return text(Array.isArray(value) ? value.join('\n') : JSON.stringify(value));
}

/** The cell that stands for a value; undefined where none would be read as the same again. */
function cellFor({ read }: FieldColumn, value: unknown, type: unknown): SheetCell {
  if (value === undefined || value === null) return undefined;
  const cell = written(value);
  const said = String(cell?.value);
  if (said.trim() === '' || said.length > longestCell || !said.isWellFormed()) return undefined;
  try {
    return isDeepStrictEqual(read(said, type), value) ? cell : undefined;
  } catch (error) {
    if (error instanceof FaultyCell) return undefined;
    throw error;
  }
}

function fieldRow(name: string, property: Property, required: boolean): SheetCell[] {
  const cells = new Map<string, SheetCell>([[nameHeading, text(name)]]);
  if (required) cells.set(requiredHeading, { kind: 'boolean', value: true });
  const rest = new Map(Object.entries(property));
  // A type that no cell can say is not known when the cells beside it are read.
  const type = typeof property.type === 'string' ? property.type : undefined;
  for (const column of fieldColumns) {
    const cell = cellFor(column, property[column.keyword], type);
    if (!cell) continue;
    cells.set(column.heading, cell);
    rest.delete(column.keyword);
  }
  const other = rest.size === 0 ? [] : inCells(JSON.stringify(Object.fromEntries(rest)));
  return [...headings.filter((one) => one !== otherHeading).map((heading) => cells.get(heading)), ...other];
}

/** Whether a word can stand in a cell of its own. */
const isSayable = (word: string): boolean =>
  word.trim() === word &&
  word !== '' &&
  word !== otherHeading &&
  word.length <= longestCell &&
  word.isWellFormed();

/** What a schema says besides its fields. The order of `required` is said only where it is not that of the fields. */
function registryRows({ type, properties, required, ...rest }: RegistrySchema): SheetCell[][] {
  const names = Object.keys(properties).filter((name) => required?.includes(name));
  const inOrder = required === undefined || (names.length > 0 && isDeepStrictEqual(names, required));
  const said = Object.entries({
    ...(type === 'object' ? {} : { type }),
    ...(inOrder ? {} : { required }),
    ...rest,
  }).filter(([, value]) => value !== undefined);
  const odd = said.filter(([key]) => !isSayable(key));
  return [
    ...said.filter(([key]) => isSayable(key)),
    ...(odd.length === 0 ? [] : [[otherHeading, Object.fromEntries(odd)] as const]),
  ].map(([key, value]) => [text(key), ...inCells(JSON.stringify(value))]);
}

/** A schema as a workbook: a sheet with a row a field, and one with what is said of the registry. */
export function writeSchema(schema: RegistrySchema): Promise<Buffer> {
  const required = new Set<unknown>(Array.isArray(schema.required) ? schema.required : []);
  const fields = Object.entries(schema.properties).map(([name, property]) =>
    fieldRow(name, property, required.has(name)),
  );
  return writeWorkbook([
    { name: fieldsSheet, rows: [headings.map(text), ...fields] },
    { name: registrySheet, rows: [[keyHeading, valueHeading].map(text), ...registryRows(schema)] },
  ]);
}

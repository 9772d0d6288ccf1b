import { serialOf, toXml } from './xlsx-text.ts';

export type SheetCell =
  | { readonly kind: 'text' | 'number' | 'date'; readonly value: string }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | undefined;

/** Letters of a column: A, …, Z, AA, … */
export const lettersOf = (column: number): string =>
  (column >= 26 ? lettersOf(Math.floor(column / 26) - 1) : '') + String.fromCharCode(65 + (column % 26));

function cellXml(cell: SheetCell, reference: string): string {
  if (!cell) return '';
  if (cell.kind === 'boolean') return `<c r="${reference}" t="b"><v>${cell.value ? 1 : 0}</v></c>`;
  if (cell.kind === 'number') return `<c r="${reference}"><v>${cell.value}</v></c>`;
  const serial = cell.kind === 'date' ? serialOf(cell.value) : undefined;
  if (serial !== undefined) return `<c r="${reference}" s="1"><v>${serial}</v></c>`;
  return `<c r="${reference}" s="2" t="inlineStr"><is><t xml:space="preserve">${toXml(cell.value)}</t></is></c>`;
}

/** Rows of a sheet, after the first `before`. */
export function rowsXml(rows: readonly (readonly SheetCell[])[], before: number): string {
  const width = rows.reduce((most, { length }) => Math.max(most, length), 0);
  const columns = Array.from({ length: width }, (_, column) => lettersOf(column));
  return rows
    .map((cells, index) => {
      const row = before + index + 1;
      return `<row r="${row}">${cells.map((cell, column) => cellXml(cell, `${columns[column]}${row}`)).join('')}</row>`;
    })
    .join('');
}

import type { SheetCell } from '../files/xlsx-rows.ts';
import { addRows, beginWorkbook, endWorkbook, type WorkbookState } from '../files/xlsx-write.ts';
import type { Content } from '../records/content.ts';
import type { Field } from '../schema/field.ts';
import { csvCell, neutralised } from './csv.ts';
import { remark } from './mapping.ts';
import type { FileFormat } from './tables.ts';
import { cellOfValue } from './values.ts';

/** What stands in a file, and who made it where that is to be said. */
export interface Layout {
  readonly format: FileFormat;
  readonly fields: readonly Field[];
  readonly watermark: string | undefined;
}

/** A piece of a file, and what the next piece must know of those before it. */
export interface Piece {
  readonly bytes: Buffer;
  readonly progress: WorkbookState | { readonly rows: number };
}

export const mediaTypes: Readonly<Record<FileFormat, string>> = {
  csv: 'text/csv; charset=utf-8',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  json: 'application/json',
  ndjson: 'application/x-ndjson',
};

const byteOrderMark = '\ufeff';
const watermarkHeading = `${remark}exported`;

const csvLine = (cells: readonly (string | null)[], watermark: string | undefined): string =>
  `${[...cells, ...(watermark === undefined ? [] : [watermark])].map(csvCell).join(',')}\r\n`;

const csvRow = ({ fields, watermark }: Layout, content: Content): string =>
  csvLine(
    fields.map(({ name, type }) => {
      const value = content[name] ?? null;
      if (value === null) return null;
      const text = cellOfValue(type, value);
      return type === 'text' ? neutralised(text) : text;
    }),
    watermark,
  );

function sheetCell({ type }: Field, value: unknown): SheetCell {
  if (value === undefined || value === null) return undefined;
  if (type === 'boolean') return { kind: 'boolean', value: value === true };
  if (type === 'integer' || type === 'number') return { kind: 'number', value: String(value) };
  return { kind: type === 'date' ? 'date' : 'text', value: cellOfValue(type, value) };
}

const marked = (cells: readonly SheetCell[], watermark: string | undefined): readonly SheetCell[] =>
  watermark === undefined ? cells : [...cells, { kind: 'text', value: watermark }];

const jsonRow = ({ fields }: Layout, content: Content): string =>
  JSON.stringify(Object.fromEntries(fields.map(({ name }) => [name, content[name] ?? null])));

/** The beginning of a file: what stands before the first record. */
export async function beginFile({ format, fields, watermark }: Layout): Promise<Piece> {
  const names = fields.map(({ name }) => name);
  const heading = watermark === undefined ? undefined : watermarkHeading;
  if (format === 'xlsx') {
    const begun = await beginWorkbook();
    const headings = names.map((value): SheetCell => ({ kind: 'text', value }));
    const { bytes, state } = await addRows(begun.state, [marked(headings, heading)]);
    return { bytes: Buffer.concat([begun.bytes, bytes]), progress: state };
  }
  const text =
    format === 'csv'
      ? byteOrderMark + csvLine(names.map(neutralised), heading)
      : format === 'json'
        ? '['
        : '';
  return { bytes: Buffer.from(text), progress: { rows: 0 } };
}

/** Records of a file, after what is there. */
export async function addRecords(
  layout: Layout,
  progress: Piece['progress'],
  contents: readonly Content[],
): Promise<Piece> {
  if ('crc' in progress) {
    const rows = contents.map((content) =>
      marked(
        layout.fields.map((field) => sheetCell(field, content[field.name])),
        layout.watermark,
      ),
    );
    const { bytes, state } = await addRows(progress, rows);
    return { bytes, progress: state };
  }
  const lines = contents.map((content, index) => {
    if (layout.format === 'csv') return csvRow(layout, content);
    const json = jsonRow(layout, content);
    if (layout.format === 'ndjson') return `${json}\n`;
    return `${progress.rows + index === 0 ? '\n' : ',\n'}${json}`;
  });
  return { bytes: Buffer.from(lines.join('')), progress: { rows: progress.rows + contents.length } };
}

export async function endFile({ format }: Layout, progress: Piece['progress']): Promise<Buffer> {
  if ('crc' in progress) return endWorkbook(progress);
  return Buffer.from(format === 'json' ? '\n]\n' : '');
}

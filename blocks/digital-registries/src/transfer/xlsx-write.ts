import { promisify } from 'node:util';
import { constants, crc32, deflateRaw } from 'node:zlib';
import { serialOf, toXml } from './xlsx-text.ts';

const deflate = promisify(deflateRaw);

/** What the rest of a workbook must know of what is before it. */
export interface WorkbookState {
  readonly row: number;
  readonly crc: number;
  readonly size: number;
  readonly compressed: number;
  /** Where the sheet begins in the file. */
  readonly sheetAt: number;
  readonly entries: readonly {
    readonly name: string;
    readonly crc: number;
    readonly size: number;
    readonly at: number;
  }[];
}

export type SheetCell =
  | { readonly kind: 'text' | 'number' | 'date'; readonly value: string }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | undefined;

/** Rows that fit on a sheet. */
export const mostSheetRows = 1_048_576;

const declaration = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>';
const main = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
const office = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const packaged = 'http://schemas.openxmlformats.org/package/2006';
const type = 'application/vnd.openxmlformats-officedocument.spreadsheetml';
const sheetName = 'xl/worksheets/sheet1.xml';

/** Styles: 0 as it is, 1 a date, 2 text that is never taken for a formula, however it is edited. */
const files: readonly (readonly [name: string, content: string])[] = [
  [
    '[Content_Types].xml',
    `<Types xmlns="${packaged}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="${type}.sheet.main+xml"/><Override PartName="/${sheetName}" ContentType="${type}.worksheet+xml"/><Override PartName="/xl/styles.xml" ContentType="${type}.styles+xml"/></Types>`,
  ],
  [
    '_rels/.rels',
    `<Relationships xmlns="${packaged}/relationships"><Relationship Id="rId1" Type="${office}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
  ],
  [
    'xl/workbook.xml',
    `<workbook xmlns="${main}" xmlns:r="${office}"><sheets><sheet name="Records" sheetId="1" r:id="rId1"/></sheets></workbook>`,
  ],
  [
    'xl/_rels/workbook.xml.rels',
    `<Relationships xmlns="${packaged}/relationships"><Relationship Id="rId1" Type="${office}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="${office}/styles" Target="styles.xml"/></Relationships>`,
  ],
  [
    'xl/styles.xml',
    `<styleSheet xmlns="${main}"><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/></numFmts><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="3"><xf numFmtId="0" xfId="0"/><xf numFmtId="164" xfId="0" applyNumberFormat="1"/><xf numFmtId="49" xfId="0" quotePrefix="1" applyNumberFormat="1"/></cellXfs></styleSheet>`,
  ],
];

/** Flag bits: the sizes of the sheet follow it; names are UTF-8. */
const sizesFollow = 0x0808;
const named = 0x0800;

function localHeader(name: string, streamed: boolean, crc: number, size: number): Buffer {
  const bytes = Buffer.from(name);
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(20, 4);
  header.writeUInt16LE(streamed ? sizesFollow : named, 6);
  header.writeUInt16LE(streamed ? 8 : 0, 8);
  header.writeUInt16LE(0x21, 12);
  header.writeUInt32LE(crc, 14);
  header.writeUInt32LE(size, 18);
  header.writeUInt32LE(size, 22);
  header.writeUInt16LE(bytes.length, 26);
  return Buffer.concat([header, bytes]);
}

function centralHeader(
  name: string,
  streamed: boolean,
  crc: number,
  compressed: number,
  size: number,
  at: number,
): Buffer {
  const bytes = Buffer.from(name);
  const header = Buffer.alloc(46);
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE(20, 4);
  header.writeUInt16LE(20, 6);
  header.writeUInt16LE(streamed ? sizesFollow : named, 8);
  header.writeUInt16LE(streamed ? 8 : 0, 10);
  header.writeUInt16LE(0x21, 14);
  header.writeUInt32LE(crc, 16);
  header.writeUInt32LE(compressed, 20);
  header.writeUInt32LE(size, 24);
  header.writeUInt16LE(bytes.length, 28);
  header.writeUInt32LE(at, 42);
  return Buffer.concat([header, bytes]);
}

/** More of the sheet: deflated to a byte's end, so that pieces made apart are one stream. */
async function more(
  state: WorkbookState,
  xml: string,
  last: boolean,
): Promise<{ bytes: Buffer; state: WorkbookState }> {
  const content = Buffer.from(xml);
  const bytes = await deflate(content, {
    level: 1,
    finishFlush: last ? constants.Z_FINISH : constants.Z_FULL_FLUSH,
  });
  return {
    bytes,
    state: {
      ...state,
      crc: crc32(content, state.crc),
      size: state.size + content.length,
      compressed: state.compressed + bytes.length,
    },
  };
}

/** The beginning of a workbook with one sheet. */
export async function beginWorkbook(): Promise<{ bytes: Buffer; state: WorkbookState }> {
  const entries: WorkbookState['entries'][number][] = [];
  const written: Buffer[] = [];
  let at = 0;
  for (const [name, xml] of files) {
    const content = Buffer.from(declaration + xml);
    const crc = crc32(content);
    entries.push({ name, crc, size: content.length, at });
    written.push(localHeader(name, false, crc, content.length), content);
    at = written.reduce((length, one) => length + one.length, 0);
  }
  const begun = { row: 0, crc: 0, size: 0, compressed: 0, sheetAt: at, entries };
  const sheet = await more(begun, `${declaration}<worksheet xmlns="${main}"><sheetData>`, false);
  return {
    bytes: Buffer.concat([...written, localHeader(sheetName, true, 0, 0), sheet.bytes]),
    state: sheet.state,
  };
}

/** Letters of a column: A, …, Z, AA, … */
const lettersOf = (column: number): string =>
  (column >= 26 ? lettersOf(Math.floor(column / 26) - 1) : '') + String.fromCharCode(65 + (column % 26));

function cellXml(cell: SheetCell, reference: string): string {
  if (!cell) return '';
  if (cell.kind === 'boolean') return `<c r="${reference}" t="b"><v>${cell.value ? 1 : 0}</v></c>`;
  if (cell.kind === 'number') return `<c r="${reference}"><v>${cell.value}</v></c>`;
  const serial = cell.kind === 'date' ? serialOf(cell.value) : undefined;
  if (serial !== undefined) return `<c r="${reference}" s="1"><v>${serial}</v></c>`;
  return `<c r="${reference}" s="2" t="inlineStr"><is><t xml:space="preserve">${toXml(cell.value)}</t></is></c>`;
}

export function addRows(
  state: WorkbookState,
  rows: readonly (readonly SheetCell[])[],
): Promise<{ bytes: Buffer; state: WorkbookState }> {
  const columns = (rows[0] ?? []).map((_, column) => lettersOf(column));
  const xml = rows
    .map((cells, index) => {
      const row = state.row + index + 1;
      return `<row r="${row}">${cells.map((cell, column) => cellXml(cell, `${columns[column]}${row}`)).join('')}</row>`;
    })
    .join('');
  return more({ ...state, row: state.row + rows.length }, xml, false);
}

/** The end of a workbook. */
export async function endWorkbook(begun: WorkbookState): Promise<Buffer> {
  const { bytes, state } = await more(begun, '</sheetData></worksheet>', true);
  const descriptor = Buffer.alloc(16);
  descriptor.writeUInt32LE(0x08074b50, 0);
  descriptor.writeUInt32LE(state.crc, 4);
  descriptor.writeUInt32LE(state.compressed, 8);
  descriptor.writeUInt32LE(state.size, 12);
  const directory = Buffer.concat([
    ...state.entries.map(({ name, crc, size, at }) => centralHeader(name, false, crc, size, size, at)),
    centralHeader(sheetName, true, state.crc, state.compressed, state.size, state.sheetAt),
  ]);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(state.entries.length + 1, 8);
  end.writeUInt16LE(state.entries.length + 1, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(state.sheetAt + 30 + sheetName.length + state.compressed + descriptor.length, 16);
  return Buffer.concat([bytes, descriptor, directory, end]);
}

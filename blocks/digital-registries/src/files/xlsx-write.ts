import { promisify } from 'node:util';
import { constants, crc32, deflateRaw } from 'node:zlib';
import { partsOf, sheetBegin, sheetEnd, sheetFile } from './xlsx-parts.ts';
import { rowsXml, type SheetCell } from './xlsx-rows.ts';
import { archiveOf, dataDescriptor, directory, localHeader, type ZipEntry } from './zip.ts';

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

/** Rows that fit on a sheet. */
export const mostSheetRows = 1_048_576;

const stored = (one: WorkbookState['entries'][number]): ZipEntry => ({
  ...one,
  compressed: one.size,
  method: 'stored',
});
const sheetEntry = (sizes: Pick<ZipEntry, 'crc' | 'size' | 'compressed' | 'at'>): ZipEntry => ({
  name: sheetFile(0),
  method: 'streamed',
  ...sizes,
});

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

/** The files at the beginning of an archive, kept as they are. */
function storedFiles(files: readonly (readonly [name: string, content: string])[]) {
  const entries: WorkbookState['entries'][number][] = [];
  const written: Buffer[] = [];
  let at = 0;
  for (const [name, text] of files) {
    const content = Buffer.from(text);
    const entry = { name, crc: crc32(content), size: content.length, at };
    const header = localHeader(stored(entry));
    entries.push(entry);
    written.push(header, content);
    at += header.length + content.length;
  }
  return { entries, bytes: Buffer.concat(written) };
}

/** The beginning of a workbook with one sheet. */
export async function beginWorkbook(): Promise<{ bytes: Buffer; state: WorkbookState }> {
  const { entries, bytes } = storedFiles(partsOf(['Records']));
  const begun = { row: 0, crc: 0, size: 0, compressed: 0, sheetAt: bytes.length, entries };
  const sheet = await more(begun, sheetBegin, false);
  const header = localHeader(sheetEntry({ crc: 0, size: 0, compressed: 0, at: begun.sheetAt }));
  return { bytes: Buffer.concat([bytes, header, sheet.bytes]), state: sheet.state };
}

export const addRows = (
  state: WorkbookState,
  rows: readonly (readonly SheetCell[])[],
): Promise<{ bytes: Buffer; state: WorkbookState }> =>
  more({ ...state, row: state.row + rows.length }, rowsXml(rows, state.row), false);

/** The end of a workbook. */
export async function endWorkbook(begun: WorkbookState): Promise<Buffer> {
  const { bytes, state } = await more(begun, sheetEnd, true);
  const sheet = sheetEntry({ ...state, at: state.sheetAt });
  const descriptor = dataDescriptor(state);
  const end = state.sheetAt + localHeader(sheet).length + state.compressed + descriptor.length;
  return Buffer.concat([bytes, descriptor, directory([...state.entries.map(stored), sheet], end)]);
}

/** A sheet that is small enough to be written at once. */
export interface WholeSheet {
  readonly name: string;
  readonly rows: readonly (readonly SheetCell[])[];
}

/** A whole workbook with these sheets. */
export async function writeWorkbook(sheets: readonly WholeSheet[]): Promise<Buffer> {
  const { entries, bytes } = storedFiles(partsOf(sheets.map(({ name }) => name)));
  const files = sheets.map(({ rows }, index) => ({
    name: sheetFile(index),
    content: Buffer.from(sheetBegin + rowsXml(rows, 0) + sheetEnd),
  }));
  return archiveOf(files, { entries: entries.map(stored), bytes });
}

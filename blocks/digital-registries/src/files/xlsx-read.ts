import { longestRow, type SourceRow } from './source.ts';
import { UnreadableFile } from './unreadable-file.ts';
import { cellsOf, dateStyles, type Shared, sharedTexts } from './xlsx-cells.ts';
import { openPackage, type Package, type ReadRange, unreadable } from './xlsx-package.ts';
import { decodeEntities } from './xlsx-text.ts';
import { attribute, elementsOf } from './xml.ts';

export type { ReadRange } from './xlsx-package.ts';

/** Of the lists that must be held in memory: texts, styles. */
const mostHeld = 64 * 1024 * 1024;

interface SheetPlace {
  readonly name: string;
  /** Its file; undefined: the workbook lacks it. */
  readonly file: string | undefined;
}

async function sheetsOf(workbook: Package, most: number): Promise<SheetPlace[]> {
  const links = await workbook.whole('xl/_rels/workbook.xml.rels', most);
  const targets = new Map<string | undefined, string>();
  for (const { tag } of elementsOf(links, 'Relationship'))
    targets.set(attribute(tag, 'Id'), attribute(tag, 'Target') ?? '');
  const list = await workbook.whole('xl/workbook.xml', most);
  return [...elementsOf(list, 'sheet')].map(({ tag }) => {
    const target = targets.get(attribute(tag, 'r:id')) ?? '';
    const file = target.startsWith('/') ? target.slice(1) : `xl/${target}`;
    return {
      name: decodeEntities(attribute(tag, 'name') ?? ''),
      file: workbook.sizeOf(file) === undefined ? undefined : file,
    };
  });
}

const sharedOf = async (workbook: Package, most: number): Promise<Shared> => ({
  dates: dateStyles(await workbook.whole('xl/styles.xml', most)),
  texts: sharedTexts(await workbook.whole('xl/sharedStrings.xml', most)),
});

const fileOf = ({ file }: SheetPlace): string => {
  if (file === undefined) throw new UnreadableFile('the workbook lacks its sheet');
  return file;
};

/** Rows in the text of a sheet as it comes. Those without a value are left out. */
async function* rowsIn(
  texts: AsyncIterable<string> | Iterable<string>,
  shared: Shared,
  columns?: number,
): AsyncGenerator<SourceRow> {
  let kept = '';
  let row = 0;
  for await (const text of texts) {
    kept += text;
    if (kept.length > longestRow + text.length) throw new UnreadableFile(`row ${row + 1} is too long`);
    for (;;) {
      const start = kept.search(/<row[\s>]/);
      const end = start < 0 ? -1 : kept.indexOf('>', start);
      if (end < 0) break;
      const empty = kept[end - 1] === '/';
      const close = empty ? end + 1 : kept.indexOf('</row>', end);
      if (close < 0) break;
      row = Number(attribute(kept.slice(start, end), 'r') ?? row + 1);
      const inner = empty ? '' : kept.slice(end + 1, close);
      kept = kept.slice(close);
      if (!inner.includes('<v') && !inner.includes('<is')) continue;
      const cells = cellsOf(inner, shared, columns);
      if (cells.some((cell) => cell !== null)) yield { row, cells };
    }
    if (!kept.includes('<row')) kept = kept.slice(-16);
  }
}

const batch = 1000;

/** Rows of a sheet of a workbook (XLSX), the headings first. Rows without anything in them are left out. */
export async function* readXlsx(
  range: ReadRange,
  size: number,
  sheetName?: string,
): AsyncGenerator<readonly SourceRow[]> {
  try {
    const workbook = await openPackage(range, size);
    const sheets = await sheetsOf(workbook, mostHeld);
    const sheet = sheetName === undefined ? sheets[0] : sheets.find(({ name }) => name === sheetName);
    if (!sheet)
      throw new UnreadableFile(
        sheetName === undefined ? 'the file is not a workbook' : 'the workbook has no such sheet',
      );
    const file = fileOf(sheet);
    const shared = await sharedOf(workbook, mostHeld);
    let rows: SourceRow[] = [];
    for await (const row of rowsIn(workbook.texts(file), shared)) {
      rows.push(row);
      if (rows.length < batch) continue;
      yield rows;
      rows = [];
    }
    if (rows.length > 0) yield rows;
  } catch (error) {
    throw unreadable(error);
  }
}

/** How much of a workbook is read that is kept in memory. */
export interface WorkbookLimits {
  /** Bytes of each of its files, unpacked. */
  readonly unpacked: number;
  readonly rows: number;
  readonly columns: number;
}

export interface SheetRows {
  readonly name: string;
  readonly rows: readonly SourceRow[];
}

/** The sheets of a small workbook (XLSX) that are chosen by their names, whole. */
export async function readSheets(
  content: Uint8Array,
  choose: (names: readonly string[]) => readonly string[],
  limits: WorkbookLimits,
): Promise<SheetRows[]> {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  async function* range(start: number, end: number): AsyncGenerator<Buffer> {
    yield bytes.subarray(start, end);
  }
  try {
    const workbook = await openPackage(range, bytes.length);
    const sheets = await sheetsOf(workbook, limits.unpacked);
    if (sheets.length === 0) throw new UnreadableFile('the file is not a workbook');
    const shared = await sharedOf(workbook, limits.unpacked);
    const read: SheetRows[] = [];
    for (const name of choose(sheets.map((sheet) => sheet.name))) {
      const file = fileOf(sheets.find((sheet) => sheet.name === name) as SheetPlace);
      const rows: SourceRow[] = [];
      for await (const row of rowsIn([await workbook.whole(file, limits.unpacked)], shared, limits.columns))
        if (rows.push(row) > limits.rows)
          throw new UnreadableFile(`sheet ${name} has more than ${limits.rows} rows`);
      read.push({ name, rows });
    }
    return read;
  } catch (error) {
    throw unreadable(error);
  }
}

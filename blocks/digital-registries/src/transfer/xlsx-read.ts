import { once } from 'node:events';
import { Readable } from 'node:stream';
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from 'yauzl';
import { type Cells, longestRow, type SourceRow } from './source.ts';
import { UnreadableFile } from './unreadable-file.ts';
import { dateOf, decodeEntities, fromXml } from './xlsx-text.ts';

/** Reads a range of a file, wherever it is kept. */
export type ReadRange = (start: number, end: number) => AsyncIterable<Buffer>;

class RangeReader extends RandomAccessReader {
  readonly range: ReadRange;
  constructor(range: ReadRange) {
    super();
    this.range = range;
  }
  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(this.range(start, end), { objectMode: false });
  }
}

const mostEntries = 1000;
/** Of the lists that must be held in memory: texts, styles. */
const mostHeld = 64 * 1024 * 1024;

async function entriesOf(zip: ZipFile): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>();
  zip.on('entry', (entry: Entry) => {
    entries.set(entry.fileName, entry);
    if (entries.size <= mostEntries) zip.readEntry();
    else zip.emit('error', new UnreadableFile('the file is not a workbook'));
  });
  const end = once(zip, 'end');
  zip.readEntry();
  await end;
  return entries;
}

async function* textsOf(zip: ZipFile, entry: Entry): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const bytes of await zip.openReadStreamPromise(entry))
    yield decoder.decode(bytes as Buffer, { stream: true });
}

async function wholeOf(zip: ZipFile, entry: Entry | undefined): Promise<string> {
  if (!entry) return '';
  if (entry.uncompressedSize > mostHeld)
    throw new UnreadableFile('the workbook has too many texts: send it as CSV');
  let whole = '';
  for await (const text of textsOf(zip, entry)) whole += text;
  return whole;
}

const attribute = (tag: string, name: string): string | undefined =>
  new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1];

const runs = /<t(?:\s[^>]*)?>([\s\S]*?)<\/t>/g;
/** The text of a shared or inline string; what is said of its sound is not part of it. */
const stringOf = (xml: string): string =>
  fromXml([...xml.replaceAll(/<rPh[\s>][\s\S]*?<\/rPh>/g, '').matchAll(runs)].map((run) => run[1]).join(''));

/** For each style, whether it shows a number as date or time. */
function dateStyles(styles: string): boolean[] {
  const formats = new Map<number, string>();
  for (const [tag] of styles.matchAll(/<numFmt\s[^>]*>/g))
    formats.set(Number(attribute(tag, 'numFmtId')), decodeEntities(attribute(tag, 'formatCode') ?? ''));
  const used = /<cellXfs[\s>][\s\S]*?<\/cellXfs>/.exec(styles)?.[0] ?? '';
  return [...used.matchAll(/<xf\s[^>]*>/g)].map(([tag]) => {
    const id = Number(attribute(tag, 'numFmtId') ?? 0);
    const code = formats.get(id);
    if (code === undefined) return (id >= 14 && id <= 22) || (id >= 27 && id <= 36) || (id >= 45 && id <= 58);
    return /[dmyhs]/i.test(code.replaceAll(/"[^"]*"|\\.|\[(?!h|m|s)[^\]]*\]/gi, ''));
  });
}

/** A column's place from its letters. */
const columnOf = (reference: string): number =>
  [...reference].reduce(
    (sum, letter) => (/[A-Z]/.test(letter) ? sum * 26 + letter.charCodeAt(0) - 64 : sum),
    0,
  ) - 1;

const mostColumns = 16_384;

function cellsOf(xml: string, shared: readonly string[], dates: readonly boolean[]): Cells {
  const cells: (string | null)[] = [];
  let column = 0;
  for (const [, tag = '', inner = ''] of xml.matchAll(/<c((?:\s[^>]*?)?)(?:\/>|>([\s\S]*?)<\/c>)/g)) {
    const reference = attribute(tag, 'r');
    if (reference) column = columnOf(reference);
    if (column >= mostColumns || column < 0)
      throw new UnreadableFile('the workbook names a column that cannot be');
    const type = attribute(tag, 't');
    const value = /<v(?:\s[^>]*)?>([\s\S]*?)<\/v>/.exec(inner)?.[1];
    let cell: string | null = null;
    if (type === 'inlineStr') cell = inner.includes('<is') ? stringOf(inner) : null;
    else if (value !== undefined) {
      if (type === 's') cell = shared[Number(value)] ?? null;
      else if (type === 'b') cell = value === '1' ? 'true' : 'false';
      else if (type === 'str' || type === 'e' || type === 'd') cell = fromXml(value);
      else if (dates[Number(attribute(tag, 's') ?? -1)]) cell = dateOf(Number(value));
      else cell = Number.isFinite(Number(value)) ? String(Number(value)) : value;
    }
    while (cells.length < column) cells.push(null);
    cells[column] = cell;
    column += 1;
  }
  return cells;
}

/** Where the sheet is that is called so; the first when none is named. */
async function sheetOf(
  zip: ZipFile,
  entries: ReadonlyMap<string, Entry>,
  name: string | undefined,
): Promise<Entry> {
  const workbook = await wholeOf(zip, entries.get('xl/workbook.xml'));
  const links = await wholeOf(zip, entries.get('xl/_rels/workbook.xml.rels'));
  const sheets = [...workbook.matchAll(/<sheet\s[^>]*>/g)].map(([tag]) => ({
    name: decodeEntities(attribute(tag, 'name') ?? ''),
    id: attribute(tag, 'r:id'),
  }));
  const sheet = name === undefined ? sheets[0] : sheets.find((one) => one.name === name);
  if (!sheet)
    throw new UnreadableFile(
      name === undefined ? 'the file is not a workbook' : 'the workbook has no such sheet',
    );
  const link = [...links.matchAll(/<Relationship\s[^>]*>/g)].find(
    ([tag]) => attribute(tag, 'Id') === sheet.id,
  )?.[0];
  const target = (link && attribute(link, 'Target')) ?? '';
  const entry = entries.get(target.startsWith('/') ? target.slice(1) : `xl/${target}`);
  if (!entry) throw new UnreadableFile('the workbook lacks its sheet');
  return entry;
}

const batch = 1000;

async function* rowsOf(zip: ZipFile, sheetName: string | undefined): AsyncGenerator<readonly SourceRow[]> {
  const entries = await entriesOf(zip);
  const sheet = await sheetOf(zip, entries, sheetName);
  const dates = dateStyles(await wholeOf(zip, entries.get('xl/styles.xml')));
  const strings = await wholeOf(zip, entries.get('xl/sharedStrings.xml'));
  const shared = [...strings.matchAll(/<si(?:\s[^>]*)?(?:\/>|>([\s\S]*?)<\/si>)/g)].map(([, xml = '']) =>
    stringOf(xml),
  );
  let rows: SourceRow[] = [];
  let kept = '';
  let row = 0;
  for await (const text of textsOf(zip, sheet)) {
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
      const cells = empty ? [] : cellsOf(kept.slice(end + 1, close), shared, dates);
      kept = kept.slice(close);
      if (!cells.some((cell) => cell !== null)) continue;
      rows.push({ row, cells });
      if (rows.length < batch) continue;
      yield rows;
      rows = [];
    }
    if (!kept.includes('<row')) kept = kept.slice(-16);
  }
  if (rows.length > 0) yield rows;
}

/** Rows of a sheet of a workbook (XLSX), the headings first. Rows without anything in them are left out. */
export async function* readXlsx(
  range: ReadRange,
  size: number,
  sheetName?: string,
): AsyncGenerator<readonly SourceRow[]> {
  try {
    const zip = await fromRandomAccessReaderPromise(new RangeReader(range), size, { autoClose: false });
    yield* rowsOf(zip, sheetName);
  } catch (error) {
    // Faults of the database are no faults of the file.
    const { code } = error as { code?: string };
    if (error instanceof UnreadableFile || (code !== undefined && !code.startsWith('Z_'))) throw error;
    throw new UnreadableFile('the file is not a workbook');
  }
}

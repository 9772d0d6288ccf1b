import { type Cells, longestRow, type SourceRow } from '../files/source.ts';
import { UnreadableFile } from '../files/unreadable-file.ts';

/** The separator that the first line has most of. */
function delimiterOf(text: string): string {
  const end = text.search(/[\r\n]/);
  const line = (end < 0 ? text : text.slice(0, end)).replaceAll(/"[^"]*"/g, '');
  const counted = [',', ';', '\t', '|'].map((one) => [one, line.split(one).length] as const);
  return counted.reduce((most, one) => (one[1] > most[1] ? one : most))[0];
}

const plain = (cell: string): string | null => (cell === '' ? null : cell);

/** A record with quotes in it, from `start`; undefined when it does not end in this text. */
function quotedRecord(
  text: string,
  start: number,
  delimiter: string,
  whole: boolean,
): { readonly cells: Cells; readonly end: number } | undefined {
  const cells: (string | null)[] = [];
  let at = start;
  for (;;) {
    let cell = '';
    const quoted = text[at] === '"';
    if (quoted) {
      at += 1;
      for (;;) {
        const quote = text.indexOf('"', at);
        if (quote < 0 || (quote === text.length - 1 && !whole)) return undefined;
        cell += text.slice(at, quote);
        at = quote + 1;
        if (text[at] !== '"') break;
        cell += '"';
        at += 1;
      }
    }
    const line = text.indexOf('\n', at);
    if (line < 0 && !whole) return undefined;
    const eol = line < 0 ? text.length : line;
    const next = text.indexOf(delimiter, at);
    const last = next < 0 || next > eol;
    const rest = text.slice(at, last ? eol : next);
    cell += last && rest.endsWith('\r') ? rest.slice(0, -1) : rest;
    cells.push(quoted ? cell : plain(cell));
    if (last) return { cells, end: eol + 1 };
    at = next + 1;
  }
}

const batch = 1000;

/** Rows of a CSV file (RFC 4180), the headings first. `""` is an empty text, nothing between separators is no value. */
export async function* readCsv(
  texts: AsyncIterable<string>,
  givenDelimiter?: string,
): AsyncGenerator<readonly SourceRow[]> {
  let delimiter = givenDelimiter;
  let row = 0;
  let columns = 0;
  let kept = '';
  const records = function* (text: string, whole: boolean): Generator<SourceRow> {
    let at = 0;
    while (at < text.length) {
      const line = text.indexOf('\n', at);
      if (line < 0 && !whole) break;
      const eol = line < 0 ? text.length : line;
      const content = text.slice(at, text[eol - 1] === '\r' && eol > at ? eol - 1 : eol);
      let cells: Cells;
      if (content.includes('"')) {
        const record = quotedRecord(text, at, delimiter as string, whole);
        if (!record && whole)
          throw new UnreadableFile(`a quotation that begins in row ${row + 1} has no end`);
        if (!record) break;
        ({ cells } = record);
        at = record.end;
      } else {
        cells = content.split(delimiter as string).map(plain);
        at = eol + 1;
        if (content === '' && columns !== 1) continue;
      }
      row += 1;
      if (row === 1) columns = cells.length;
      yield { row, cells };
    }
    kept = text.slice(at);
  };
  let rows: SourceRow[] = [];
  for await (const piece of texts) {
    const text = kept + piece;
    if (text.length > longestRow) throw new UnreadableFile(`row ${row + 1} is too long`);
    if (!text.includes('\n')) {
      kept = text;
      continue;
    }
    delimiter ??= delimiterOf(text);
    for (const record of records(text, false)) {
      rows.push(record);
      if (rows.length < batch) continue;
      yield rows;
      rows = [];
    }
  }
  delimiter ??= delimiterOf(kept);
  rows.push(...records(kept, true));
  if (rows.length > 0) yield rows;
}

/** Text that a spreadsheet would take for a formula. */
const formula = /^'*[=+\-@\t\r]/;
/** Such text with an apostrophe before it, as spreadsheets have it; that it can be taken away again, one more each time. */
export const neutralised = (text: string): string => (formula.test(text) ? `'${text}` : text);
/** What was meant by neutralised text. */
export const meant = (text: string): string =>
  text.startsWith("'") && formula.test(text) ? text.slice(1) : text;

/** A cell of CSV. Null is nothing, an empty text two quotes. */
export const csvCell = (text: string | null): string =>
  text === null
    ? ''
    : text === '' || /[",;|\t\r\n]|^\s|\s$/.test(text)
      ? `"${text.replaceAll('"', '""')}"`
      : text;

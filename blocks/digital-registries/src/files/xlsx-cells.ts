import type { Cells } from './source.ts';
import { UnreadableFile } from './unreadable-file.ts';
import { dateOf, decodeEntities, fromXml } from './xlsx-text.ts';
import { attribute, elementsOf, firstElement, withoutElements } from './xml.ts';

/** What cells refer to. */
export interface Shared {
  readonly texts: readonly string[];
  /** For each style, whether it shows a number as date or time. */
  readonly dates: readonly boolean[];
}

/** The text of a shared or inline string; what is said of its sound is not part of it. */
function stringOf(xml: string): string {
  let text = '';
  for (const { inner = '' } of elementsOf(withoutElements(xml, 'rPh'), 't')) text += inner;
  return fromXml(text);
}

export function sharedTexts(xml: string): string[] {
  const texts: string[] = [];
  for (const { inner = '' } of elementsOf(xml, 'si')) texts.push(stringOf(inner));
  return texts;
}

const showsTime = (id: number): boolean =>
  (id >= 14 && id <= 22) || (id >= 27 && id <= 36) || (id >= 45 && id <= 58);

export function dateStyles(styles: string): boolean[] {
  const formats = new Map<number, string>();
  for (const { tag } of elementsOf(styles, 'numFmt'))
    formats.set(Number(attribute(tag, 'numFmtId')), decodeEntities(attribute(tag, 'formatCode') ?? ''));
  const used = firstElement(styles, 'cellXfs')?.inner ?? '';
  return [...elementsOf(used, 'xf')].map(({ tag }) => {
    const id = Number(attribute(tag, 'numFmtId') ?? 0);
    const code = formats.get(id);
    if (code === undefined) return showsTime(id);
    return /[dmyhs]/i.test(code.replaceAll(/"[^"]*"|\\.|\[(?!h|m|s)[^\]]*\]/gi, ''));
  });
}

/** A column's place from its letters. */
const columnOf = (reference: string): number =>
  [...reference].reduce(
    (sum, letter) => (/[A-Z]/.test(letter) ? sum * 26 + letter.charCodeAt(0) - 64 : sum),
    0,
  ) - 1;

function cellValue(tag: string, inner: string, { texts, dates }: Shared): string | null {
  const type = attribute(tag, 't');
  if (type === 'inlineStr') return inner.includes('<is') ? stringOf(inner) : null;
  const value = firstElement(inner, 'v')?.inner;
  if (value === undefined) return null;
  if (type === 's') return texts[Number(value)] ?? null;
  if (type === 'b') return value === '1' ? 'true' : 'false';
  if (type === 'str' || type === 'e' || type === 'd') return fromXml(value);
  if (dates[Number(attribute(tag, 's') ?? -1)]) return dateOf(Number(value));
  return Number.isFinite(Number(value)) ? String(Number(value)) : value;
}

/** Columns that a sheet can have. */
export const mostColumns = 16_384;

/** The cells of a row of a sheet, as text. */
export function cellsOf(xml: string, shared: Shared, most = mostColumns): Cells {
  const cells: (string | null)[] = [];
  let column = 0;
  for (const { tag, inner = '' } of elementsOf(xml, 'c')) {
    const reference = attribute(tag, 'r');
    if (reference) column = columnOf(reference);
    if (column >= mostColumns || column < 0)
      throw new UnreadableFile('the workbook names a column that cannot be');
    const value = cellValue(tag, inner, shared);
    if (value !== null && column >= most) throw new UnreadableFile(`a row has more than ${most} columns`);
    while (cells.length < column) cells.push(null);
    cells[column] = value;
    column += 1;
  }
  return cells;
}

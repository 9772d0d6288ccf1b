import { longestRow, type SourceRow } from '../files/source.ts';
import { UnreadableFile } from '../files/unreadable-file.ts';

const batch = 1000;

function parsed(row: number, text: string): SourceRow {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null && !Array.isArray(json)
      ? { row, json }
      : { row, defect: 'is not an object' };
  } catch {
    return { row, defect: 'is not JSON' };
  }
}

const tooLong = (row: number): UnreadableFile => new UnreadableFile(`row ${row} is too long`);

/** Rows of a file that has a JSON object on each line. */
export async function* readNdjson(texts: AsyncIterable<string>): AsyncGenerator<readonly SourceRow[]> {
  let kept = '';
  let row = 0;
  let rows: SourceRow[] = [];
  for await (const piece of texts) {
    const lines = (kept + piece).split('\n');
    kept = lines.pop() ?? '';
    if (kept.length > longestRow) throw tooLong(row + 1);
    for (const line of lines) {
      if (line.trim() === '') continue;
      rows.push(parsed(++row, line));
      if (rows.length < batch) continue;
      yield rows;
      rows = [];
    }
  }
  if (kept.trim() !== '') rows.push(parsed(++row, kept));
  if (rows.length > 0) yield rows;
}

/** Rows of a file that is a JSON list of objects. */
export async function* readJson(texts: AsyncIterable<string>): AsyncGenerator<readonly SourceRow[]> {
  const unreadable = (): UnreadableFile => new UnreadableFile('the file is not a JSON list');
  let text = '';
  let at = 0;
  let row = 0;
  let depth = 0;
  let inText = false;
  /** Where the element begins that is being read. */
  let start = -1;
  let rows: SourceRow[] = [];
  for await (const piece of texts) {
    const from = start < 0 ? at : start;
    text = text.slice(from) + piece;
    at -= from;
    if (start >= 0) start = 0;
    if (text.length > longestRow + piece.length) throw tooLong(row + 1);
    for (; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (inText) {
        // A backslash takes the next character with it, which may be in the next piece.
        if (code === 92) at += 1;
        else if (code === 34) inText = false;
        continue;
      }
      if (code <= 32) continue;
      if (depth === 0) {
        if (code !== 91) throw unreadable();
        depth = 1;
        continue;
      }
      if (depth === 1 && (code === 44 || code === 93)) {
        if (start >= 0) rows.push(parsed(++row, text.slice(start, at)));
        else if (code === 44 || row > 0) throw unreadable();
        start = -1;
        if (code === 93) {
          depth = -1;
          // Nothing may follow.
          if (text.slice(at + 1).trim() !== '') throw unreadable();
          at = text.length;
        }
        if (rows.length < batch) continue;
        yield rows;
        rows = [];
        continue;
      }
      if (depth < 0) throw unreadable();
      if (start < 0) start = at;
      if (code === 34) inText = true;
      else if (code === 123 || code === 91) depth += 1;
      else if (code === 125 || code === 93) depth -= 1;
    }
  }
  if (depth !== -1) throw unreadable();
  if (rows.length > 0) yield rows;
}

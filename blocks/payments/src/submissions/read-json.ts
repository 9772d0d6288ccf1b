import { badRequest } from '@govstack/platform';

const largestElement = 64 * 1024;
const [quote, backslash, openObject, closeObject, openList, closeList, comma] = [...'"\\{}[],'].map((one) =>
  one.charCodeAt(0),
) as [number, number, number, number, number, number, number];
const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
const malformed = () => badRequest('The body is not a well-formed JSON array of objects');

const parse = (bytes: Buffer): unknown => {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw malformed();
  }
};

/** The objects of a JSON array, one after the other, however long it is. Throws a 400 where it is malformed. */
export async function* readJsonArray(body: AsyncIterable<Uint8Array>): AsyncGenerator<unknown[]> {
  let state = 'before' as 'before' | 'first' | 'element' | 'between' | 'next' | 'after';
  let depth = 0;
  let inText = false;
  let escaped = false;
  let kept: Buffer[] = [];
  for await (const piece of body) {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    const found: unknown[] = [];
    let start = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      const byte = bytes[at] as number;
      if (state === 'element') {
        if (inText) {
          if (escaped) escaped = false;
          else if (byte === backslash) escaped = true;
          else if (byte === quote) inText = false;
        } else if (byte === quote) inText = true;
        else if (byte === openObject || byte === openList) depth += 1;
        else if (byte === closeObject || byte === closeList) {
          depth -= 1;
          if (depth > 0) continue;
          found.push(parse(Buffer.concat([...kept, bytes.subarray(start, at + 1)])));
          kept = [];
          state = 'between';
        }
      } else if (isSpace(byte)) continue;
      else if (state === 'before' && byte === openList) state = 'first';
      else if ((state === 'first' || state === 'next') && byte === openObject) {
        state = 'element';
        depth = 1;
        start = at;
      } else if (state === 'between' && byte === comma) state = 'next';
      else if ((state === 'first' || state === 'between') && byte === closeList) state = 'after';
      else throw malformed();
    }
    if (state === 'element') {
      kept.push(Buffer.from(bytes.subarray(start)));
      if (kept.reduce((sum, one) => sum + one.length, 0) > largestElement) throw malformed();
    }
    yield found;
  }
  if (state !== 'after') throw malformed();
}

/** One JSON object a line (NDJSON). Empty lines are passed over. */
export async function* readJsonLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<unknown[]> {
  let rest = Buffer.alloc(0);
  const lineOf = (bytes: Buffer): unknown[] => (bytes.toString('utf8').trim() === '' ? [] : [parse(bytes)]);
  for await (const piece of body) {
    const bytes = Buffer.concat([rest, piece]);
    const found: unknown[] = [];
    let start = 0;
    for (let end = bytes.indexOf(0x0a); end !== -1; end = bytes.indexOf(0x0a, start)) {
      found.push(...lineOf(bytes.subarray(start, end)));
      start = end + 1;
    }
    rest = bytes.subarray(start);
    if (rest.length > largestElement) throw badRequest('A line is too long for an instruction');
    yield found;
  }
  yield lineOf(rest);
}

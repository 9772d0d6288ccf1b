/** Text made safe for SVG and HTML. */
export const escapeXml = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');

const narrow = /[iljtfrI.,:;'|!/()[\] -]/;
const wide = /[mwMW@%]/;

/** Width of a text in pixels, estimated on the wide side: the server has no font metrics. */
export function estimatedWidth(text: string, fontSize: number): number {
  let ems = 0;
  for (const character of text) {
    if (narrow.test(character)) ems += 0.34;
    else if (wide.test(character)) ems += 0.92;
    else if (/[A-Z0-9]/.test(character)) ems += 0.66;
    else if (/[\u0600-\u06ff]/.test(character)) ems += 0.52;
    else ems += 0.58;
  }
  return ems * fontSize;
}

/** Pieces of a word at which an identifier may be broken. */
const pieces = (word: string): string[] => word.split(/(?<=[/._-])|(?=[A-Z][a-z])/);

/** Lines of at most `width` pixels; what does not fit in `maxLines` ends in an ellipsis. */
export function wrapText(text: string, width: number, fontSize: number, maxLines = 3): string[] {
  const lines: string[] = [];
  let line = '';
  const fits = (candidate: string): boolean => estimatedWidth(candidate, fontSize) <= width;
  const breakLine = (): void => {
    if (line !== '') lines.push(line);
    line = '';
  };
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const joined = line === '' ? word : `${line} ${word}`;
    if (fits(joined)) {
      line = joined;
      continue;
    }
    breakLine();
    if (fits(word)) {
      line = word;
      continue;
    }
    for (const piece of pieces(word)) {
      if (line !== '' && !fits(line + piece)) breakLine();
      line += piece;
    }
  }
  breakLine();
  if (lines.length <= maxLines) return lines;
  const kept = lines.slice(0, maxLines);
  let last = `${kept[maxLines - 1] as string}…`;
  while (last.length > 1 && !fits(last)) last = `${last.slice(0, -2)}…`;
  return [...kept.slice(0, -1), last];
}

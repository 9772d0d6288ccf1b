/** Characters that XML cannot hold are written `_xHHHH_` in workbooks, and what looks like that with its `_` so. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this is about
const unwritable = /[\0-\x08\x0b\x0c\r\x0e-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)/g;
const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

export const toXml = (text: string): string =>
  text
    .replace(unwritable, (one) => `_x${one.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}_`)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');

export const decodeEntities = (xml: string): string =>
  xml.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w{2,4}));/gi, (whole, hex, decimal, name) => {
    if (name) return entities[name] ?? whole;
    const code = hex ? Number.parseInt(hex, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });

export const fromXml = (xml: string): string =>
  decodeEntities(xml).replace(/_x([0-9A-Fa-f]{4})_/g, (_, hex) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );

/** Days are counted from here; the year 1900 has a 29 February that never was, so the first two months are left out. */
const dayZero = Date.UTC(1899, 11, 30);
const dayMs = 86_400_000;
const firstDay = 61;

/** The number by which a workbook knows a date; undefined for one that it cannot know. */
export function serialOf(date: string): number | undefined {
  const serial = (Date.parse(`${date}T00:00:00Z`) - dayZero) / dayMs;
  return serial >= firstDay ? serial : undefined;
}

/** What is meant by a number in a cell that shows a date, a time, or both. */
export function dateOf(serial: number): string {
  const time = new Date(dayZero + Math.round(serial * 86_400) * 1000);
  if (Number.isNaN(time.getTime())) return String(serial);
  const iso = time.toISOString();
  if (serial < 1) return iso.slice(11, 19);
  return Number.isInteger(serial) ? iso.slice(0, 10) : `${iso.slice(0, 19)}Z`;
}

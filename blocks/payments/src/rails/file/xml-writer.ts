/** An element: its name, its text or its children in order (absent ones left out), its attributes. */
export type Xml = readonly [
  name: string,
  content: string | readonly (Xml | undefined)[],
  attributes?: Readonly<Record<string, string>>,
];

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

/** Text as it may stand in XML 1.0: what the standard does not allow at all becomes a blank. */
const escaped = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, ' ')
    .replaceAll(/[&<>"]/g, (character) => entities[character] as string);

function written([name, content, attributes = {}]: Xml): string {
  const start = Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${escaped(value)}"`)
    .join('');
  const inner =
    typeof content === 'string'
      ? escaped(content)
      : content
          .filter((child) => child !== undefined)
          .map(written)
          .join('');
  return `<${name}${start}>${inner}</${name}>`;
}

/** A document in UTF-8. */
export const toXml = (root: Xml): string => `<?xml version="1.0" encoding="UTF-8"?>\n${written(root)}\n`;

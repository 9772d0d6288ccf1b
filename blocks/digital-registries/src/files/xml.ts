/** An element of a text of XML. */
export interface Element {
  /** What stands in its start tag after its name. */
  readonly tag: string;
  /** Undefined of an element without an end tag, `<v/>`. */
  readonly inner: string | undefined;
  readonly start: number;
  readonly end: number;
}

/**
 * Elements of this name, of which none holds another. The first one without an end is the last thing looked at, so
 * that a text takes no longer than its length, whoever wrote it.
 */
export function* elementsOf(xml: string, name: string): Generator<Element> {
  const open = `<${name}`;
  const close = `</${name}>`;
  let from = 0;
  for (;;) {
    const start = xml.indexOf(open, from);
    if (start < 0) return;
    from = start + open.length;
    if (!/[\s/>]/.test(xml.charAt(from))) continue;
    const tagEnd = xml.indexOf('>', from);
    if (tagEnd < 0) return;
    const empty = xml[tagEnd - 1] === '/';
    const innerEnd = empty ? tagEnd : xml.indexOf(close, tagEnd);
    if (innerEnd < 0) return;
    const end = empty ? tagEnd + 1 : innerEnd + close.length;
    const inner = empty ? undefined : xml.slice(tagEnd + 1, innerEnd);
    yield { tag: xml.slice(from, empty ? tagEnd - 1 : tagEnd), inner, start, end };
    from = end;
  }
}

export const firstElement = (xml: string, name: string): Element | undefined =>
  elementsOf(xml, name).next().value ?? undefined;

export function withoutElements(xml: string, name: string): string {
  let kept = '';
  let from = 0;
  for (const { start, end } of elementsOf(xml, name)) {
    kept += xml.slice(from, start);
    from = end;
  }
  return from === 0 ? xml : kept + xml.slice(from);
}

/** An attribute in a start tag, as it is written. */
export const attribute = (tag: string, name: string): string | undefined =>
  new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1];

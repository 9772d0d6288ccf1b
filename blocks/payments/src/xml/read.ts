import { SaxesParser } from 'saxes';

/** An element with its text and children, names without prefix. */
export interface XmlElement {
  readonly name: string;
  readonly namespace: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: XmlElement[];
  /** Character data directly in it. */
  text: string;
}

/** Refuses a document with an error in the words of who asked for it. */
export type Refuse = (detail: string) => never;

const deepest = 40;
const mostElements = 300_000;

/** The text of a document that somebody else wrote: UTF-8, and nothing else. */
export function textOf(bytes: Uint8Array, refuse: Refuse): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return refuse('the file is not UTF-8');
  }
}

/**
 * Reads XML without a document type: no entities but the five of XML itself, nothing fetched, no deep nesting. `take` gets
 * every element when it ends and answers whether it is done with; then it is not kept in its parent, so that a large
 * file is never held whole.
 */
export function readElements(
  text: string,
  refuse: Refuse,
  take: (element: XmlElement, parents: readonly XmlElement[]) => boolean,
): void {
  const parser = new SaxesParser({ xmlns: true, position: true });
  const open: XmlElement[] = [];
  const wrong = (detail: string): never => refuse(`${detail} (line ${parser.line})`);
  parser.on('error', () => wrong('the file is not well-formed XML'));
  parser.on('doctype', () => wrong('a document type is not allowed'));
  parser.on('xmldecl', ({ encoding }) => {
    if (encoding !== undefined && !/^utf-?8$/i.test(encoding)) wrong('the file must be in UTF-8');
  });
  parser.on('opentag', (tag) => {
    if (open.length >= deepest) wrong('the file is nested too deep');
    const attributes = Object.fromEntries(
      Object.values(tag.attributes).map((attribute) => [attribute.local, attribute.value]),
    );
    open.push({ name: tag.local, namespace: tag.uri, attributes, children: [], text: '' });
  });
  const add = (piece: string): void => {
    const last = open.at(-1);
    if (last) last.text += piece;
  };
  parser.on('text', add);
  parser.on('cdata', add);
  parser.on('closetag', () => {
    const element = open.pop() as XmlElement;
    if (!take(element, open)) open.at(-1)?.children.push(element);
  });
  parser.write(text).close();
}

/** Reads a whole document, up to a number of elements, and answers its root. */
export function readDocument(bytes: Uint8Array, refuse: Refuse): XmlElement {
  let root: XmlElement | undefined;
  let elements = 0;
  readElements(textOf(bytes, refuse), refuse, (element, parents) => {
    elements += 1;
    if (elements > mostElements) refuse('the file has too many elements');
    if (parents.length === 0) root = element;
    return false;
  });
  return root ?? refuse('the file is empty');
}

/** The children of an element with a name. */
export const all = (element: XmlElement | undefined, name: string): XmlElement[] =>
  element?.children.filter((child) => child.name === name) ?? [];

/** The first element under a path of names. */
export function at(element: XmlElement | undefined, ...path: readonly string[]): XmlElement | undefined {
  let found = element;
  for (const name of path) found = found?.children.find((child) => child.name === name);
  return found;
}

/** Its text without white space around it; undefined when there is none. */
export const textAt = (element: XmlElement | undefined, ...path: readonly string[]): string | undefined => {
  const text = at(element, ...path)?.text.trim();
  return text === '' ? undefined : text;
};

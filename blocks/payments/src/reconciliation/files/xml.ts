import { SaxesParser } from 'saxes';
import { badFile } from './parsed.ts';

/** An element with its text and children, names without prefix. */
export interface XmlElement {
  readonly name: string;
  readonly namespace: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: XmlElement[];
  text: string;
}

const deepest = 40;

/**
 * Reads XML without a document type: no entities but the five of XML itself, nothing fetched, no deep nesting. `take` gets
 * every element when it ends and answers whether it is done with; then it is not kept in its parent, so that a large
 * file is never held whole.
 */
export function readXml(
  text: string,
  take: (element: XmlElement, parents: readonly XmlElement[]) => boolean,
): void {
  const parser = new SaxesParser({ xmlns: true, position: true });
  const open: XmlElement[] = [];
  const refuse = (detail: string): never => {
    throw badFile(`${detail} (line ${parser.line})`);
  };
  parser.on('error', () => refuse('the file is not well-formed XML'));
  parser.on('doctype', () => refuse('a document type is not allowed'));
  parser.on('xmldecl', ({ encoding }) => {
    if (encoding !== undefined && encoding.toUpperCase() !== 'UTF-8') refuse('the file must be in UTF-8');
  });
  parser.on('opentag', (tag) => {
    if (open.length >= deepest) refuse('the file is nested too deep');
    const attributes = Object.fromEntries(
      Object.values(tag.attributes).map((attribute) => [attribute.local, attribute.value]),
    );
    open.push({ name: tag.local, namespace: tag.uri, attributes, children: [], text: '' });
  });
  parser.on('text', (piece) => {
    const last = open.at(-1);
    if (last) last.text += piece;
  });
  parser.on('cdata', (piece) => {
    const last = open.at(-1);
    if (last) last.text += piece;
  });
  parser.on('closetag', () => {
    const element = open.pop() as XmlElement;
    if (!take(element, open)) open.at(-1)?.children.push(element);
  });
  parser.write(text).close();
}

/** The first element under a path of names. */
export function at(element: XmlElement | undefined, ...path: readonly string[]): XmlElement | undefined {
  let found = element;
  for (const name of path) found = found?.children.find((child) => child.name === name);
  return found;
}

/** Its text without white space around it. */
export const textAt = (element: XmlElement | undefined, ...path: readonly string[]): string | undefined => {
  const text = at(element, ...path)?.text.trim();
  return text === '' ? undefined : text;
};

export const all = (element: XmlElement | undefined, name: string): XmlElement[] =>
  element?.children.filter((child) => child.name === name) ?? [];

import { badRequest } from '@govstack/platform';
import { SaxesParser } from 'saxes';

export interface XmlElement {
  readonly name: string;
  readonly namespace: string;
  readonly children: readonly XmlElement[];
  /** Character data directly in it, trimmed. */
  readonly text: string;
}

const deepest = 40;
const mostElements = 300_000;

/**
 * Reads a document that somebody else wrote. Anything but well-formed UTF-8 is refused with 400, and so are document
 * types: no entities but those of XML itself, nothing read from elsewhere, nothing that grows while it is read.
 */
export function readXml(bytes: Uint8Array): XmlElement {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw badRequest('The file is not text in UTF-8');
  }
  interface Open {
    name: string;
    namespace: string;
    children: XmlElement[];
    text: string;
  }
  const path: Open[] = [];
  let root: XmlElement | undefined;
  let elements = 0;
  const refuse = (detail: string): never => {
    throw badRequest(`The file is not XML that is taken here: ${detail}`);
  };
  const parser = new SaxesParser({ xmlns: true });
  parser.on('error', (error) => refuse(error.message.split('\n')[0]?.slice(0, 200) ?? 'not well-formed'));
  parser.on('doctype', () => refuse('it has a document type'));
  parser.on('xmldecl', ({ encoding }) => {
    if (encoding !== undefined && !/^utf-?8$/i.test(encoding)) refuse('it is not in UTF-8');
  });
  parser.on('opentag', ({ local, uri }) => {
    elements += 1;
    if (elements > mostElements) refuse('it has too many elements');
    if (path.length >= deepest) refuse('it is nested too deeply');
    path.push({ name: local, namespace: uri, children: [], text: '' });
  });
  const take = (data: string): void => {
    const open = path.at(-1);
    if (open) open.text += data;
  };
  parser.on('text', take);
  parser.on('cdata', take);
  parser.on('closetag', () => {
    const { text: data, ...closed } = path.pop() as Open;
    const element = { ...closed, text: data.trim() };
    const parent = path.at(-1);
    if (parent) parent.children.push(element);
    else root = element;
  });
  parser.write(text).close();
  return root ?? refuse('it is empty');
}

/** The children of an element with a name. */
export const childrenOf = (element: XmlElement | undefined, name: string): readonly XmlElement[] =>
  element?.children.filter((child) => child.name === name) ?? [];

/** The first element at the end of a path of names, or undefined. */
export const at = (element: XmlElement | undefined, ...path: readonly string[]): XmlElement | undefined =>
  path.reduce<XmlElement | undefined>((found, name) => childrenOf(found, name)[0], element);

/** The text at the end of a path of names; undefined when there is none. */
export const textAt = (element: XmlElement | undefined, ...path: readonly string[]): string | undefined => {
  const text = at(element, ...path)?.text;
  return text === undefined || text === '' ? undefined : text;
};

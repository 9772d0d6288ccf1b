import { refusal } from './refusal.ts';

/** `attribute eq value`. */
export interface Equality {
  /** Path of the attribute in lower case, without the name of the schema. */
  readonly path: string;
  readonly value: string | boolean;
}

const longest = 2000;
const one = /\s*([A-Za-z$][\w$.:-]*)\s+([A-Za-z]+)\s+("(?:[^"\\]|\\.)*"|true|false)\s*(?:(and)\s|$)/iy;

/**
 * Reads a filter: equalities, joined with `and`. Throws 400 `invalidFilter` on everything else of the language of
 * filters (RFC 7644, 3.4.2.2).
 */
export function readFilter(text: string, schemaId: string): readonly Equality[] {
  const prefix = `${schemaId.toLowerCase()}:`;
  const equalities: Equality[] = [];
  if (text.length > longest) throw refusal('invalidFilter', 'The filter is too long');
  one.lastIndex = 0;
  for (;;) {
    const match = one.exec(text);
    if (match === null || match[2]?.toLowerCase() !== 'eq')
      throw refusal('invalidFilter', 'Only attribute eq "value" can be filtered by, joined with and');
    const [, name = '', , literal = '', more] = match;
    const path = name.toLowerCase();
    equalities.push({
      path: path.startsWith(prefix) ? path.slice(prefix.length) : path,
      value: literal.startsWith('"') ? readText(literal) : literal.toLowerCase() === 'true',
    });
    if (more === undefined) return equalities;
  }
}

function readText(literal: string): string {
  try {
    const text = JSON.parse(literal) as string;
    if (text.isWellFormed() && !text.includes('\0')) return text;
  } catch {
    // Refused below.
  }
  throw refusal('invalidFilter', 'A value of the filter is not well-formed JSON');
}

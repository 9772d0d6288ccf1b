import type { Row } from '../records/content.ts';
import { type Attribute, attributeValue } from './attribute.ts';

const placeholder = /\$\(([^)]*)\)/g;

/** What every record has, whatever its fields. */
const ofEveryRecord: ReadonlyMap<string, (row: Row) => unknown> = new Map([
  ['@uuid', (row: Row) => row.uuid],
  ['@number', (row: Row) => row.no],
  ['@createdAt', (row: Row) => new Date(row.created_at).toISOString()],
  ['@modifiedAt', (row: Row) => new Date(row.modified_at).toISOString()],
]);

/** Names of the values a template shows. */
export function namesIn(template: unknown): ReadonlySet<string> {
  const names = [...JSON.stringify(template ?? null).matchAll(placeholder)].map(
    (match) => match[1] as string,
  );
  return new Set(names);
}

/** Of those, the attributes. */
export const attributesIn = (template: unknown): string[] =>
  [...namesIn(template)].filter((name) => !ofEveryRecord.has(name));

interface Rendered {
  readonly value: unknown;
  /** Whether it asked for values, and found one. */
  readonly asked: boolean;
  readonly found: boolean;
}

/**
 * A template with the values of a row. A text that is one placeholder keeps the type of its value; a text with several
 * needs them all. What asked for values and found none is left out, with what is around it.
 */
export function render(
  template: unknown,
  attributes: ReadonlyMap<string, Attribute>,
  row: Row,
  now: Date,
): unknown {
  const read = (name: string): unknown => {
    const own = ofEveryRecord.get(name);
    if (own) return own(row);
    const attribute = attributes.get(name);
    return attribute && attributeValue(attribute, row, now);
  };
  const fill = (part: unknown): Rendered => {
    if (typeof part === 'string') {
      const names = [...part.matchAll(placeholder)].map((match) => match[1] as string);
      if (names.length === 0) return { value: part, asked: false, found: false };
      const values = names.map(read);
      if (values.some((value) => value === undefined)) return { value: undefined, asked: true, found: false };
      if (part === `$(${names[0]})`) return { value: values[0], asked: true, found: true };
      let at = 0;
      return { value: part.replaceAll(placeholder, () => String(values[at++])), asked: true, found: true };
    }
    if (typeof part !== 'object' || part === null) return { value: part, asked: false, found: false };
    const entries = Object.entries(part).map(([name, one]) => [name, fill(one)] as const);
    const asked = entries.some(([, one]) => one.asked);
    const found = entries.some(([, one]) => one.found);
    if (asked && !found) return { value: undefined, asked, found };
    const kept = entries.filter(([, one]) => one.value !== undefined);
    return {
      value: Array.isArray(part)
        ? kept.map(([, one]) => one.value)
        : Object.fromEntries(kept.map(([name, one]) => [name, one.value])),
      asked,
      found,
    };
  };
  return fill(template).value;
}

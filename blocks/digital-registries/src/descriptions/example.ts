import type { Field } from '../schema/field.ts';
import { sampleOf } from './pattern-sample.ts';

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const number = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);

const formats: Readonly<Record<string, string>> = {
  date: '2026-01-31',
  'date-time': '2026-01-31T09:30:00.000Z',
  time: '09:30:00Z',
  email: 'person@example.org',
  uuid: '018f0000-0000-7000-8000-000000000000',
  uri: 'https://example.org/',
};

function numberFor(schema: Json, whole: boolean): number {
  const step = number(schema.multipleOf) ?? 1;
  const above = number(schema.exclusiveMinimum);
  const low = number(schema.minimum) ?? (above === undefined ? undefined : above + step);
  const below = number(schema.exclusiveMaximum);
  const high = number(schema.maximum) ?? (below === undefined ? undefined : below - step);
  const wanted = low ?? (high === undefined || high >= 1 ? 1 : high);
  const stepped = Math.ceil(wanted / step) * step;
  return whole ? Math.ceil(stepped) : stepped;
}

function textFor(schema: Json): string {
  if (typeof schema.format === 'string' && formats[schema.format]) return formats[schema.format] as string;
  const sampled = typeof schema.pattern === 'string' ? sampleOf(schema.pattern) : undefined;
  const text = sampled ?? 'example';
  return text.padEnd(number(schema.minLength) ?? 0, text.at(-1) ?? 'a').slice(0, number(schema.maxLength));
}

/** A value that a JSON schema takes, made from what the schema says. */
function made(schema: Json, depth = 0): unknown {
  if (schema.example !== undefined) return schema.example;
  if (Array.isArray(schema.examples) && schema.examples.length > 0) return schema.examples[0];
  if (schema.const !== undefined) return schema.const;
  if (Array.isArray(schema.enum) && schema.enum.length > 0) return schema.enum[0];
  if (schema.default !== undefined) return schema.default;
  const [form] = [schema.anyOf, schema.oneOf].filter(Array.isArray).flat().filter(isObject);
  switch (Array.isArray(schema.type) ? schema.type[0] : schema.type) {
    case 'string':
      return textFor(schema);
    case 'integer':
      return numberFor(schema, true);
    case 'number':
      return numberFor(schema, false);
    case 'boolean':
      return true;
    case 'array': {
      const items = isObject(schema.items) ? schema.items : { type: 'string' };
      const count = depth > 3 ? (number(schema.minItems) ?? 0) : Math.max(1, number(schema.minItems) ?? 1);
      return Array.from({ length: Math.min(count, 20) }, () => made(items, depth + 1));
    }
    case 'object': {
      const properties = isObject(schema.properties) ? schema.properties : {};
      const names = depth > 3 && Array.isArray(schema.required) ? schema.required : Object.keys(properties);
      return Object.fromEntries(
        names.map((name) => [name, made((properties[name] as Json | undefined) ?? {}, depth + 1)]),
      );
    }
    default:
      return form ? made(form, depth + 1) : 'example';
  }
}

/**
 * An example of a field's values that the registry takes: the one its schema gives, or one made from its rules. A given
 * one that the rules refuse is left as it is: whoever wrote it shall see it.
 */
export function exampleOf(field: Field, property: unknown): unknown {
  const given = isObject(property) ? property : {};
  if (given.example !== undefined) return given.example;
  if (field.type === 'file') {
    const [type] = Array.isArray(given.fileTypes) ? given.fileTypes : ['application/pdf'];
    return { url: 'https://example.org/document.pdf', originalName: 'document.pdf', type };
  }
  // With what is nested in it, which may have examples of its own.
  return made({ ...given, type: given.type ?? field.schema.type });
}

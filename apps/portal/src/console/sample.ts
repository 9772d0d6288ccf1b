import { isObject, type Json, listOf, resolve, textOf } from './json-schema.ts';

const deepest = 5;

/** A value to start from for a schema: what it gives as example or default, else its required properties, empty. */
export function sampleOf(document: Json, value: unknown, depth = 0): unknown {
  const schema = resolve(document, value);
  for (const given of [
    schema.example,
    listOf(schema.examples)[0],
    schema.default,
    schema.const,
    listOf(schema.enum)[0],
  ])
    if (given !== undefined) return given;
  if (depth > deepest) return null;
  const [alternative] = [...listOf(schema.anyOf), ...listOf(schema.oneOf)];
  if (alternative !== undefined) return sampleOf(document, alternative, depth + 1);
  const joined = listOf(schema.allOf).map((one) => sampleOf(document, one, depth + 1));
  if (isObject(schema.properties) || joined.length > 0) {
    const required = new Set(listOf(schema.required));
    const own = Object.entries(isObject(schema.properties) ? schema.properties : {})
      .filter(([name]) => required.has(name))
      .map(([name, one]) => [name, sampleOf(document, one, depth + 1)] as const);
    return Object.assign(Object.fromEntries(own), ...joined.filter(isObject));
  }
  switch (Array.isArray(schema.type) ? schema.type[0] : textOf(schema.type)) {
    case 'string':
      return '';
    case 'integer':
    case 'number':
      return typeof schema.minimum === 'number' ? schema.minimum : 0;
    case 'boolean':
      return false;
    case 'array':
      return [sampleOf(document, schema.items, depth + 1)];
    case 'null':
      return null;
    default:
      return {};
  }
}

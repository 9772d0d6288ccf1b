import { type Attribute, attributeOf, type ResourceSchema } from './attributes.ts';
import { refusal } from './refusal.ts';

export type Simple = string | boolean;
export type Complex = Readonly<Record<string, Simple>>;
export type Value = Simple | Complex | readonly Complex[];
/** The attributes that are kept of a resource, under their names. */
export type Resource = Readonly<Record<string, Value>>;

const longest = 500;
export const mostValues = 10_000;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function readSimple(attribute: Attribute, value: unknown, where: string): Simple {
  if (attribute.type === 'boolean') {
    if (typeof value === 'boolean') return value;
    // As one large client writes it.
    if (typeof value === 'string' && /^(true|false)$/i.test(value)) return value.toLowerCase() === 'true';
    throw refusal('invalidValue', `${where} must be true or false`);
  }
  if (typeof value !== 'string') throw refusal('invalidValue', `${where} must be a text`);
  if (value.length > longest) throw refusal('invalidValue', `${where} is longer than ${longest} characters`);
  if (!value.isWellFormed() || value.includes('\0'))
    throw refusal('invalidValue', `${where} has characters that cannot be stored`);
  return value;
}

function readComplex(attribute: Attribute, value: unknown): Complex {
  if (!isRecord(value)) throw refusal('invalidValue', `${attribute.name} must be complex`);
  const read: Record<string, Simple> = {};
  for (const [name, part] of Object.entries(value)) {
    const sub = attributeOf(attribute.subAttributes ?? [], name);
    if (!sub || sub.mutability === 'readOnly' || part === null || part === '') continue;
    read[sub.name] = readSimple(sub, part, `${attribute.name}.${sub.name}`);
  }
  return read;
}

/** A value of an attribute as a client sends it. Undefined: the attribute is without value. */
export function readValue(attribute: Attribute, value: unknown): Value | undefined {
  if (value === null || value === undefined) return undefined;
  if (attribute.multiValued) {
    const list = Array.isArray(value) ? value : [value];
    if (list.length > mostValues)
      throw refusal('invalidValue', `${attribute.name} has more than ${mostValues} values`);
    const values = list.map((one) => readComplex(attribute, one));
    if (values.some((one) => one.value === undefined))
      throw refusal('invalidValue', `Every one of ${attribute.name} needs a value`);
    const unique = [...new Map(values.map((one) => [JSON.stringify(one), one])).values()];
    if (unique.filter((one) => one.primary === true).length > 1)
      throw refusal('invalidValue', `Only one of ${attribute.name} can be primary`);
    return unique.length === 0 ? undefined : unique;
  }
  if (attribute.type === 'complex') {
    const read = readComplex(attribute, value);
    return Object.keys(read).length === 0 ? undefined : read;
  }
  return value === '' ? undefined : readSimple(attribute, value, attribute.name);
}

/**
 * What is kept of a resource that a client sends whole. What it may not write, and what nobody needs, is left out, as
 * the standard has it (RFC 7644, 3.3 and 3.5.1). Throws 400 on values of another type and on what is missing.
 */
export function readResource(schema: ResourceSchema, body: unknown): Resource {
  if (!isRecord(body)) throw refusal('invalidSyntax', 'The body must be a JSON object');
  const { schemas } = body;
  if (!Array.isArray(schemas) || !schemas.includes(schema.id))
    throw refusal('invalidSyntax', `schemas must name ${schema.id}`);
  const read: Record<string, Value> = {};
  for (const [name, sent] of Object.entries(body)) {
    const attribute = attributeOf(schema.attributes, name);
    if (!attribute || attribute.mutability === 'readOnly') continue;
    const value = readValue(attribute, sent);
    if (value !== undefined) read[attribute.name] = value;
  }
  return complete(schema, read);
}

/** The resource, when nothing is missing in it. */
export function complete(schema: ResourceSchema, resource: Resource): Resource {
  for (const { name, required } of schema.attributes) {
    if (required && resource[name] === undefined) throw refusal('invalidValue', `${name} is required`);
  }
  return resource;
}

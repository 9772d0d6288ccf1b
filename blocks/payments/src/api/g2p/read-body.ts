import { badRequest, compileValidator } from '@govstack/platform';
import type { Static, TSchema } from '@govstack/platform/operation';

interface Shape {
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly items?: Shape;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value with the names its schema has, where they differ in case only. What is unknown to the schema stays. */
function renamed(shape: Shape, value: unknown): unknown {
  if (Array.isArray(value)) {
    const { items } = shape;
    return items ? value.map((one) => renamed(items, one)) : value;
  }
  if (!isObject(value) || !shape.properties) return value;
  const names = new Map(Object.keys(shape.properties).map((name) => [name.toLowerCase(), name]));
  const result: Record<string, unknown> = {};
  for (const [given, part] of Object.entries(value)) {
    const name = given in shape.properties ? given : (names.get(given.toLowerCase()) ?? given);
    if (Object.hasOwn(result, name))
      throw badRequest('The request is not valid', [
        { in: 'body', pointer: `/${given}`, detail: 'is given more than once' },
      ]);
    Object.defineProperty(result, name, {
      value: renamed(shape.properties[name] ?? {}, part),
      enumerable: true,
    });
  }
  return result;
}

/**
 * Reads bodies of a message whose field names differ in case between the files of the specification and between
 * callers. Throws a 400 that names all that is wrong.
 */
export function bodyReader<S extends TSchema>(schema: S): (body: unknown) => Static<S> {
  const validate = compileValidator(schema, 'body', false);
  return (body) => {
    const value = renamed(schema as Shape, body);
    const errors = validate(value);
    if (errors) throw badRequest('The request is not valid', errors);
    return value as Static<S>;
  };
}

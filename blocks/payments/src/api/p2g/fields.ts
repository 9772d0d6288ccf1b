import { badRequest, compileValidator, type Static, type TObject, type TSchema } from '@govstack/platform';
import { foldedName } from '../../bills/wire.ts';

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value with its members named as the schema names them; the same member in two spellings must say the same. */
function canonical(schema: TSchema, value: unknown, pointer: string): unknown {
  const { properties } = schema as { readonly properties?: Readonly<Record<string, TSchema>> };
  if (!properties || !isRecord(value)) return value;
  const names = new Map(Object.keys(properties).map((name) => [foldedName(name), name]));
  const result: Record<string, unknown> = {};
  for (const [given, member] of Object.entries(value)) {
    const name = names.get(foldedName(given)) ?? given;
    const one = canonical(properties[name] ?? {}, member, `${pointer}/${name}`);
    if (Object.hasOwn(result, name) && JSON.stringify(result[name]) !== JSON.stringify(one))
      throw badRequest('The request is not valid', [
        { in: 'body', pointer: `${pointer}/${name}`, detail: 'is given twice, in two spellings' },
      ]);
    result[name] = one;
  }
  return result;
}

/**
 * Reads a body whose members the published files spell in several ways: case and separators do not count. Throws the
 * 400 that names every defect, under the published names.
 */
export function fieldsReader<S extends TObject>(schema: S): (body: unknown) => Static<S> {
  const validate = compileValidator(schema, 'body', false);
  return (body) => {
    if (body === undefined)
      throw badRequest('The request is not valid', [{ in: 'body', pointer: '', detail: 'is required' }]);
    const read = canonical(schema, body, '');
    const errors = validate(read);
    if (errors) throw badRequest('The request is not valid', errors);
    return read as Static<S>;
  };
}

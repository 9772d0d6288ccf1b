import type { FormBody } from '../forms/entry.ts';
import { inputsFor, readField } from './entry-value.ts';
import type { EntryOptions } from './field-entry.ts';
import { type SchemaField, sameValue } from './schema.ts';

type Inputs = Readonly<Record<string, unknown>>;

/** Inputs that hold something, in an order of their own; a line ends alike however the browser sends it. */
const filled = (inputs: Inputs): string =>
  JSON.stringify(
    Object.entries(inputs)
      .map(([name, value]) => [
        name,
        typeof value === 'string' ? value.replaceAll('\r\n', '\n').trim() : value,
      ])
      .filter(([, value]) => value !== '' && value !== undefined)
      .sort(([one], [other]) => String(one).localeCompare(String(other))),
  );

/** Fields of a form that say something else than the record, as the person sees it. */
export const changedFields = (
  fields: readonly SchemaField[],
  content: Readonly<Record<string, unknown>>,
  body: FormBody,
  options: EntryOptions,
): SchemaField[] =>
  fields.filter((field) => {
    const entry = readField(field, body, options);
    const now = content[field.name];
    if (filled(entry.inputs) === filled(inputsFor(field, now, options))) return false;
    return entry.error !== undefined || !sameValue(entry.value, now);
  });

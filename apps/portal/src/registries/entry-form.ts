import { type Component, questionComponent } from '../forms/component.ts';
import type { FormBody } from '../forms/entry.ts';
import { type FilePart, filePart } from './entry-file.ts';
import { firstInput, questionOf } from './entry-question.ts';
import { inputsFor, readField } from './entry-value.ts';
import type { EntryOptions, FieldEntry, Inputs } from './field-entry.ts';
import { isObject, kindOf, type SchemaField } from './schema.ts';

export interface FormPart {
  readonly field: SchemaField;
  readonly component?: Component;
  readonly file?: FilePart;
}

const inputTypes: Partial<Record<string, string>> = { instant: 'datetime-local', time: 'time' };

/** The form of a registry, filled with what was entered. */
export const formParts = (
  fields: readonly SchemaField[],
  entries: ReadonlyMap<number, FieldEntry>,
  options: EntryOptions,
): FormPart[] =>
  fields.map((field): FormPart => {
    const entry = entries.get(field.id) ?? { inputs: startOf(field, options) };
    const question = questionOf(field, options);
    const { t } = options.voice;
    if (!question) return { field, file: filePart(field, entry, options) };
    const component = questionComponent(options.voice, question, entry, false);
    const kind = kindOf(field.property);
    const type = inputTypes[kind];
    const hint =
      kind === 'list' || kind === 'block'
        ? [textOfHint(component.params.hint), t(`registries.entry.${kind}`)].filter(Boolean).join(' · ')
        : undefined;
    const params = {
      ...component.params,
      ...(type === undefined
        ? {}
        : {
            type,
            classes: 'govuk-input--width-20',
            attributes: { dir: 'ltr', ...(kind === 'time' || kind === 'instant' ? { step: '1' } : {}) },
          }),
      ...(field.property.secret === true ? { autocomplete: 'off', spellcheck: false } : {}),
      ...(hint === undefined ? {} : { hint: { text: hint } }),
      ...(entry.error === undefined ? {} : { errorMessage: { text: entry.error } }),
    };
    return { field, component: { ...component, params } };
  });

const textOfHint = (hint: unknown): string => (isObject(hint) ? String(hint.text ?? '') : '');

/** What a new record's form starts with. */
const startOf = (field: SchemaField, options: EntryOptions): Inputs =>
  field.property.default === undefined ? {} : inputsFor(field, field.property.default, options);

/** Reads a whole form; `errors` is empty when it can be sent. `refused`: files that the registry did not take. */
export function readForm(
  fields: readonly SchemaField[],
  body: FormBody,
  options: EntryOptions,
  refused: ReadonlyMap<number, string> = new Map(),
) {
  const entries = new Map(
    fields.map((field): [number, FieldEntry] => {
      const entry = readField(field, body, options);
      const error = refused.get(field.id);
      return [field.id, error === undefined ? entry : { inputs: entry.inputs, error }];
    }),
  );
  const errors = fields.flatMap((field) => {
    const text = entries.get(field.id)?.error;
    return text === undefined ? [] : [{ text, href: `#${firstInput(field, options)}` }];
  });
  const content = Object.fromEntries(
    fields.flatMap((field) => {
      const value = entries.get(field.id)?.value;
      return value === undefined ? [] : [[field.name, value] as const];
    }),
  );
  return { entries, errors, content };
}

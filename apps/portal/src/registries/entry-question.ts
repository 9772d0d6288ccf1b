import { inputId } from '../forms/component.ts';
import type { Question } from '../forms/eform.ts';
import { type EntryOptions, inputName } from './field-entry.ts';
import { isObject, kindOf, labelOf, type SchemaField } from './schema.ts';

const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
const longText = 250;
const longest = 20_000;
const mostRadios = 4;

/** Fields that a trigger sets when a record is made. */
export function filledFields(fields: readonly SchemaField[]): Set<number> {
  const filled = new Set<number>();
  for (const { id, property } of fields)
    for (const trigger of Array.isArray(property.triggers) ? property.triggers.filter(isObject) : [])
      for (const action of Array.isArray(trigger.actions) ? trigger.actions.filter(isObject) : [])
        if (action.type === 'set-value' || action.type === 'merge')
          filled.add(typeof action.field_id === 'number' ? action.field_id : id);
  return filled;
}

/** The field as a question of a form; undefined for what forms do not know. */
export function questionOf(field: SchemaField, options: EntryOptions): Question | undefined {
  const { property } = field;
  const { t } = options.voice;
  const hints = [
    typeof property.description === 'string' ? property.description : '',
    options.filled.has(field.id) ? t('registries.entry.filled') : '',
    options.kept?.has(field.id) ? t('registries.entry.kept') : '',
    typeof property.example === 'string' || typeof property.example === 'number'
      ? t('registries.entry.example', { example: property.example })
      : '',
  ].filter((hint) => hint !== '');
  const common = {
    id: inputName(field),
    label: { en: labelOf(field) },
    required:
      field.required &&
      !options.filled.has(field.id) &&
      !options.kept?.has(field.id) &&
      property.default === undefined,
    ...(hints.length > 0 ? { hint: { en: hints.join(' · ') } } : {}),
  };
  const choices = Array.isArray(property.enum) ? property.enum.map(String) : undefined;
  switch (kindOf(property)) {
    case 'choice':
      return {
        ...common,
        type: (choices?.length ?? 0) > mostRadios || !common.required ? 'select' : 'radios',
        options: (choices ?? []).map((value) => ({ value, label: { en: value } })),
      };
    case 'text': {
      const maxLength = numberOf(property.maxLength);
      return {
        ...common,
        type: (maxLength ?? 0) > longText ? 'textarea' : 'text',
        maxLength: maxLength ?? longest,
        ...(numberOf(property.minLength) === undefined ? {} : { minLength: Number(property.minLength) }),
      };
    }
    case 'integer':
    case 'number': {
      const [min, max] = [numberOf(property.minimum), numberOf(property.maximum)];
      return {
        ...common,
        type: property.type as 'integer' | 'number',
        ...(min === undefined ? {} : { min }),
        ...(max === undefined ? {} : { max }),
      };
    }
    case 'boolean':
    case 'date':
      return { ...common, type: kindOf(property) as 'boolean' | 'date' };
    case 'instant':
    case 'time':
      return { ...common, type: 'text' };
    case 'list':
    case 'block':
      return { ...common, type: 'textarea', rows: 4, maxLength: longest };
    case 'file':
      return undefined;
  }
}

/** Id of the first input of a field, to which the summary of errors leads. */
export function firstInput(field: SchemaField, options: EntryOptions): string {
  const question = questionOf(field, options);
  return question ? inputId(question) : `${inputName(field)}-file`;
}

import { defectText } from '../forms/component.ts';
import { type FormBody, inputsOf, readEntry } from '../forms/entry.ts';
import { inputsForFile, readFile } from './entry-file.ts';
import { questionOf } from './entry-question.ts';
import { type EntryOptions, type FieldEntry, type Inputs, inputName } from './field-entry.ts';
import { instantOf, localOf } from './moments.ts';
import { isObject, kindOf, labelOf, type SchemaField } from './schema.ts';
import { linesIn } from './text-lines.ts';

/** A value that is not a question's answer, from its one input. */
function special(field: SchemaField, text: string, options: EntryOptions): unknown {
  switch (kindOf(field.property)) {
    case 'instant':
      return instantOf(text, options.timeZone);
    case 'time':
      return /^\d{2}:\d{2}(:\d{2})?$/.test(text) ? `${text.length === 5 ? `${text}:00` : text}Z` : undefined;
    case 'list': {
      const lines = linesIn(text);
      const { items } = field.property;
      const numbers = isObject(items) && (items.type === 'integer' || items.type === 'number');
      if (isObject(items) && items.type === 'object') return parsed(text);
      if (!numbers) return lines;
      return lines.every((line) => Number.isFinite(Number(line))) ? lines.map(Number) : undefined;
    }
    default:
      return parsed(text);
  }
}

function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Reads what was entered for a field. The registry has the last word; this says the same sooner and in words. */
export function readField(field: SchemaField, body: FormBody, options: EntryOptions): FieldEntry {
  const question = questionOf(field, options);
  if (!question) return readFile(field, body, options);
  const { voice } = options;
  const kind = kindOf(field.property);
  const entry = readEntry(question, body, voice.language, options.today);
  if (entry.defect) return { inputs: entry.inputs, error: defectText(voice, question, entry.defect) };
  if (entry.answer === undefined)
    return options.kept?.has(field.id) ? { inputs: entry.inputs } : { inputs: entry.inputs, value: null };
  if (!['instant', 'time', 'list', 'block'].includes(kind))
    return { inputs: entry.inputs, value: entry.answer };
  const value = special(field, String(entry.answer), options);
  return value === undefined
    ? { inputs: entry.inputs, error: voice.t('errors.type', { label: labelOf(field) }) }
    : { inputs: entry.inputs, value };
}

/** The inputs that show a value. */
export function inputsFor(field: SchemaField, value: unknown, options: EntryOptions): Inputs {
  const id = inputName(field);
  const question = questionOf(field, options);
  if (value === undefined || value === null || options.kept?.has(field.id)) return {};
  if (!question) return inputsForFile(field, value);
  switch (kindOf(field.property)) {
    case 'instant':
      return { [id]: localOf(String(value), options.timeZone) };
    case 'time':
      return { [id]: String(value).slice(0, 8) };
    case 'list':
      return {
        [id]:
          Array.isArray(value) && value.every((one) => typeof one !== 'object')
            ? value.join('\n')
            : JSON.stringify(value, null, 2),
      };
    case 'block':
      return { [id]: JSON.stringify(value, null, 2) };
    default:
      return inputsOf(question, value);
  }
}

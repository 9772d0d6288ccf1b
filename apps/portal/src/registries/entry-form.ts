import type { ProblemDetail } from '@govstack/platform';
import { type Component, defectText, inputId, questionComponent } from '../forms/component.ts';
import type { Question } from '../forms/eform.ts';
import { type FormBody, inputsOf, readEntry } from '../forms/entry.ts';
import type { Voice } from '../rendering/voice.ts';
import { instantOf, localOf } from './moments.ts';
import { isObject, kindOf, labelOf, type SchemaField } from './schema.ts';

type Inputs = Readonly<Record<string, string | readonly string[]>>;

/** What was entered for one field: inputs as they were, and the value, or why there is none. */
export interface FieldEntry {
  readonly inputs: Inputs;
  /** Null: nothing was entered. */
  readonly value?: unknown;
  readonly error?: string;
}

/** What the form of a registry needs to know besides its fields. */
export interface EntryOptions {
  readonly voice: Voice;
  readonly timeZone: string;
  /** The day in the country. */
  readonly today: string;
  /** Fields that get a value by themselves: they may stay empty. */
  readonly filled: ReadonlySet<number>;
  /** Fields that keep what they say when nothing is entered: secrets, which a form never shows. */
  readonly kept?: ReadonlySet<number>;
}

export const inputName = (field: SchemaField): string => `f${field.id}`;
const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
const longText = 250;
const longest = 20_000;
const mostRadios = 4;

/** Types of files by what people call them. */
export const fileTypes: Readonly<Record<string, string>> = {
  'application/pdf': 'PDF',
  'image/jpeg': 'JPEG',
  'image/png': 'PNG',
  'image/webp': 'WebP',
  'image/svg+xml': 'SVG',
  'text/plain': 'TXT',
  'text/csv': 'CSV',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'DOCX',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'XLSX',
  'application/zip': 'ZIP',
};

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
function questionOf(field: SchemaField, options: EntryOptions): Question | undefined {
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

const textIn = (body: FormBody, name: string): string => {
  const value = body[name];
  return (typeof value === 'string' ? value : (value?.[0] ?? '')).trim();
};

const fileParts = ['url', 'name', 'type', 'document', 'documentName', 'documentType', 'remove'] as const;

/** A document that was brought with the form, one that was there, or one that is kept elsewhere. */
function readFile(field: SchemaField, body: FormBody, { voice }: EntryOptions): FieldEntry {
  const id = inputName(field);
  const inputs = Object.fromEntries(
    fileParts.map((part) => [`${id}-${part}`, textIn(body, `${id}-${part}`)]),
  );
  const of = (part: (typeof fileParts)[number]): string => inputs[`${id}-${part}`] ?? '';
  const label = labelOf(field);
  const [url, originalName] = [of('url'), of('name')];
  const none = url === '' && originalName === '';
  if (of('remove') === 'yes' || (none && of('document') === ''))
    return field.required
      ? { inputs, error: voice.t('errors.required', { label }) }
      : { inputs, value: null };
  if (none) {
    const [name, type] = [of('documentName'), of('documentType')];
    return {
      inputs,
      value: {
        $documentId: of('document'),
        ...(name === '' ? {} : { originalName: name }),
        ...(type === '' ? {} : { type }),
      },
    };
  }
  if (!URL.canParse(url) || !/^https?:/.test(url))
    return { inputs, error: voice.t('registries.entry.fileAddress', { label }) };
  return {
    inputs,
    value: { url, originalName: originalName || url.split('/').at(-1) || url, type: of('type') },
  };
}

/** A value that is not a question's answer, from its one input. */
function special(field: SchemaField, text: string, options: EntryOptions): unknown {
  switch (kindOf(field.property)) {
    case 'instant':
      return instantOf(text, options.timeZone);
    case 'time':
      return /^\d{2}:\d{2}(:\d{2})?$/.test(text) ? `${text.length === 5 ? `${text}:00` : text}Z` : undefined;
    case 'list': {
      const lines = text
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '');
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
  if (!question) {
    const file = isObject(value) ? value : {};
    const said = (part: unknown): string => String(part ?? '');
    return '$documentId' in file
      ? {
          [`${id}-document`]: said(file.$documentId),
          [`${id}-documentName`]: said(file.originalName),
          [`${id}-documentType`]: said(file.type),
        }
      : {
          [`${id}-url`]: said(file.url),
          [`${id}-name`]: said(file.originalName),
          [`${id}-type`]: said(file.type),
        };
  }
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

export interface FormPart {
  readonly field: SchemaField;
  readonly component?: Component;
  /** Inputs of a file. */
  readonly file?: {
    readonly label: string;
    readonly inputs: Readonly<Record<string, unknown>>;
    readonly types: readonly { value: string; text: string }[];
    /** Types of files that may be brought; all that registries keep when left out. */
    readonly accept?: string;
    readonly error?: string;
  };
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
    if (!question) {
      const allowed = Array.isArray(field.property.fileTypes)
        ? field.property.fileTypes.map(String)
        : Object.keys(fileTypes);
      return {
        field,
        file: {
          label: `${labelOf(field)}${field.required ? '' : ` ${t('apply.optional')}`}`,
          inputs: entry.inputs,
          types: allowed.map((value) => ({ value, text: fileTypes[value] ?? value })),
          ...(Array.isArray(field.property.fileTypes) ? { accept: allowed.join(',') } : {}),
          ...(entry.error === undefined ? {} : { error: entry.error }),
        },
      };
    }
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

/** Id of the first input of a field, to which the summary of errors leads. */
export function firstInput(field: SchemaField, options: EntryOptions): string {
  const question = questionOf(field, options);
  return question ? inputId(question) : `${inputName(field)}-file`;
}

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

/** What the registry found wrong, at the fields it is about. */
export function withRefusal(
  fields: readonly SchemaField[],
  entries: ReadonlyMap<number, FieldEntry>,
  problem:
    | { readonly detail?: string; readonly title?: string; readonly errors?: readonly ProblemDetail[] }
    | undefined,
  options: EntryOptions,
) {
  const { t } = options.voice;
  const found = new Map(entries);
  const errors: { text: string; href: string }[] = [];
  for (const { pointer, detail } of problem?.errors ?? []) {
    const name = pointer.split('/').at(3)?.replaceAll('~1', '/').replaceAll('~0', '~');
    const field = fields.find((one) => one.name === name);
    if (!field || found.get(field.id)?.error !== undefined) continue;
    const text = refusalText(field, detail, t);
    found.set(field.id, { inputs: found.get(field.id)?.inputs ?? {}, error: text });
    errors.push({ text, href: `#${firstInput(field, options)}` });
  }
  // A value that is taken names its field in the sentence only.
  const taken = /^A record with this (.+) exists already$/.exec(problem?.detail ?? '')?.[1];
  const unique = fields.find(({ name }) => name === taken);
  if (unique) {
    const text = t('registries.entry.taken', { label: labelOf(unique) });
    found.set(unique.id, { inputs: found.get(unique.id)?.inputs ?? {}, error: text });
    errors.push({ text, href: `#${firstInput(unique, options)}` });
  }
  if (errors.length === 0)
    errors.push({
      text: problem?.detail ?? problem?.title ?? t('registries.entry.refused'),
      href: '#main-content',
    });
  return { entries: found, errors };
}

function refusalText(field: SchemaField, detail: string, t: Voice['t']): string {
  const label = labelOf(field);
  if (detail === 'is required') return t('errors.required', { label });
  if (/^leads to a record/.test(detail)) return t('registries.entry.leadsNowhere', { label });
  if (/pattern|format/.test(detail)) return t('errors.pattern', { label });
  return t('errors.checkAgain', { label });
}

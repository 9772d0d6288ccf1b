import type { FormBody } from '../forms/entry.ts';
import { type EntryOptions, type FieldEntry, type Inputs, inputName } from './field-entry.ts';
import { isObject, labelOf, type SchemaField } from './schema.ts';

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

const textIn = (body: FormBody, name: string): string => {
  const value = body[name];
  return (typeof value === 'string' ? value : (value?.[0] ?? '')).trim();
};

const fileParts = ['url', 'name', 'type', 'document', 'documentName', 'documentType', 'remove'] as const;

/** A document that was brought with the form, one that was there, or one that is kept elsewhere. */
export function readFile(field: SchemaField, body: FormBody, { voice }: EntryOptions): FieldEntry {
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

/** The inputs that show a document. */
export function inputsForFile(field: SchemaField, value: unknown): Inputs {
  const id = inputName(field);
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

/** A document in a form. */
export interface FilePart {
  readonly label: string;
  readonly inputs: Inputs;
  readonly types: readonly { value: string; text: string }[];
  /** Types of files that may be brought; all that registries keep when left out. */
  readonly accept?: string;
  readonly error?: string;
}

export function filePart(field: SchemaField, entry: FieldEntry, { voice }: EntryOptions): FilePart {
  const named = Array.isArray(field.property.fileTypes) ? field.property.fileTypes.map(String) : undefined;
  const allowed = named ?? Object.keys(fileTypes);
  return {
    label: `${labelOf(field)}${field.required ? '' : ` ${voice.t('apply.optional')}`}`,
    inputs: entry.inputs,
    types: allowed.map((value) => ({ value, text: fileTypes[value] ?? value })),
    ...(named ? { accept: named.join(',') } : {}),
    ...(entry.error === undefined ? {} : { error: entry.error }),
  };
}

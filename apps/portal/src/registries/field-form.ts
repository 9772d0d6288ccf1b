import type { Voice } from '../rendering/voice.ts';
import { everyBound, type FieldInputs, fieldBounds, fieldFlags, hasDefault } from './field-inputs.ts';
import type { PageError } from './refusals.ts';
import {
  fieldsOf,
  isObject,
  isScalar,
  type Json,
  type Kind,
  type Schema,
  type SchemaField,
  typeOf,
} from './schema.ts';
import { linesIn } from './text-lines.ts';

/** Keywords that belong to a kind: they go when the kind changes. */
const kindKeywords: readonly string[] = [
  'type',
  'format',
  'items',
  'properties',
  'anyOf',
  'enum',
  'pattern',
  ...everyBound,
  'fileTypes',
  'default',
  'foreignKeys',
];

/** A value as its kind is written in JSON; undefined when the text is none. */
function valueIn(kind: Kind, text: string): unknown {
  switch (kind) {
    case 'integer':
    case 'number': {
      const value = Number(text);
      return Number.isFinite(value) && (kind === 'number' || Number.isInteger(value)) ? value : undefined;
    }
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : undefined;
    default:
      return text;
  }
}

/**
 * The field that the form describes. What the form does not know of the field before stays, as long as its kind stays.
 */
export function readFieldForm(
  inputs: FieldInputs,
  kind: Kind,
  sameKind: boolean,
  before: SchemaField | undefined,
  schema: Schema,
  { t }: Voice,
) {
  const errors: PageError[] = [];
  const wrong = (name: string, text: string): void => void errors.push({ text, href: `#${name}` });
  const label = (name: string): string => t(`registries.field.${name}`);
  const said = (name: string): string => inputs[name] ?? '';
  const property: Record<string, unknown> = {
    ...Object.fromEntries(
      Object.entries(before?.property ?? {}).filter(([name]) => sameKind || !kindKeywords.includes(name)),
    ),
    ...(sameKind ? {} : typeOf[kind]),
  };
  const set = (name: string, value: unknown): void => {
    if (value === undefined || value === '' || value === false) delete property[name];
    else property[name] = value;
  };
  const name = said('name').normalize('NFC').replaceAll(/\s+/g, ' ');
  if (name === '') wrong('name', t('errors.required', { label: label('name') }));
  if (name.length > 100) wrong('name', t('errors.tooLong', { label: label('name'), max: 100 }));
  if (fieldsOf(schema).some((one) => one.name === name && one.id !== before?.id))
    wrong('name', t('registries.field.nameTaken'));
  set('description', said('description').slice(0, 1000));
  const example = said('example');
  set(
    'example',
    kind === 'integer' || kind === 'number'
      ? example === ''
        ? ''
        : (valueIn(kind, example) ?? example)
      : example,
  );
  for (const flag of fieldFlags(kind)) if (flag !== 'required') set(flag, said(flag) === 'yes');
  for (const bound of fieldBounds(kind)) {
    const text = said(bound);
    const value = text === '' ? '' : valueIn(kind === 'number' ? 'number' : 'integer', text);
    if (value === undefined || (typeof value === 'number' && value < 0 && !bound.endsWith('imum')))
      wrong(bound, t('errors.number', { label: label(bound) }));
    else set(bound, value);
  }
  const [least = '', most = ''] = fieldBounds(kind);
  if (
    typeof property[least] === 'number' &&
    typeof property[most] === 'number' &&
    Number(property[least]) > Number(property[most])
  )
    wrong(most, t('registries.field.boundsCrossed'));
  if (kind === 'text') {
    const pattern = said('pattern');
    try {
      new RegExp(pattern, 'u');
      set('pattern', pattern);
    } catch {
      wrong('pattern', t('registries.field.patternWrong'));
    }
  }
  if (kind === 'choice') {
    const choices = [...new Set(linesIn(said('choices')))];
    if (choices.length === 0) wrong('choices', t('registries.field.choicesMissing'));
    set('enum', choices);
  }
  if (kind === 'file') {
    const types = [...new Set(linesIn(said('fileTypes')))];
    set('fileTypes', types.length === 0 ? undefined : types);
  }
  if (hasDefault(kind)) {
    const text = said('default');
    const value = text === '' ? '' : valueIn(kind, text);
    if (value === undefined || (kind === 'choice' && text !== '' && !linesIn(said('choices')).includes(text)))
      wrong('default', t('errors.type', { label: label('default') }));
    else if (typeof value === 'boolean') property.default = value;
    else set('default', value);
  }
  if (isScalar(kind)) set('foreignKeys', linked(inputs, before?.property));
  return {
    errors,
    field: {
      ...(before ? { id: before.id } : {}),
      name,
      required: said('required') === 'yes',
      property: property as Json,
    },
  };
}

/** The link that was chosen, in the words of the schema; further ones of the field stay. */
function linked(inputs: FieldInputs, before: Json | undefined): unknown {
  const [registry = '', field = ''] = (inputs.link ?? '').split(':', 2);
  const keys = Array.isArray(before?.foreignKeys) ? before.foreignKeys.filter(isObject) : [];
  const rest = keys.slice(1);
  if (registry === '' || field === '') return rest.length > 0 ? rest : undefined;
  const key = {
    ...keys[0],
    databaseKey: registry,
    values: [{ fieldKey: Number(field) }],
    kind: inputs.linkKind === 'soft' ? 'soft' : 'strict',
    onDelete: ['cascade', 'orphan'].includes(inputs.onDelete ?? '') ? inputs.onDelete : 'refuse',
  };
  return [key, ...rest];
}

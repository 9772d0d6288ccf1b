import { input, type SignedInVisit } from '../site/visit.ts';
import { isScalar, type Kind, linksOf, type SchemaField } from './schema.ts';

/** What can be ticked of a field, by kind; in the order of the form. */
export const fieldFlags = (kind: Kind): readonly string[] => [
  'required',
  ...(isScalar(kind) ? ['unique'] : []),
  ...(kind === 'text' || kind === 'integer' ? ['primaryKey'] : []),
  'personal',
  ...(kind === 'text' ? ['owner'] : []),
  'readOnly',
  ...(isScalar(kind) ? ['filterable'] : []),
  ...(kind === 'text' ? ['searchable'] : []),
];

export const everyBound = ['minLength', 'maxLength', 'minimum', 'maximum', 'minItems', 'maxItems'] as const;

/** Bounds of values, by kind. */
export const fieldBounds = (kind: Kind): readonly string[] => {
  if (kind === 'text') return ['minLength', 'maxLength'];
  if (kind === 'integer' || kind === 'number') return ['minimum', 'maximum'];
  return kind === 'list' ? ['minItems', 'maxItems'] : [];
};

/** Kinds whose fields can have a value to start from. */
export const hasDefault = (kind: Kind): boolean =>
  ['text', 'choice', 'integer', 'number', 'boolean', 'date'].includes(kind);

/** The form as it stands, all inputs as text; what is ticked is `yes`. */
export type FieldInputs = Readonly<Record<string, string>>;

export function inputsOfField(field: SchemaField | undefined, kind: Kind): FieldInputs {
  if (!field) return { maxLength: kind === 'text' ? '200' : '' };
  const { property } = field;
  const [link] = linksOf(property);
  const text = (value: unknown): string =>
    value === undefined || value === null
      ? ''
      : typeof value === 'object'
        ? JSON.stringify(value)
        : String(value);
  return {
    name: field.name,
    description: text(property.description),
    example: text(property.example),
    ...Object.fromEntries(
      fieldFlags(kind).map((flag) => [
        flag,
        (flag === 'required' ? field.required : property[flag] === true) ? 'yes' : '',
      ]),
    ),
    ...Object.fromEntries(fieldBounds(kind).map((bound) => [bound, text(property[bound])])),
    pattern: text(property.pattern),
    choices: Array.isArray(property.enum) ? property.enum.join('\n') : '',
    default: text(property.default),
    fileTypes: Array.isArray(property.fileTypes) ? property.fileTypes.join('\n') : '',
    link: link ? `${link.registry}:${link.field}` : '',
    linkKind: link?.kind ?? 'strict',
    onDelete: link?.onDelete ?? 'refuse',
  };
}

const everyInput = [
  'name',
  'description',
  'example',
  // Whatever can be ticked can be ticked of a text.
  ...fieldFlags('text'),
  ...everyBound,
  'pattern',
  'choices',
  'default',
  'fileTypes',
  'link',
  'linkKind',
  'onDelete',
];

/** What was sent. Several ticks of one name are joined by lines. */
export const enteredField = (visit: SignedInVisit): FieldInputs =>
  Object.fromEntries(
    everyInput.map((name) => {
      const value = visit.body[name];
      return [name, Array.isArray(value) ? value.join('\n') : input(visit, name)];
    }),
  );

import type { Field } from '../schema/field.ts';
import { exampleOf } from './example.ts';

const inWords: Readonly<Record<Field['type'], string>> = {
  text: 'Text',
  integer: 'Whole number',
  number: 'Number',
  boolean: 'Yes or no',
  date: 'Date',
  'date-time': 'Moment, in UTC',
  time: 'Time of day',
  file: 'Document: its address or id',
  json: 'Structured value',
};

/** What a field is, in words: what its schema says, else what is known of it. */
function descriptionOf(field: Field, property: unknown): string {
  const said = (property as { description?: unknown } | undefined)?.description;
  if (typeof said === 'string' && said.trim() !== '') return said;
  const facts = [
    field.primaryKey ? 'primary key' : '',
    field.unique ? 'unique' : '',
    field.personal ? 'personal data' : '',
    field.owner ? 'identifies the person' : '',
    field.readOnly ? 'set once' : '',
    ...field.links.map(({ registry }) => `leads to ${registry}`),
  ].filter((fact) => fact !== '');
  return `${inWords[field.type]}: ${field.name}${facts.length > 0 ? ` (${facts.join(', ')})` : ''}`;
}

/** A field as a property of an OpenAPI schema, with a description and an example (REG-6.2-34-b). */
export const describeField = (field: Field, property: unknown): Record<string, unknown> => ({
  ...field.schema,
  description: descriptionOf(field, property),
  example: exampleOf(field, property),
  'x-field-id': field.id,
  ...(field.personal ? { 'x-personal': true } : {}),
});

import type { ProblemDetail } from '@govstack/platform';
import type { Mapping } from '../api/mappings/document.ts';
import type { Field } from '../schema/field.ts';
import { attributesOf } from './attribute.ts';
import { attributesIn } from './render.ts';

export interface Verdict {
  /** What makes the mapping unusable. */
  readonly defects: readonly ProblemDetail[];
  /** What works, and will be slow or useless. */
  readonly warnings: readonly ProblemDetail[];
}

const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

/** Holds a mapping against the fields of its registry. */
export function checkMapping(mapping: Mapping, fields: readonly Field[]): Verdict {
  const defects: ProblemDetail[] = [];
  const warnings: ProblemDetail[] = [];
  const defect = (pointer: string, detail: string): void =>
    void defects.push({ in: 'body', pointer, detail });
  const warn = (pointer: string, detail: string): void => void warnings.push({ in: 'body', pointer, detail });
  const attributes = attributesOf(mapping, fields);

  for (const [name, given] of Object.entries(mapping.attributes)) {
    const attribute = attributes.get(name);
    const pointer = `/attributes/${escaped(name)}`;
    if (!attribute) {
      const field = typeof given === 'string' ? given : given.field;
      defect(pointer, `${field} is not a field of ${mapping.registry}`);
      continue;
    }
    const { field, path, as, values } = attribute;
    const dated = field.type === 'date' || field.type === 'date-time';
    if (as && (!dated || path.length > 0)) defect(`${pointer}/as`, `${field.name} is not a date`);
    for (const value of values?.keys() ?? [])
      if (path.length === 0 && field.values && !field.values.includes(value))
        defect(`${pointer}/values/${escaped(value)}`, `is not a value of ${field.name}`);
  }
  const known = (pointer: string, name: string): void => {
    if (!Object.hasOwn(mapping.attributes, name)) defect(pointer, `${name} is not an attribute`);
  };
  const searched = (pointer: string, name: string): void => {
    known(pointer, name);
    const attribute = attributes.get(name);
    if (!attribute) return;
    if (!attribute.searchable) defect(pointer, `${name} is not searched by`);
    else if (!attribute.field.indexed || attribute.path.length > 0)
      warn(pointer, `${attribute.field.name} has no index: every search by it reads the whole registry`);
  };
  const shown = (pointer: string, template: unknown): void => {
    for (const name of attributesIn(template)) known(pointer, name);
  };
  const where = (pointer: string, condition: object): void => {
    for (const name of Object.keys(condition)) known(`${pointer}/${escaped(name)}`, name);
  };

  for (const [type, name] of Object.entries(mapping.identifiers ?? {}))
    searched(`/identifiers/${escaped(type)}`, name);
  const types = mapping.recordTypes ?? {};
  for (const [type, template] of Object.entries(types)) shown(`/recordTypes/${escaped(type)}`, template);
  const typed = (pointer: string, type: string | undefined): void => {
    if (type !== undefined && !Object.hasOwn(types, type)) defect(pointer, `${type} is not a record type`);
  };
  typed('/defaultRecordType', mapping.defaultRecordType);
  typed('/questions/details/recordType', mapping.questions?.details?.recordType);
  typed('/questions/support/recordType', mapping.questions?.support?.recordType);
  if (mapping.defaultRecordType === undefined && Object.keys(types).length > 1)
    defect('/defaultRecordType', 'says which record type is meant when a message names none');
  for (const [index, event] of (mapping.events ?? []).entries())
    where(`/events/${index}/becomes`, event.becomes ?? {});
  for (const question of ['enrolled', 'disabled'] as const)
    where(`/questions/${question}/where`, mapping.questions?.[question]?.where ?? {});

  const { patient, mother } = mapping.fhir ?? {};
  if (patient) {
    shown('/fhir/patient/template', patient.template);
    for (const [system, name] of Object.entries(patient.identifiers))
      searched(`/fhir/patient/identifiers/${escaped(system)}`, name);
    for (const [parameter, name] of Object.entries(patient.search)) {
      const pointer = `/fhir/patient/search/${parameter}`;
      searched(pointer, name);
      const type = attributes.get(name)?.field.type ?? '';
      if (parameter === 'birthdate' && !['date', 'date-time'].includes(type))
        defect(pointer, 'is not a date');
      if (['family', 'given'].includes(parameter) && type !== 'text') defect(pointer, 'is not text');
    }
  }
  if (mother) {
    shown('/fhir/mother/template', mother.template);
    searched('/fhir/mother/identifier', mother.identifier);
  }
  if (Object.keys(types).length === 0 && !patient) warn('', 'shows nothing: neither recordTypes nor fhir');
  return { defects, warnings };
}

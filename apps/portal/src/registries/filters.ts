import { plainDecimal } from '../forms/written-numbers.ts';
import type { Voice } from '../rendering/voice.ts';
import type { ListFilter } from './list-store.ts';
import { instantOf } from './moments.ts';
import { isScalar, type Kind, kindOf, labelOf, type SchemaField } from './schema.ts';
import { shownValue } from './shown-value.ts';

export const operators = ['eq', 'ne', 'startsWith', 'ge', 'le', 'isNull', 'notNull'] as const;
export type FilterOperator = (typeof operators)[number];

const ordered: ReadonlySet<Kind> = new Set(['integer', 'number', 'date', 'instant', 'time']);

/** Whether an operator makes sense for a kind of field. */
export const fits = (operator: FilterOperator, kind: Kind): boolean => {
  if (operator === 'isNull' || operator === 'notNull') return true;
  if (!isScalar(kind)) return false;
  if (operator === 'startsWith') return kind === 'text';
  return operator === 'ge' || operator === 'le' ? ordered.has(kind) : true;
};

/** A value as people write it, as the registry takes it; undefined when it is none of this field. */
export function soughtValue(field: SchemaField, text: string, voice: Voice, timeZone: string): unknown {
  const kind = kindOf(field.property);
  switch (kind) {
    case 'integer':
    case 'number': {
      const decimal = plainDecimal(text, voice.language);
      const value = decimal === undefined ? Number.NaN : Number(decimal);
      return Number.isFinite(value) && (kind === 'number' || Number.isInteger(value)) ? value : undefined;
    }
    case 'boolean': {
      const said = text.toLocaleLowerCase(voice.language);
      if (said === 'true' || said === voice.t('common.yes').toLocaleLowerCase(voice.language)) return true;
      if (said === 'false' || said === voice.t('common.no').toLocaleLowerCase(voice.language)) return false;
      return undefined;
    }
    case 'date':
      return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)) ? text : undefined;
    case 'instant':
      return instantOf(text.length === 10 ? `${text}T00:00` : text.replace(' ', 'T'), timeZone);
    case 'time':
      return /^\d{2}:\d{2}(:\d{2})?$/.test(text) ? text : undefined;
    case 'choice': {
      const values = Array.isArray(field.property.enum) ? field.property.enum.map(String) : [];
      const said = text.toLocaleLowerCase(voice.language);
      return values.find((value) => value.toLocaleLowerCase(voice.language) === said) ?? text;
    }
    default:
      return text;
  }
}

/** A filter as the registry takes it; undefined when its field is no more. */
export function asked({ field: id, operator, value }: ListFilter, fields: readonly SchemaField[]) {
  const field = fields.find((one) => one.id === id);
  if (!field) return undefined;
  if (operator === 'isNull' || operator === 'notNull')
    return { field: field.name, operator: 'isNull' as const, value: operator === 'isNull' };
  const known = operators.find((one) => one === operator) ?? 'eq';
  return { field: field.name, operator: known as 'eq' | 'ne' | 'startsWith' | 'ge' | 'le', value };
}

/** A value in words when its field is not known. */
const plainText = (value: unknown): string =>
  typeof value === 'object' || value === undefined ? '' : String(value);

/** A filter in words. */
export function filterText(
  voice: Voice,
  { field: id, operator, value }: ListFilter,
  fields: readonly SchemaField[],
): string {
  const field = fields.find((one) => one.id === id);
  const label = field ? labelOf(field) : voice.t('registries.filter.lostField', { number: String(id) });
  return voice.t(`registries.filter.says.${operators.find((one) => one === operator) ?? 'eq'}`, {
    field: label,
    value: field ? shownValue(voice, field, value).lines.join(', ') : plainText(value),
  });
}

/** Says which filters cannot be asked any more; undefined when all can. Without them a list is of more records. */
export function lostFilters(
  voice: Voice,
  filters: readonly ListFilter[],
  fields: readonly SchemaField[],
): string | undefined {
  const lost = filters.filter((filter) => !asked(filter, fields));
  if (lost.length === 0) return undefined;
  const said = lost.map((filter) => filterText(voice, filter, fields)).join(' · ');
  return voice.t('registries.filter.lost', { filters: said });
}

import { plainDecimal } from '../forms/written-numbers.ts';
import type { Voice } from '../rendering/voice.ts';
import { type Comparison, type Condition, comparedWith, comparisonOperators } from './right-shape.ts';
import { kindOf, type SchemaField, sameValue } from './schema.ts';

/** One line of the table of conditions, as it is entered. */
export interface ConditionLine {
  readonly field: string;
  readonly operator: string;
  readonly against: string;
  readonly value: string;
}

const named = ['role', 'attribute'];

/** A comparison as a line of the table; undefined when the table cannot show it. */
function lineOf({ field, caller, operator, value }: Comparison): ConditionLine | undefined {
  if (typeof field !== 'string' || caller !== undefined) return undefined;
  const line = (against: string, text: string): ConditionLine => ({ field, operator, against, value: text });
  if (operator === 'isNull')
    return { field, operator: value === false ? 'notNull' : operator, against: 'value', value: '' };
  if (Array.isArray(value)) {
    return line('value', value.map(String).join(', '));
  }
  if (typeof value !== 'object') return value === undefined ? undefined : line('value', String(value));
  if (!('caller' in value)) return undefined;
  const [kind = '', name = ''] = value.caller.split(/:(.*)/s);
  return comparedWith.some((one) => one === kind && one !== 'value') ? line(kind, name) : undefined;
}

/** A value as it was written, as the field has it; undefined when it is none. */
function writtenValue(field: SchemaField, text: string, voice: Voice): string | number | boolean | undefined {
  switch (kindOf(field.property)) {
    case 'integer':
    case 'number': {
      const decimal = plainDecimal(text, voice.language);
      return decimal === undefined || !Number.isFinite(Number(decimal)) ? undefined : Number(decimal);
    }
    case 'boolean':
      if (['true', voice.t('common.yes').toLowerCase()].includes(text.toLowerCase())) return true;
      return ['false', voice.t('common.no').toLowerCase()].includes(text.toLowerCase()) ? false : undefined;
    default:
      return text === '' ? undefined : text;
  }
}

/** The comparison that a line says; undefined when it says none. */
function comparisonOf(
  line: ConditionLine,
  fields: readonly SchemaField[],
  voice: Voice,
): Comparison | undefined {
  const field = fields.find(({ name }) => name === line.field);
  const operator = comparisonOperators.find((one) => one === line.operator);
  const against = comparedWith.find((one) => one === line.against) ?? 'value';
  if (!field || !operator) return undefined;
  if (operator === 'isNull') return { field: field.name, operator };
  if (operator === 'notNull') return { field: field.name, operator: 'isNull', value: false };
  if (against !== 'value') {
    if (named.includes(against) && line.value === '') return undefined;
    const caller = named.includes(against) ? `${against}:${line.value}` : against;
    return { field: field.name, operator, value: { caller } };
  }
  if (operator === 'in' || operator === 'notIn') {
    const values = line.value.split(/[,،]/).map((one) => writtenValue(field, one.trim(), voice));
    return values.every((one) => one !== undefined)
      ? { field: field.name, operator, value: values }
      : undefined;
  }
  const value = writtenValue(field, line.value, voice);
  return value === undefined ? undefined : { field: field.name, operator, value };
}

/** The condition that lines say together; `wrong` when one of them says nothing. */
export function conditionOf(
  lines: readonly ConditionLine[],
  fields: readonly SchemaField[],
  voice: Voice,
): { readonly rows?: Condition; readonly wrong?: true } {
  if (lines.length === 0) return {};
  const all = lines.map((line) => comparisonOf(line, fields, voice));
  return all.every((one) => one !== undefined) ? { rows: [all] } : { wrong: true };
}

/** One way to write what can be written in two. */
function plainly(one: Comparison): Comparison {
  if (one.operator !== 'isNull' || one.value !== true) return one;
  const { value: _, ...rest } = one;
  return rest;
}

/**
 * A condition as lines that all hold; undefined when the table cannot show it: what would be read from the lines, once
 * a browser has sent them, must say the same.
 */
export function linesOf(
  condition: Condition | undefined,
  fields: readonly SchemaField[],
  voice: Voice,
): ConditionLine[] | undefined {
  if (!condition) return [];
  const lines = (condition[0] ?? []).map(lineOf);
  if (condition.length !== 1 || !lines.every((line) => line !== undefined)) return undefined;
  const sent = lines.map((line) => ({ ...line, value: line.value.replaceAll(/[\r\n]/g, '').trim() }));
  const { rows } = conditionOf(sent, fields, voice);
  return rows && sameValue(rows[0], condition[0]?.map(plainly)) ? lines : undefined;
}

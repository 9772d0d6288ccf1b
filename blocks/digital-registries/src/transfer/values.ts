import type { Field, FieldType } from '../schema/field.ts';

export type DateOrder = 'iso' | 'dmy' | 'mdy';

const dayFirst = /^(\d{1,2})[./-](\d{1,2})[./-](\d{4})$/;

/** A date as it is written here and there, as ISO has it. What is no date stays what it is. */
function isoDate(text: string, order: DateOrder): string {
  const parts = order === 'iso' ? null : dayFirst.exec(text);
  // A moment at midnight is how spreadsheets give a date.
  if (!parts) return text.replace(/^(\d{4}-\d{2}-\d{2})T00:00:00(?:\.0+)?Z?$/, '$1');
  const [, one = '', two = '', year = ''] = parts;
  const [day, month] = order === 'dmy' ? [one, two] : [two, one];
  return `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
}

const truths = new Map([
  ['true', true],
  ['yes', true],
  ['1', true],
  ['false', false],
  ['no', false],
  ['0', false],
]);

/** What a cell says in a field. What cannot be read so stays text, for the rules of the field to refuse. */
export function valueOfCell({ type }: Pick<Field, 'type'>, text: string, order: DateOrder): unknown {
  if (type === 'text') return text;
  const trimmed = text.trim();
  switch (type) {
    case 'integer':
    case 'number':
      return /^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(trimmed) ? Number(trimmed) : text;
    case 'boolean':
      return truths.get(trimmed.toLowerCase()) ?? text;
    case 'date':
      return isoDate(trimmed, order);
    case 'time':
      // As a registry gives it back: without a zone.
      return /^\d{2}:\d{2}:\d{2}(\.\d+)?$/.test(trimmed) ? `${trimmed}Z` : trimmed;
    case 'date-time':
      return trimmed;
    default:
      try {
        return JSON.parse(trimmed);
      } catch {
        return text;
      }
  }
}

/** How a value is written in a cell. */
export const cellOfValue = (type: FieldType, value: unknown): string =>
  type === 'json' || type === 'file' ? JSON.stringify(value) : String(value);

const realDate = (text: string): boolean => {
  const time = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(time.getTime()) && time.toISOString().startsWith(text) && !text.startsWith('0000');
};

/** A value as the text that its column reads; undefined when it would not fit. */
export function columnText(type: FieldType, value: unknown): string | undefined {
  switch (type) {
    case 'text':
      return typeof value === 'string' ? value : JSON.stringify(value);
    case 'integer':
      return Number.isSafeInteger(Number(value)) && String(value).trim() !== ''
        ? String(Number(value))
        : undefined;
    case 'number':
      return Number.isFinite(Number(value)) && String(value).trim() !== ''
        ? String(Number(value))
        : undefined;
    case 'boolean':
      return /^(true|false)$/i.test(String(value)) ? String(value) : undefined;
    case 'date':
      return /^\d{4}-\d{2}-\d{2}$/.test(String(value)) && realDate(String(value)) ? String(value) : undefined;
    case 'date-time': {
      const time = /^\d{4}-/.test(String(value)) ? new Date(String(value)) : new Date(Number.NaN);
      return Number.isNaN(time.getTime()) || time.getUTCFullYear() < 1 || time.getUTCFullYear() > 9999
        ? undefined
        : time.toISOString();
    }
    case 'time':
      return /^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?$/i.test(String(value))
        ? String(value)
        : undefined;
    default:
      return JSON.stringify(value);
  }
}

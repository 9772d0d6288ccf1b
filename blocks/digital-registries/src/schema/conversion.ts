import { type RawBuilder, sql } from 'kysely';
import type { FieldType } from './field.ts';

/** Types whose every value can be read as another type. */
const widenings: Readonly<Partial<Record<FieldType, readonly FieldType[]>>> = {
  integer: ['number', 'text'],
  number: ['text'],
  boolean: ['text'],
  date: ['date-time', 'text'],
  'date-time': ['text'],
  time: ['text'],
};

export const widens = (from: FieldType, to: FieldType): boolean => widenings[from]?.includes(to) ?? false;

/** A value of one type as another one has it; null when it cannot be read so. */
export function converted(value: unknown, from: FieldType, to: FieldType): unknown {
  if (value === undefined || value === null || from === to) return value ?? null;
  if (to === 'json' || to === 'file') return null;
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  switch (to) {
    case 'text':
      return text;
    case 'integer':
      return /^-?\d{1,18}$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : null;
    case 'number':
      return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : null;
    case 'boolean':
      return /^(true|false)$/i.test(text) ? text.toLowerCase() === 'true' : null;
    case 'time':
      return /^\d{2}:\d{2}/.test(text) ? text : null;
    default: {
      const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
      if (Number.isNaN(time)) return null;
      return to === 'date' ? text.slice(0, 10) : new Date(time).toISOString();
    }
  }
}

/** The same of a column. */
export function convertedColumn(
  column: RawBuilder<unknown>,
  from: FieldType,
  to: FieldType,
): RawBuilder<unknown> {
  if (to === 'json' || to === 'file') return sql`null::jsonb`;
  const text =
    from === 'date-time'
      ? sql`to_char(${column}, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
      : from === 'number'
        ? sql`trim_scale(${column})::text`
        : sql`${column}::text`;
  switch (to) {
    case 'text':
      return text;
    case 'integer':
      return sql`reg.as_integer(${text})`;
    case 'number':
      return sql`reg.as_number(${text})`;
    case 'boolean':
      return sql`reg.as_boolean(${text})`;
    case 'date':
      return sql`reg.as_date(${text})`;
    case 'time':
      return sql`reg.as_time(${text})`;
    case 'date-time':
      return sql`reg.as_date_time(${text})`;
  }
}

import type { FormBody } from '../forms/entry.ts';
import type { Voice } from '../rendering/voice.ts';
import { inputName } from './field-entry.ts';
import { localOf } from './moments.ts';
import { isScalar, kindOf, labelOf, type SchemaField } from './schema.ts';

/** One field in a row that is being changed: a single small input. */
export interface RowInput {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  readonly type: 'text' | 'date' | 'datetime-local' | 'time';
  /** A secret: its value is not shown, and stays when nothing is entered. */
  readonly secret?: boolean;
  /** Of a choice. */
  readonly options?: readonly { readonly value: string; readonly text: string }[];
}

const isEditable = ({ property }: SchemaField): boolean =>
  property.readOnly !== true && isScalar(kindOf(property));

/** Inputs for the columns that can be changed in their row; undefined where one cannot. */
export function rowEntry(
  voice: Voice,
  timeZone: string,
  columns: readonly SchemaField[],
  content: Readonly<Record<string, unknown>>,
) {
  const inputs = columns.map((field): RowInput | undefined => {
    if (!isEditable(field)) return undefined;
    const kind = kindOf(field.property);
    const value = content[field.name];
    const text = value === undefined || value === null ? '' : String(value);
    const base = { name: inputName(field), label: labelOf(field), type: 'text' as const };
    if (field.property.secret === true) {
      const label = `${base.label} (${voice.t('registries.entry.kept')})`;
      return { ...base, label, value: '', secret: true };
    }
    if (kind === 'choice' || kind === 'boolean') {
      const values =
        kind === 'boolean'
          ? [
              { value: 'true', text: voice.t('common.yes') },
              { value: 'false', text: voice.t('common.no') },
            ]
          : (Array.isArray(field.property.enum) ? field.property.enum : []).map((one) => ({
              value: String(one),
              text: String(one),
            }));
      return { ...base, value: text, options: [{ value: '', text: '–' }, ...values] };
    }
    if (kind === 'date') return { ...base, type: 'date', value: text };
    if (kind === 'instant')
      return { ...base, type: 'datetime-local', value: text === '' ? '' : localOf(text, timeZone) };
    if (kind === 'time') return { ...base, type: 'time', value: text.slice(0, 8) };
    return { ...base, value: text };
  });
  const ids = columns.filter(isEditable).map(({ id }) => id);
  return { inputs, fields: ids.join(' ') };
}

/** What a row's inputs say, in the words of the form of a whole record: there a date has three inputs. */
export function asFormBody(fields: readonly SchemaField[], body: FormBody): FormBody {
  const dates = fields.flatMap((field) => {
    const value = body[inputName(field)];
    if (kindOf(field.property) !== 'date' || typeof value !== 'string') return [];
    const [year = '', month = '', day = ''] = value === '' ? [] : value.split('-');
    const id = inputName(field);
    return [
      [`${id}-year`, year],
      [`${id}-month`, month],
      [`${id}-day`, day],
    ] as const;
  });
  return { ...body, ...Object.fromEntries(dates) };
}

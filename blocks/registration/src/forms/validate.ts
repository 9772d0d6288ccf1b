import { Decimal } from 'decimal.js';
import type { Answers, Defect, EForm, Field } from './eform.ts';
import { applicable, applicableItems, isMissing, prune } from './prune.ts';

export interface Validation {
  /** Pruned answers; what is stored when there are no defects. */
  readonly data: Record<string, unknown>;
  readonly defects: readonly Defect[];
}

type Check = (field: Field, value: unknown, today: string) => [Defect['code'], string] | undefined;

const isObject = (value: unknown): value is Answers =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const textCheck =
  (multiline: boolean): Check =>
  (field, value) => {
    if (typeof value !== 'string') return ['type', 'must be text'];
    const control = multiline ? /[\p{Cc}]/u.test(value.replaceAll('\n', '')) : /\p{Cc}/u.test(value);
    if (control || value !== value.normalize('NFC')) return ['type', 'must be plain text'];
    const length = [...value].length;
    if (length < (field.minLength ?? 0) || length > (field.maxLength ?? (multiline ? 2000 : 200)))
      return ['length', 'is too short or too long'];
    if (field.pattern !== undefined && !new RegExp(`^(?:${field.pattern})$`, 'u').test(value))
      return ['pattern', 'is not in the right form'];
    return undefined;
  };

const numberCheck =
  (whole: boolean): Check =>
  (field, value) => {
    if (typeof value !== 'number' || !Number.isFinite(value) || (whole && !Number.isSafeInteger(value))) {
      return ['type', whole ? 'must be a whole number' : 'must be a number'];
    }
    if (value < Number(field.min ?? -Infinity) || value > Number(field.max ?? Infinity))
      return ['range', 'is too small or too large'];
    return undefined;
  };

const minorDigits = (currency: string): number =>
  new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2;

const money: Check = (field, value) => {
  const digits = minorDigits(field.currency ?? 'XXX');
  const form = new RegExp(`^-?(0|[1-9][0-9]{0,14})${digits > 0 ? `\\.[0-9]{${digits}}` : ''}$`);
  if (typeof value !== 'string' || !form.test(value))
    return ['type', `must be an amount with ${digits} decimal places`];
  const amount = new Decimal(value);
  const outside =
    (field.min !== undefined && amount.lessThan(field.min)) ||
    (field.max !== undefined && amount.greaterThan(field.max));
  return outside ? ['range', 'is too small or too large'] : undefined;
};

const date: Check = (field, value, today) => {
  const real =
    typeof value === 'string' &&
    /^\d{4}-\d\d-\d\d$/.test(value) &&
    !Number.isNaN(Date.parse(`${value}T00:00:00Z`)) &&
    new Date(`${value}T00:00:00Z`).toISOString().startsWith(value);
  if (!real) return ['type', 'must be a day of the calendar'];
  const bound = (limit: number | string | undefined): string | undefined =>
    limit === undefined ? undefined : limit === 'today' ? today : String(limit);
  const [min, max] = [bound(field.min), bound(field.max)];
  return (min !== undefined && value < min) || (max !== undefined && value > max)
    ? ['range', 'is too early or too late']
    : undefined;
};

const choice: Check = (field, value) =>
  typeof value !== 'string'
    ? ['type', 'must be one of the options']
    : field.options?.some((option) => option.value === value)
      ? undefined
      : ['option', 'is not one of the options'];

const checkboxes: Check = (field, value) => {
  if (!Array.isArray(value)) return ['type', 'must be a list of options'];
  const known = field.options?.map((option) => option.value) ?? [];
  if (new Set(value).size !== value.length || value.some((one) => !known.includes(one as string)))
    return ['option', 'has something that is not an option, or one twice'];
  if (value.length < Number(field.min ?? 0) || value.length > Number(field.max ?? known.length))
    return ['count', 'has too few or too many ticks'];
  return undefined;
};

const pattern =
  (form: string | undefined): Check =>
  (field, value) =>
    typeof value !== 'string'
      ? ['type', 'must be text']
      : new RegExp(`^(?:${form ?? field.pattern ?? '.{1,100}'})$`, 'u').test(value)
        ? undefined
        : ['pattern', 'is not in the right form'];

const group: Check = (field, value) => {
  if (!Array.isArray(value) || !value.every(isObject)) return ['type', 'must be a list'];
  const fewest = Math.max(Number(field.min ?? 0), field.required ? 1 : 0);
  return value.length < fewest || value.length > Number(field.max ?? 30)
    ? ['count', 'has too few or too many entries']
    : undefined;
};

const checks: Readonly<Record<Field['type'], Check>> = {
  text: textCheck(false),
  textarea: textCheck(true),
  number: numberCheck(false),
  integer: numberCheck(true),
  money,
  date,
  boolean: (_field, value) => (typeof value === 'boolean' ? undefined : ['type', 'must be yes or no']),
  radios: choice,
  select: choice,
  checkboxes,
  nationalNumber: pattern(undefined),
  phone: pattern('\\+[1-9][0-9]{7,14}'),
  group,
};

const escapePointer = (segment: string): string => segment.replaceAll('~', '~0').replaceAll('/', '~1');

function unknownKeys(form: EForm, data: Answers): Defect[] {
  const fields = new Map(
    form.pages.flatMap((page) => page.fields.map((field) => [field.id, field] as const)),
  );
  const unknown = (fieldId: string, pointer: string): Defect => ({
    fieldId,
    pointer,
    code: 'unknown',
    message: 'is not a field of the form',
  });
  return Object.entries(data).flatMap(([key, value]) => {
    const field = fields.get(key);
    if (!field) return [unknown(key, `/${escapePointer(key)}`)];
    if (field.type !== 'group' || !Array.isArray(value)) return [];
    const known = new Set(field.items?.map((item) => item.id));
    return value.flatMap((item, index) =>
      isObject(item)
        ? Object.keys(item)
            .filter((itemKey) => !known.has(itemKey))
            .map((itemKey) => unknown(itemKey, `/${key}/${index}/${escapePointer(itemKey)}`))
        : [],
    );
  });
}

function checkField(field: Field, value: unknown, pointer: string, today: string): Defect[] {
  if (isMissing(value)) {
    return field.required ? [{ fieldId: field.id, pointer, code: 'required', message: 'is required' }] : [];
  }
  const fault = checks[field.type](field, value, today);
  return fault ? [{ fieldId: field.id, pointer, code: fault[0], message: fault[1] }] : [];
}

/** Validates a submission against its eForm; `today` is the day in the country's time zone. All defects together. */
export function validateSubmission(form: EForm, answers: Answers, today: string): Validation {
  const unknown = unknownKeys(form, answers);
  const data = prune(form, answers);
  const defects = applicable(form, data).flatMap((field) => {
    const value = data[field.id];
    const own = checkField(field, value, `/${field.id}`, today);
    if (own.length > 0 || field.type !== 'group' || !Array.isArray(value)) return own;
    return value.flatMap((item, index) =>
      applicableItems(form, field, data, item as Answers).flatMap((itemField) =>
        checkField(
          itemField,
          (item as Answers)[itemField.id],
          `/${field.id}/${index}/${itemField.id}`,
          today,
        ),
      ),
    );
  });
  return { data, defects: [...unknown, ...defects] };
}

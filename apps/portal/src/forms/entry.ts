import type { Language } from '../languages.ts';
import { checkQuestion, type Defect } from './check.ts';
import type { Question } from './eform.ts';
import { asciiDigits, plainDecimal } from './written-numbers.ts';

/** Body of a submitted HTML form. */
export type FormBody = Readonly<Record<string, string | readonly string[] | undefined>>;

/** What a person entered for one question: the inputs as they were, and the answer or what is wrong with it. */
export interface Entry {
  readonly inputs: Readonly<Record<string, string | readonly string[]>>;
  readonly answer?: unknown;
  readonly defect?: Defect;
}

const one = (value: string | readonly string[] | undefined): string =>
  (typeof value === 'string' ? value : (value?.[0] ?? '')).normalize('NFC');

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out
const withoutControls = (text: string): string => text.replaceAll(/[\u0000-\u001f\u007f]/g, ' ').trim();

function dateEntry(field: Question, body: FormBody): Entry {
  const inputs = Object.fromEntries(
    ['day', 'month', 'year'].map((part) => [part, withoutControls(one(body[`${field.id}-${part}`]))]),
  ) as Record<'day' | 'month' | 'year', string>;
  const parts = ['day', 'month', 'year'] as const;
  const empty = parts.filter((part) => inputs[part] === '');
  if (empty.length === 3) return { inputs };
  if (empty.length > 0) {
    const part = empty[0] as string;
    return { inputs, defect: { code: 'type', reason: `date_${part}`, part } };
  }
  const [day, month, year] = parts.map((part) => asciiDigits(inputs[part])) as [string, string, string];
  if (!/^\d{1,2}$/.test(day) || !/^\d{1,2}$/.test(month) || !/^\d{4}$/.test(year)) {
    const part = /^\d{1,2}$/.test(day) ? (/^\d{1,2}$/.test(month) ? 'year' : 'month') : 'day';
    return { inputs, defect: { code: 'type', reason: part === 'year' ? 'date_year' : 'date', part } };
  }
  return { inputs, answer: `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}` };
}

/** E.164 from a number as people write it (docs/eform.md). */
const phoneNumber = (written: string, prefix: string | undefined): string => {
  const digits = asciiDigits(written)
    .replaceAll(/[\s\u00a0\u200e\u200f().\-–/]/g, '')
    .replace(/^00/, '+');
  if (digits.startsWith('+') || prefix === undefined) return digits;
  return prefix + digits.replace(/^0/, '');
};

const moneyAmount = (decimal: string, currency: string): string => {
  const digits =
    new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2;
  const [whole = '', fraction = ''] = decimal.split('.');
  return digits === 0 && fraction === '' ? whole : `${whole}.${fraction.padEnd(digits, '0')}`;
};

function answerOf(field: Question, text: string, language: Language): unknown {
  switch (field.type) {
    case 'number':
    case 'integer': {
      const decimal = plainDecimal(text, language);
      return decimal === undefined ? text : Number(decimal);
    }
    case 'money': {
      const decimal = plainDecimal(text, language);
      return decimal === undefined ? text : moneyAmount(decimal, field.currency ?? 'USD');
    }
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'nationalNumber':
      return asciiDigits(text)
        .replaceAll(/[\s\u00a0\-–]/g, '')
        .toUpperCase();
    case 'phone':
      return phoneNumber(text, field.prefix);
    default:
      return text;
  }
}

/** Reads the inputs of one question and checks the answer. */
export function readEntry(field: Question, body: FormBody, language: Language, today: string): Entry {
  const checked = (entry: Entry): Entry => {
    if (entry.defect) return entry;
    const defect = checkQuestion(field, entry.answer, today);
    return defect ? { ...entry, defect } : entry;
  };
  const value = body[field.id];
  if (field.type === 'date') return checked(dateEntry(field, body));
  if (field.type === 'checkboxes') {
    const ticked = (typeof value === 'string' ? [value] : (value ?? [])).filter((one) => one !== '');
    const inOrder = (field.options ?? []).map((option) => option.value).filter((one) => ticked.includes(one));
    const foreign = ticked.filter((tick) => !inOrder.includes(tick));
    const answer = [...inOrder, ...foreign];
    return checked({ inputs: { [field.id]: answer }, ...(answer.length > 0 ? { answer } : {}) });
  }
  const text =
    field.type === 'textarea' ? one(value).replaceAll(/\r\n?/g, '\n').trim() : withoutControls(one(value));
  const entry: Entry = { inputs: { [field.id]: text } };
  return checked(text === '' ? entry : { ...entry, answer: answerOf(field, text, language) });
}

/** The inputs that would give this answer, to fill a form with it. */
export function inputsOf(field: Question, answer: unknown): Entry['inputs'] {
  if (answer === undefined || answer === null) return {};
  if (field.type === 'date' && typeof answer === 'string') {
    const [year = '', month = '', day = ''] = answer.split('-');
    return { year, month: month.replace(/^0/, ''), day: day.replace(/^0/, '') };
  }
  if (Array.isArray(answer)) return { [field.id]: answer.map(String) };
  return { [field.id]: String(answer) };
}

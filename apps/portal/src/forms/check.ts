import type { Text } from '../languages.ts';
import { applicableQuestions } from './applicable.ts';
import { type Answers, type Field, isMissing, itemsOf, type Question } from './eform.ts';
import { compareDecimals } from './written-numbers.ts';

export type DefectCode =
  | 'unknown'
  | 'required'
  | 'type'
  | 'length'
  | 'pattern'
  | 'range'
  | 'count'
  | 'option';

/** What is wrong with an answer, and where. `reason` picks the sentence; `message` is the form's own, if it has one. */
export interface Defect {
  readonly code: DefectCode;
  readonly reason: string;
  readonly values?: Readonly<Record<string, string | number>>;
  readonly message?: Text;
  /** Suffix of the input to put right, for answers entered in several inputs. */
  readonly part?: string;
}

const minorDigits = (currency: string): number =>
  new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2;

const codePoints = (text: string): number => [...text].length;

function checkLength(field: Question, answer: string): Defect | undefined {
  const longest = field.maxLength ?? (field.type === 'textarea' ? 2000 : 200);
  if (codePoints(answer) > longest) return { code: 'length', reason: 'tooLong', values: { max: longest } };
  if (field.minLength !== undefined && codePoints(answer) < field.minLength)
    return { code: 'length', reason: 'tooShort', values: { min: field.minLength } };
  return undefined;
}

function checkPattern(field: Question, answer: string): Defect | undefined {
  if (field.pattern === undefined || new RegExp(`^(?:${field.pattern})$`, 'u').test(answer)) return undefined;
  return {
    code: 'pattern',
    reason: 'pattern',
    ...(field.messages?.pattern ? { message: field.messages.pattern } : {}),
  };
}

function checkRange(
  field: Question,
  compare: (bound: string | number) => number,
  today: string,
): Defect | undefined {
  const { min, max } = field;
  const bound = (value: string | number): string | number => (value === 'today' ? today : value);
  const message = field.messages?.range ? { message: field.messages.range } : {};
  const kind = field.type === 'date' ? 'date' : '';
  if (min !== undefined && compare(bound(min)) < 0)
    return { code: 'range', reason: `${kind}tooSmall`, values: { min: bound(min) }, ...message };
  if (max !== undefined && compare(bound(max)) > 0)
    return {
      code: 'range',
      reason: max === 'today' ? 'inFuture' : `${kind}tooLarge`,
      values: { max: bound(max) },
      ...message,
    };
  return undefined;
}

function checkCount(field: Field, count: number): Defect | undefined {
  const least = Math.max(Number(field.min ?? 0), field.type === 'group' && field.required ? 1 : 0);
  const most = Number(field.max ?? (field.type === 'group' ? 30 : Number.POSITIVE_INFINITY));
  const kind = field.type === 'group' ? 'Items' : 'Choices';
  if (count < least) return { code: 'count', reason: `tooFew${kind}`, values: { count: least } };
  if (count > most) return { code: 'count', reason: `tooMany${kind}`, values: { count: most } };
  return undefined;
}

const isDay = (text: string): boolean =>
  /^\d{4}-\d{2}-\d{2}$/.test(text) &&
  !Number.isNaN(Date.parse(text)) &&
  new Date(text).toISOString().startsWith(text);

const wrongType: Defect = { code: 'type', reason: 'type' };

function checkChoice(field: Question, answer: unknown): Defect | undefined {
  const known = new Set((field.options ?? []).map((option) => option.value));
  const chosen = Array.isArray(answer) ? answer : [answer];
  if (!chosen.every((one) => typeof one === 'string')) return wrongType;
  if (new Set(chosen).size !== chosen.length || !chosen.every((one) => known.has(one as string)))
    return { code: 'option', reason: 'option' };
  return field.type === 'checkboxes' ? checkCount(field, chosen.length) : undefined;
}

function checkText(field: Question, answer: string, today: string): Defect | undefined {
  switch (field.type) {
    case 'text':
    case 'textarea':
      return checkLength(field, answer) ?? checkPattern(field, answer);
    case 'nationalNumber':
      return checkPattern(field, answer);
    case 'phone':
      return /^\+[1-9][0-9]{7,14}$/.test(answer) ? undefined : { code: 'pattern', reason: 'phone' };
    case 'date':
      return isDay(answer)
        ? checkRange(field, (bound) => (answer < String(bound) ? -1 : answer > String(bound) ? 1 : 0), today)
        : { code: 'type', reason: 'date' };
    case 'money': {
      const digits = minorDigits(field.currency ?? 'USD');
      const shape = new RegExp(`^-?(0|[1-9][0-9]{0,14})${digits > 0 ? `\\.[0-9]{${digits}}` : ''}$`);
      return shape.test(answer)
        ? checkRange(field, (bound) => compareDecimals(answer, String(bound)), today)
        : { code: 'type', reason: 'money' };
    }
    default:
      return wrongType;
  }
}

/** Checks the answer to one question that applies. `today` is the day in the country. */
export function checkQuestion(field: Question, answer: unknown, today: string): Defect | undefined {
  if (isMissing(answer)) {
    if (!field.required) return undefined;
    const own = field.messages?.required;
    const choice = ['radios', 'select', 'checkboxes', 'boolean'].includes(field.type);
    return {
      code: 'required',
      reason: choice ? 'requiredChoice' : field.type === 'date' ? 'requiredDate' : 'required',
      ...(own ? { message: own } : {}),
    };
  }
  switch (field.type) {
    case 'boolean':
      return typeof answer === 'boolean' ? undefined : wrongType;
    case 'radios':
    case 'select':
    case 'checkboxes':
      return checkChoice(field, answer);
    case 'number':
    case 'integer': {
      const fits = field.type === 'integer' ? Number.isSafeInteger(answer) : Number.isFinite(answer);
      if (!fits) return { code: 'type', reason: field.type };
      return checkRange(field, (bound) => (answer as number) - Number(bound), today);
    }
    default:
      return typeof answer === 'string' ? checkText(field, answer, today) : wrongType;
  }
}

/** A defect at a place: field, and in a group the item's index and its field. */
export interface PlacedDefect extends Defect {
  readonly fieldId: string;
  readonly item?: { readonly index: number; readonly fieldId: string };
}

/** Checks one field that applies, groups item by item. */
export function checkField(field: Field, answers: Answers, today: string): PlacedDefect[] {
  const answer = answers[field.id];
  if (field.type !== 'group') {
    const defect = checkQuestion(field, answer, today);
    return defect ? [{ ...defect, fieldId: field.id }] : [];
  }
  const items = itemsOf(answer);
  const count = checkCount(field, items.length);
  const inside = items.flatMap((item, index) =>
    applicableQuestions(field, item, answers).flatMap((question): PlacedDefect[] => {
      const defect = checkQuestion(question, item[question.id], today);
      return defect ? [{ ...defect, fieldId: field.id, item: { index, fieldId: question.id } }] : [];
    }),
  );
  return count ? [{ ...count, fieldId: field.id }, ...inside] : inside;
}

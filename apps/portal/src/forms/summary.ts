import type { Voice } from '../rendering/voice.ts';
import { type ApplicableForm, applicableForm, applicableQuestions } from './applicable.ts';
import { type Answers, type EForm, type Field, isMissing, itemsOf, type Question } from './eform.ts';

export interface SummaryRow {
  readonly fieldId: string;
  readonly label: string;
  /** Lines of the answer; none when it is missing. */
  readonly lines: readonly string[];
  /** Written from left to right in every language. */
  readonly ltr: boolean;
}

export interface SummaryGroup {
  readonly fieldId: string;
  readonly label: string;
  readonly items: readonly { readonly title: string; readonly rows: readonly SummaryRow[] }[];
}

export interface SummarySection {
  readonly pageId: string;
  readonly title: string;
  readonly rows: readonly SummaryRow[];
  readonly groups: readonly SummaryGroup[];
}

const optionLabel = (voice: Voice, field: Question, value: unknown): string => {
  const option = (field.options ?? []).find((one) => one.value === value);
  return option ? voice.text(option.label) : String(value);
};

/** An answer in words. */
export function answerLines(voice: Voice, field: Question, answer: unknown): string[] {
  if (isMissing(answer)) return [];
  switch (field.type) {
    case 'boolean':
      return [voice.t(answer === true ? 'common.yes' : 'common.no')];
    case 'radios':
    case 'select':
      return [optionLabel(voice, field, answer)];
    case 'checkboxes':
      return Array.isArray(answer) ? answer.map((one) => optionLabel(voice, field, one)) : [];
    case 'date':
      return [voice.formats.date(String(answer))];
    case 'money':
      return [voice.formats.money({ amount: String(answer), currency: field.currency ?? 'USD' })];
    case 'number':
    case 'integer':
      return [`${voice.formats.number(answer as number)}${field.unit ? ` ${voice.text(field.unit)}` : ''}`];
    default:
      return String(answer).split('\n');
  }
}

const row = (voice: Voice, field: Question, answers: Answers): SummaryRow => ({
  fieldId: field.id,
  label: voice.text(field.label),
  lines: answerLines(voice, field, answers[field.id]),
  ltr: field.type === 'phone' || field.type === 'nationalNumber',
});

/** Name of one item of a group: its first text answers, or its number. */
const itemTitle = (voice: Voice, field: Extract<Field, { type: 'group' }>, item: Answers, index: number) => {
  const names = field.items
    .filter((question) => question.type === 'text' && typeof item[question.id] === 'string')
    .slice(0, 2)
    .map((question) => item[question.id] as string);
  const label = voice.text(field.itemLabel ?? field.label);
  return names.length > 0 ? names.join(' ') : voice.t('apply.itemNumber', { label, number: index + 1 });
};

const group = (voice: Voice, field: Extract<Field, { type: 'group' }>, answers: Answers): SummaryGroup => ({
  fieldId: field.id,
  label: voice.text(field.label),
  items: itemsOf(answers[field.id]).map((item, index) => ({
    title: itemTitle(voice, field, item, index),
    rows: applicableQuestions(field, item, answers).map((question) => row(voice, question, item)),
  })),
});

/** The items of one group, to list them on its page. */
export const summariseGroup = group;

/** All answers that apply, page by page, in words. */
export function summarise(voice: Voice, form: EForm, answers: Answers): SummarySection[] {
  const applicable: ApplicableForm = applicableForm(form, answers);
  return applicable.pages.map(({ page, fields }) => ({
    pageId: page.id,
    title: voice.text(page.title),
    rows: fields.flatMap((field) => (field.type === 'group' ? [] : [row(voice, field, applicable.answers)])),
    groups: fields.flatMap((field) =>
      field.type === 'group' ? [group(voice, field, applicable.answers)] : [],
    ),
  }));
}

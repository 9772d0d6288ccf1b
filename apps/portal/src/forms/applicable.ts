import { evaluate } from 'feelin';
import {
  type Answers,
  type EForm,
  type Field,
  type FormPage,
  type Group,
  isMissing,
  itemsOf,
  type Question,
} from './eform.ts';

/** Whether a condition holds: only the value true does; null, false and errors do not (docs/eform.md). */
export function holds(when: string | undefined, variables: Answers): boolean {
  if (when === undefined) return true;
  try {
    return evaluate(when, variables).value === true;
  } catch {
    return false;
  }
}

/** The pages and fields that apply, and the answers that remain when all others are dropped. */
export interface ApplicableForm {
  readonly pages: readonly { readonly page: FormPage; readonly fields: readonly Field[] }[];
  readonly answers: Answers;
}

const itemVariables = (group: Group, item: Answers, answers: Answers): Answers => ({
  ...answers,
  ...Object.fromEntries(group.items.map((field) => [field.id, item[field.id] ?? null])),
});

/** The questions of a group that apply to one of its items. */
export const applicableQuestions = (group: Group, item: Answers, answers: Answers): readonly Question[] => {
  const variables = itemVariables(group, item, answers);
  return group.items.filter((field) => holds(field.when, variables));
};

const given = (fields: readonly Field[], answers: Answers): Record<string, unknown> => {
  const kept: Record<string, unknown> = {};
  for (const field of fields) {
    const answer = answers[field.id];
    if (isMissing(answer)) continue;
    kept[field.id] =
      field.type === 'group' ? itemsOf(answer).map((item) => given(field.items, item)) : answer;
  }
  return kept;
};

function applyConditions(form: EForm, answers: Answers): ApplicableForm {
  const pages = form.pages
    .filter((page) => holds(page.when, answers))
    .map((page) => ({ page, fields: page.fields.filter((field) => holds(field.when, answers)) }))
    .filter(({ fields }) => fields.length > 0);
  const remaining: Record<string, unknown> = {};
  for (const field of pages.flatMap(({ fields }) => fields)) {
    const answer = answers[field.id];
    if (answer === undefined) continue;
    remaining[field.id] =
      field.type === 'group'
        ? itemsOf(answer).map((item) => given(applicableQuestions(field, item, answers), item))
        : answer;
  }
  return { pages, answers: remaining };
}

/** Prunes answers to the fixed point of docs/eform.md: what does not apply is no part of the application. */
export function applicableForm(form: EForm, answers: Answers): ApplicableForm {
  const all = form.pages.flatMap((page) => page.fields);
  let current: Answers = given(all, answers);
  for (;;) {
    const next = applyConditions(form, current);
    if (JSON.stringify(next.answers) === JSON.stringify(sorted(all, current)))
      return { pages: next.pages, answers: next.answers };
    current = next.answers;
  }
}

/** The same answers in the order of the form, so that equal answers are equal text. */
const sorted = (fields: readonly Field[], answers: Answers): Answers => given(fields, answers);

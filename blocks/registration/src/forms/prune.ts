import { evaluate } from 'feelin';
import type { Answers, EForm, Field } from './eform.ts';

export const isMissing = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  (typeof value === 'string' && value.trim() === '') ||
  (Array.isArray(value) && value.length === 0);

/** A condition holds only when it is exactly true; false, null and errors all mean it does not. */
function holds(condition: string | undefined, variables: Answers): boolean {
  if (condition === undefined) return true;
  try {
    return evaluate(condition, variables as Record<string, unknown>).value === true;
  } catch {
    return false;
  }
}

const withNulls = (fields: readonly Field[], answers: Answers): Record<string, unknown> =>
  Object.fromEntries(
    fields.map((field) => [field.id, isMissing(answers[field.id]) ? null : answers[field.id]]),
  );

const allFields = (form: EForm): Field[] => form.pages.flatMap((page) => [...page.fields]);

const isItem = (value: unknown): value is Answers =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function pruneOnce(form: EForm, answers: Answers): Record<string, unknown> {
  const variables = withNulls(allFields(form), answers);
  const kept: Record<string, unknown> = {};
  for (const page of form.pages) {
    if (!holds(page.when, variables)) continue;
    for (const field of page.fields) {
      const value = answers[field.id];
      if (isMissing(value) || !holds(field.when, variables)) continue;
      kept[field.id] =
        field.type === 'group' && Array.isArray(value)
          ? value.map((item) => (isItem(item) ? pruneItem(field, item, variables) : item))
          : value;
    }
  }
  return kept;
}

function pruneItem(group: Field, item: Answers, form: Answers): Record<string, unknown> {
  const items = group.items ?? [];
  const variables = { ...form, ...withNulls(items, item) };
  return Object.fromEntries(
    items
      .filter((field) => !isMissing(item[field.id]) && holds(field.when, variables))
      .map((field) => [field.id, item[field.id]]),
  );
}

/** Applicable answers: what does not apply is dropped, again and again until nothing more falls away. */
export function prune(form: EForm, answers: Answers): Record<string, unknown> {
  let current = answers;
  for (;;) {
    const next = pruneOnce(form, current);
    if (JSON.stringify(next) === JSON.stringify(current)) return next;
    current = next;
  }
}

/** Fields that apply under pruned answers, in groups item by item. */
export function applicable(form: EForm, pruned: Answers): Field[] {
  const variables = withNulls(allFields(form), pruned);
  return form.pages
    .filter((page) => holds(page.when, variables))
    .flatMap((page) => page.fields.filter((field) => holds(field.when, variables)));
}

export function applicableItems(form: EForm, group: Field, pruned: Answers, item: Answers): Field[] {
  const variables = { ...withNulls(allFields(form), pruned), ...withNulls(group.items ?? [], item) };
  return (group.items ?? []).filter((field) => holds(field.when, variables));
}

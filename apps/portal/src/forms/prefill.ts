import { evaluate } from 'feelin';
import { checkQuestion } from './check.ts';
import type { Answers, EForm } from './eform.ts';

/** First answers of a new draft, from what the signed-in person's identity says (`source` in docs/eform.md). */
export function prefill(form: EForm, person: Readonly<Record<string, unknown>>, today: string): Answers {
  const answers: Record<string, unknown> = {};
  for (const field of form.pages.flatMap((page) => page.fields)) {
    if (field.type === 'group' || field.source === undefined) continue;
    try {
      const { value } = evaluate(field.source, { person });
      if (value !== null && value !== undefined && !checkQuestion(field, value, today))
        answers[field.id] = value;
    } catch {
      // A source that cannot be evaluated leaves the question open.
    }
  }
  return answers;
}

import { type ApplicableForm, applicableForm } from './applicable.ts';
import { checkField, type PlacedDefect } from './check.ts';
import type { Answers, EForm, FormPage } from './eform.ts';

/** Where a person stands in a form. */
export interface Progress {
  readonly applicable: ApplicableForm;
  /** Pages that apply and have defects, in order. */
  readonly incomplete: readonly { readonly page: FormPage; readonly defects: readonly PlacedDefect[] }[];
}

export function progressOf(form: EForm, answers: Answers, today: string): Progress {
  const applicable = applicableForm(form, answers);
  const incomplete = applicable.pages
    .map(({ page, fields }) => ({
      page,
      defects: fields.flatMap((field) => checkField(field, applicable.answers, today)),
    }))
    .filter(({ defects }) => defects.length > 0);
  return { applicable, incomplete };
}

/** The page after `pageId` among those that apply; undefined after the last. */
export function pageAfter(applicable: ApplicableForm, pageId: string): FormPage | undefined {
  const index = applicable.pages.findIndex(({ page }) => page.id === pageId);
  return applicable.pages[index + 1]?.page;
}

export function pageBefore(applicable: ApplicableForm, pageId: string): FormPage | undefined {
  const index = applicable.pages.findIndex(({ page }) => page.id === pageId);
  return index > 0 ? applicable.pages[index - 1]?.page : undefined;
}

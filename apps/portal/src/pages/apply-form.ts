import { Problem } from '@govstack/platform';
import { applicableForm } from '../forms/applicable.ts';
import { checkField } from '../forms/check.ts';
import { defectText, inputId, questionComponent } from '../forms/component.ts';
import type { Field, FormPage } from '../forms/eform.ts';
import { type Entry, inputsOf, readEntry } from '../forms/entry.ts';
import { pageAfter, pageBefore, progressOf } from '../forms/progress.ts';
import { summariseGroup } from '../forms/summary.ts';
import { input, type SignedInVisit } from '../site/visit.ts';
import { type OpenApplication, openApplication, saveAnswers } from './apply.ts';
import type { PageParts } from './pages.ts';

interface ShownPage {
  readonly page: FormPage;
  readonly fields: readonly Field[];
  readonly position: number;
  readonly count: number;
}

interface PageError {
  readonly text: string;
  readonly href: string;
}

function shownPage(open: OpenApplication, pageId: string): ShownPage {
  const { pages } = applicableForm(open.form, open.answers);
  const index = pages.findIndex(({ page }) => page.id === pageId);
  const found = pages[index];
  if (!found) throw new Problem(404, 'the form has no such page now');
  return { ...found, position: index + 1, count: pages.length };
}

function showPage(
  visit: SignedInVisit,
  open: OpenApplication,
  shown: ShownPage,
  entries: ReadonlyMap<string, Pick<Entry, 'inputs' | 'defect'>>,
  groupErrors: ReadonlyMap<string, string>,
  more: boolean,
): ReturnType<SignedInVisit['show']> {
  const { voice } = visit;
  const heading = shown.fields.length === 1 && shown.fields[0]?.type !== 'group' && !shown.page.intro;
  const parts = shown.fields.map((field) =>
    field.type === 'group'
      ? {
          group: summariseGroup(voice, field, open.answers),
          hint: voice.text(field.hint),
          itemLabel: voice.text(field.itemLabel ?? field.label),
          error: groupErrors.get(field.id),
          full: field.max !== undefined && itemCount(open, field.id) >= Number(field.max),
        }
      : questionComponent(voice, field, entries.get(field.id) ?? { inputs: {} }, heading),
  );
  const errors: PageError[] = shown.fields.flatMap((field) => {
    const own = groupErrors.get(field.id);
    if (own !== undefined) return [{ text: own, href: `#${field.id}` }];
    const defect = entries.get(field.id)?.defect;
    return defect ? [{ text: defectText(voice, field, defect), href: `#${inputId(field, defect)}` }] : [];
  });
  const fromCheck = visit.query.from === 'check';
  const before = pageBefore(applicableForm(open.form, open.answers), shown.page.id);
  return visit.show(
    'apply/form.njk',
    {
      section: 'services',
      service: open.service,
      base: open.base,
      page: shown.page,
      position: shown.position,
      count: shown.count,
      heading,
      parts,
      errors,
      more,
      from: fromCheck ? '?from=check' : '',
      shownFields: shown.fields.map((field) => field.id).join(' '),
      back: fromCheck
        ? `${open.base}/check`
        : before
          ? `${open.base}/form/${before.id}`
          : `/services/${encodeURIComponent(open.service.id)}`,
    },
    errors.length > 0 ? 422 : 200,
  );
}

const itemCount = (open: OpenApplication, fieldId: string): number => {
  const answer = open.answers[fieldId];
  return Array.isArray(answer) ? answer.length : 0;
};

/** The pages of a form: one topic each, saved at every step, conditions decided here. */
export function formPages(parts: PageParts): void {
  const { site, backend, today } = parts;

  site.page('/apply/:service/form/:page', 'signed-in', async (visit) => {
    const open = await openApplication(parts, visit.viewer, visit.params.service as string);
    const shown = shownPage(open, visit.params.page as string);
    const entries = new Map(
      shown.fields.flatMap((field): [string, Entry][] =>
        field.type === 'group' ? [] : [[field.id, { inputs: inputsOf(field, open.answers[field.id]) }]],
      ),
    );
    return showPage(visit, open, shown, entries, new Map(), visit.query.more === 'yes');
  });

  site.action('/apply/:service/form/:page', 'signed-in', async (visit) => {
    const before = await openApplication(parts, visit.viewer, visit.params.service as string);
    const pageId = visit.params.page as string;
    const shown = shownPage(before, pageId);
    const onScreen = new Set(input(visit, '_shown').split(' '));
    const entered = shown.fields.filter((field) => onScreen.has(field.id));
    const entries = new Map<string, Entry>();
    const answers: Record<string, unknown> = { ...before.answers };
    for (const field of entered) {
      if (field.type === 'group') continue;
      const entry = readEntry(field, visit.body, visit.voice.language, today());
      entries.set(field.id, entry);
      if (entry.answer !== undefined && !entry.defect) answers[field.id] = entry.answer;
      else if (entry.answer === undefined && !entry.defect) delete answers[field.id];
      // An entry that cannot stand must not leave an older answer standing in its place.
      else delete answers[field.id];
    }
    const open = await saveAnswers(backend, visit, before, answers);
    const after = applicableForm(open.form, answers);
    const stillApplies = new Set(
      after.pages.find(({ page }) => page.id === pageId)?.fields.map((field) => field.id) ?? [],
    );
    const action = input(visit, '_action');
    if (action.startsWith('add:')) {
      const group = shown.fields.find((field) => field.type === 'group' && `add:${field.id}` === action);
      if (!group) throw new Problem(400, 'unknown group');
      const number = itemCount(open, group.id) + 1;
      return visit.goTo(`${open.base}/form/${pageId}/${group.id}/${number}`);
    }
    if (action === 'save') {
      visit.leaveNotice('saved');
      return visit.goTo('/applications');
    }
    const groupErrors = new Map(
      entered.flatMap((field): [string, string][] => {
        if (field.type !== 'group' || !stillApplies.has(field.id)) return [];
        const defect = checkField(field, after.answers, today())[0];
        return defect
          ? [
              [
                field.id,
                visit.voice.t(defect.item ? 'errors.itemIncomplete' : `errors.${defect.reason}`, {
                  label: visit.voice.text(field.itemLabel ?? field.label),
                  ...defect.values,
                }),
              ],
            ]
          : [];
      }),
    );
    const wrong = entered.some((field) => stillApplies.has(field.id) && entries.get(field.id)?.defect);
    const opened = [...stillApplies].some((id) => !onScreen.has(id));
    // Questions that the good answers have opened are shown together with what is wrong.
    if (wrong || groupErrors.size > 0) {
      const now = stillApplies.size > 0 ? shownPage(open, pageId) : shown;
      return showPage(visit, open, now, entries, groupErrors, opened);
    }
    // Answers on this page may have opened further questions on it.
    const from = visit.query.from === 'check' ? 'from=check' : '';
    if (opened) return visit.goTo(`${open.base}/form/${pageId}?more=yes${from && `&${from}`}#main-content`);
    const next =
      visit.query.from === 'check'
        ? progressOf(open.form, answers, today()).incomplete[0]?.page
        : pageAfter(after, pageId);
    return visit.goTo(next ? `${open.base}/form/${next.id}${from && `?${from}`}` : `${open.base}/check`);
  });
}

import { Problem } from '@govstack/platform';
import { applicableForm, applicableQuestions } from '../forms/applicable.ts';
import { defectText, inputId, questionComponent } from '../forms/component.ts';
import { type Answers, type Group, itemsOf } from '../forms/eform.ts';
import { type Entry, inputsOf, readEntry } from '../forms/entry.ts';
import { summariseGroup } from '../forms/summary.ts';
import { input, type SignedInVisit } from '../site/visit.ts';
import { type OpenApplication, openApplication, saveAnswers } from './apply.ts';
import type { PageParts } from './pages.ts';

interface OpenItem {
  readonly open: OpenApplication;
  readonly group: Group;
  readonly items: readonly Answers[];
  /** 0-based; equal to the number of items for a new one. */
  readonly index: number;
  readonly pagePath: string;
}

/** Pages for the entries of a repeating group, one entry a page: add, change, remove. */
export function groupPages(parts: PageParts): void {
  const { site, backend, today } = parts;
  const path = '/apply/:service/form/:page/:group/:number';

  async function openItem(visit: SignedInVisit): Promise<OpenItem> {
    const open = await openApplication(parts, visit.viewer, visit.params.service as string);
    const shown = applicableForm(open.form, open.answers).pages.find(
      ({ page }) => page.id === visit.params.page,
    );
    const group = shown?.fields.find((field) => field.id === visit.params.group);
    if (group?.type !== 'group') throw new Problem(404, 'the form has no such group now');
    const items = itemsOf(open.answers[group.id]);
    const index = Number(visit.params.number) - 1;
    const most = Math.min(items.length, Number(group.max ?? 30) - 1);
    if (!Number.isInteger(index) || index < 0 || index > Math.max(most, items.length - 1))
      throw new Problem(404, 'the group has no such entry');
    return { open, group, items, index, pagePath: `${open.base}/form/${visit.params.page}` };
  }

  function showItem(
    visit: SignedInVisit,
    { open, group, items, index, pagePath }: OpenItem,
    item: Answers,
    entries: ReadonlyMap<string, Entry>,
    more: boolean,
  ): ReturnType<SignedInVisit['show']> {
    const { voice } = visit;
    const questions = applicableQuestions(group, item, open.answers);
    const entryOf = (id: string): Pick<Entry, 'inputs' | 'defect'> => {
      const question = questions.find((one) => one.id === id);
      return entries.get(id) ?? { inputs: question ? inputsOf(question, item[id]) : {} };
    };
    const errors = questions.flatMap((question) => {
      const defect = entries.get(question.id)?.defect;
      return defect
        ? [{ text: defectText(voice, question, defect), href: `#${inputId(question, defect)}` }]
        : [];
    });
    return visit.show(
      'apply/item.njk',
      {
        section: 'services',
        service: open.service,
        itemTitle: voice.t('apply.itemNumber', {
          label: voice.text(group.itemLabel ?? group.label),
          number: index + 1,
        }),
        isNew: index >= items.length,
        parts: questions.map((question) => questionComponent(voice, question, entryOf(question.id), false)),
        shownFields: questions.map((question) => question.id).join(' '),
        errors,
        more,
        from: visit.query.from === 'check' ? '?from=check' : '',
        back: visit.query.from === 'check' ? `${open.base}/check` : pagePath,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page(path, 'signed-in', async (visit) => {
    const opened = await openItem(visit);
    const item = opened.items[opened.index] ?? {};
    return showItem(visit, opened, item, new Map(), visit.query.more === 'yes');
  });

  site.action(path, 'signed-in', async (visit) => {
    const opened = await openItem(visit);
    const { open, group, items, index, pagePath } = opened;
    const item: Record<string, unknown> = { ...items[index] };
    const onScreen = new Set(input(visit, '_shown').split(' '));
    const entries = new Map<string, Entry>();
    for (const question of group.items.filter((one) => onScreen.has(one.id))) {
      const entry = readEntry(question, visit.body, visit.voice.language, today());
      entries.set(question.id, entry);
      if (entry.answer !== undefined && !entry.defect) item[question.id] = entry.answer;
      else delete item[question.id];
    }
    const applies = applicableQuestions(group, item, open.answers);
    if (applies.some((question) => entries.get(question.id)?.defect))
      return showItem(visit, opened, item, entries, false);
    const changed = [...items.slice(0, index), item, ...items.slice(index + 1)];
    await saveAnswers(backend, visit, open, { ...open.answers, [group.id]: changed });
    if (applies.some((question) => !onScreen.has(question.id)))
      return visit.goTo(
        `${pagePath}/${group.id}/${index + 1}?more=yes${visit.query.from === 'check' ? '&from=check' : ''}`,
      );
    return visit.goTo(visit.query.from === 'check' ? `${open.base}/check` : `${pagePath}#${group.id}`);
  });

  site.page(`${path}/remove`, 'signed-in', async (visit) => {
    const { open, group, items, index, pagePath } = await openItem(visit);
    const shown = summariseGroup(visit.voice, group, open.answers).items[index];
    if (!shown || index >= items.length) throw new Problem(404, 'the group has no such entry');
    return visit.show('apply/remove.njk', {
      section: 'services',
      item: shown,
      count: items.length,
      back: pagePath,
    });
  });

  site.action(`${path}/remove`, 'signed-in', async (visit) => {
    const { open, group, items, index, pagePath } = await openItem(visit);
    // The number of entries when the question was put: a repeated request removes nothing more.
    if (Number(input(visit, 'count') || items.length) === items.length && index < items.length) {
      const kept = items.filter((_item, at) => at !== index);
      await saveAnswers(backend, visit, open, { ...open.answers, [group.id]: kept });
    }
    return visit.goTo(`${pagePath}#${group.id}`);
  });
}

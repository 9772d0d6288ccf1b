import { type PageError, refusedWith } from '../../registries/refusals.ts';
import { input, type SignedInVisit } from '../../site/visit.ts';
import type { ProcessClients } from '../clients.ts';
import type { ProcessParts } from '../shell.ts';
import { isNode } from './document.ts';
import {
  access,
  check,
  documentOf,
  draftFrame,
  findingsFor,
  languageOf,
  openDraft,
  sourceOf,
} from './open-draft.ts';
import { nameFor } from './texts.ts';

type Tried = Awaited<ReturnType<ProcessClients['admin']['tryModel']>>['body'];
type Answers = Record<string, Record<string, unknown>[]>;

const samples: Readonly<Record<string, unknown>> = {
  string: 'text',
  number: 1,
  integer: 1,
  boolean: true,
  date: '2026-01-31',
  'date-time': '2026-01-31T09:00:00Z',
  object: {},
  list: [],
};

/** What somebody may answer where a trial waits, to begin with. */
const suggested: Readonly<Record<string, unknown>> = {
  service: { status: 200, body: {} },
  task: { form: {} },
  call: { result: {} },
  message: { payload: {} },
  signal: { payload: {} },
  timer: {},
};

const shownJson = (value: unknown): string => JSON.stringify(value, null, 2);

/** What a step changed, apart from what it saw. */
function changesOf({ before, after = {} }: Tried['steps'][number]): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(after).filter(([name, value]) => JSON.stringify(before[name]) !== JSON.stringify(value)),
  );
}

function readJson(visit: SignedInVisit, name: string, errors: PageError[], label: string): unknown {
  const text = input(visit, name);
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    errors.push({ text: visit.voice.t('modeller.trial.noJson', { what: label }), href: `#${name}` });
    return undefined;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A draft on sample data, as far as one likes: what comes from outside is answered by whoever tries. */
export function trialPages(parts: ProcessParts): void {
  const { site, clients } = parts;

  async function show(visit: SignedInVisit, tried?: Tried, errors: readonly PageError[] = []) {
    const draft = await openDraft(parts, visit);
    const checked = await check(parts, draft);
    const document = await documentOf(draft, await languageOf(parts));
    const nameOf = (id: string) => {
      const element = document.find(id);
      return element ? nameFor(visit.voice, element) : id;
    };
    const sample = Object.fromEntries(
      checked.startVariables.map(({ name, type = 'string' }) => [name, samples[type]]),
    );
    const answered = Object.keys(visit.body)
      .filter((name) => name.startsWith('answer-'))
      .map((name) => ({ elementId: name.slice(7), value: input(visit, name) }))
      .filter(({ value }) => value !== '');
    const waits = (tried?.waits ?? []).filter(
      ({ elementId }) => !answered.some((one) => one.elementId === elementId),
    );
    const marked = {
      steps: [...new Set(tried?.steps.map(({ elementId }) => elementId))],
      flows: [...new Set(tried?.steps.flatMap(({ flowId }) => flowId ?? []))],
      waits: [...new Set(tried?.waits.map(({ elementId }) => elementId))],
      faults: [...new Set(tried?.incidents.map(({ elementId }) => elementId))],
    };
    return visit.show(
      'processes/design/trial.njk',
      {
        ...draftFrame(visit, draft, 'try'),
        deployable: checked.deployable,
        findings: findingsFor(visit, checked).filter(({ severity }) => severity === 'error'),
        entered: {
          variables: visit.request.method === 'POST' ? input(visit, 'variables') : shownJson(sample),
          from: input(visit, 'from'),
          only: input(visit, 'only') === 'yes',
        },
        elements: document.elements
          .filter(isNode)
          .map((one) => ({ value: one.id, text: nameOf(one.id as string) })),
        answers: [
          ...answered.map((one) => ({ ...one, name: nameOf(one.elementId), isNew: false })),
          ...waits.map(({ elementId, kind, detail }) => ({
            elementId,
            name: nameOf(elementId),
            isNew: true,
            kind,
            detail: typeof detail === 'string' ? visit.voice.formats.dateTime(detail) : shownJson(detail),
            value: '',
            example: JSON.stringify(suggested[kind] ?? {}),
          })),
        ].filter(
          (one, index, all) => all.findIndex(({ elementId }) => elementId === one.elementId) === index,
        ),
        tried: tried && {
          ...tried,
          variables: shownJson(tried.variables),
          steps: tried.steps.map((one) => ({
            ...one,
            label: nameOf(one.elementId),
            before: shownJson(one.before),
            changes: shownJson(changesOf(one)),
            changed: Object.keys(changesOf(one)),
            input: one.input === undefined ? undefined : shownJson(one.input),
            output: one.output === undefined ? undefined : shownJson(one.output),
          })),
          incidents: tried.incidents.map((one) => ({ ...one, label: nameOf(one.elementId) })),
          unused: tried.unused.map(nameOf),
        },
        marked: JSON.stringify(marked),
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page('/processes/design/:draft/try', access, (visit) => show(visit));

  site.action('/processes/design/:draft/try', access, async (visit) => {
    const draft = await openDraft(parts, visit);
    const { t } = visit.voice;
    const errors: PageError[] = [];
    const variables = readJson(visit, 'variables', errors, t('modeller.trial.variables')) ?? {};
    if (!isRecord(variables)) errors.push({ text: t('modeller.trial.noObject'), href: '#variables' });
    const answers: Answers = {};
    for (const name of Object.keys(visit.body).filter((one) => one.startsWith('answer-'))) {
      const answer = readJson(visit, name, errors, name.slice(7));
      if (answer === undefined) continue;
      answers[name.slice(7)] = [answer].flat() as Record<string, unknown>[];
    }
    if (errors.length > 0) return show(visit, undefined, errors);
    const from = input(visit, 'from');
    try {
      const { body } = await clients.admin.tryModel({
        body: {
          ...sourceOf(draft),
          variables: variables as Record<string, unknown>,
          answers,
          ...(from === '' ? {} : { from, only: input(visit, 'only') === 'yes' }),
        },
      });
      return show(visit, body);
    } catch (error) {
      if (!refusedWith(error, 400, 422)) throw error;
      const details = (error.problem?.errors ?? []).slice(0, 10).map(({ pointer, detail }) => ({
        text: `${pointer.split(/[/#]/).at(-1)}: ${detail}`,
        href: '#variables',
      }));
      const whole = { text: error.problem?.detail ?? error.message, href: '#variables' };
      return show(visit, undefined, details.length > 0 ? details : [whole]);
    }
  });
}

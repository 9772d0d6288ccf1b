import { Problem } from '@govstack/platform';
import type { PageError } from '../../registries/refusals.ts';
import { input, type SignedInVisit } from '../../site/visit.ts';
import type { ProcessParts } from '../shell.ts';
import { kindOf } from './edits.ts';
import { changesFor, type Element, type Field, fieldsOf, type Row } from './element-properties.ts';
import {
  access,
  baseOf,
  check,
  documentOf,
  draftFrame,
  findingsFor,
  keep,
  languageOf,
  openDraft,
} from './open-draft.ts';
import { choiceLabel, columnLabel, fieldLabel, kindLabel } from './texts.ts';

/** Rows that a form offers beyond those there are. */
const emptyRows = 2;
const mostRows = 100;

/** A field as the form shows it. Ids and names of inputs hold no colon: it would not be a word of CSS. */
function inputOf(
  visit: SignedInVisit,
  field: Field,
  suggestions: Readonly<Record<string, readonly string[]>>,
) {
  const { voice } = visit;
  const rows = Array.isArray(field.value) ? (field.value as readonly Row[]) : [];
  return {
    ...field,
    id: field.key.replaceAll(':', '-'),
    label: fieldLabel(voice, field.key),
    choices: field.choices?.map((value) => ({ value, text: choiceLabel(voice, field.key, value) })),
    columns: field.columns?.map((name) => ({ name, label: columnLabel(voice, name) })),
    rows:
      field.kind === 'rows'
        ? [...rows, ...Array.from({ length: emptyRows }, (): Row => ({}))].slice(0, mostRows)
        : [],
    suggestions: suggestions[field.key],
  };
}

/** What the form says of a field. */
function entered(visit: SignedInVisit, field: Field): Field['value'] {
  const id = field.key.replaceAll(':', '-');
  if (field.kind === 'check') return input(visit, id) === 'yes';
  if (field.kind !== 'rows') return input(visit, id).replaceAll('\r\n', '\n');
  return Array.from({ length: mostRows }, (_, index) =>
    Object.fromEntries(
      (field.columns ?? []).map((column) => [column, input(visit, `${id}-${index}-${column}`)]),
    ),
  ).filter((row) => Object.values(row).some((value) => value !== ''));
}

const differs = (a: Field['value'], b: Field['value']): boolean => JSON.stringify(a) !== JSON.stringify(b);

/** One element in a form: everything that can be set on it. */
export function elementPages(parts: ProcessParts): void {
  const { site } = parts;

  async function open(visit: SignedInVisit) {
    const draft = await openDraft(parts, visit);
    const language = await languageOf(parts);
    const document = await documentOf(draft, language);
    const element = document.find(visit.params.element as string);
    if (!element) throw new Problem(404, 'no such element');
    return { draft, language, document, element };
  }

  async function show(visit: SignedInVisit, errors: readonly PageError[] = []) {
    const { draft, language, element } = await open(visit);
    const checked = await check(parts, draft);
    const suggestions = {
      'govstack:decisionRef': checked.decisions,
      'govstack:application': Object.keys(draft.bindings),
    };
    const fields = fieldsOf(element as unknown as Element, language);
    return visit.show(
      'processes/design/element.njk',
      {
        ...draftFrame(visit, draft, 'table'),
        element: {
          id: element.id,
          kind: kindLabel(visit.voice, kindOf(element)),
          isProcess: element.$type === 'bpmn:Process',
        },
        name: element.get('name') ?? element.id,
        fields: fields.map((field) => inputOf(visit, field, suggestions)),
        findings: findingsFor(visit, checked).filter(({ elementId }) => elementId === element.id),
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page('/processes/design/:draft/elements/:element', access, (visit) => show(visit));

  site.action('/processes/design/:draft/elements/:element', access, async (visit) => {
    const { draft, language, document, element } = await open(visit);
    for (const { key } of fieldsOf(element as unknown as Element, language)) {
      // Looked at anew each time: one field may bring others, or take them away.
      const field = fieldsOf(element as unknown as Element, language).find((one) => one.key === key);
      if (!field) continue;
      const value = entered(visit, field);
      if (!differs(value, field.value)) continue;
      for (const { target, properties } of changesFor(element as unknown as Element, language, key, value)) {
        for (const [name, to] of Object.entries(properties))
          (target as unknown as typeof element).set(name, to);
      }
    }
    const failed = await keep(parts, visit, draft, { bpmn: await document.write() });
    if (failed) return show(visit, [failed]);
    visit.leaveNotice('draftSaved');
    return visit.goTo(
      input(visit, '_action') === 'stay'
        ? `${baseOf(draft)}/elements/${encodeURIComponent(element.id as string)}`
        : `${baseOf(draft)}/table`,
    );
  });
}

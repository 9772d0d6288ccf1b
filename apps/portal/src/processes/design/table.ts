import type { ModdleElement } from 'bpmn-moddle';
import type { PageError } from '../../registries/refusals.ts';
import { input, type SignedInVisit } from '../../site/visit.ts';
import type { ProcessParts } from '../shell.ts';
import { type Document, isFlow, isNode, list } from './document.ts';
import { addElement, connect, Impossible, kindOf, kinds, removeElement } from './edits.ts';
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
import { kindLabel, nameFor } from './texts.ts';

const nameOf = (visit: SignedInVisit, element: ModdleElement | undefined): string =>
  element === undefined ? '' : nameFor(visit.voice, element);

/** Rows of the table: nodes with what leads where, and flows with what they join. */
function rowsOf(visit: SignedInVisit, document: Document) {
  const depth = (element: ModdleElement): number =>
    element.$parent === undefined || element.$parent === document.process ? 0 : 1 + depth(element.$parent);
  const { elements } = document;
  const leaving = Map.groupBy(elements.filter(isFlow), (flow) => flow.get('sourceRef') as ModdleElement);
  return elements.filter(isNode).map((element) => ({
    id: element.id as string,
    name: nameOf(visit, element),
    kind: kindLabel(visit.voice, kindOf(element)),
    depth: depth(element),
    attachedTo: nameOf(visit, element.get('attachedToRef') as ModdleElement | undefined),
    leadsTo: (leaving.get(element) ?? []).map((flow) => ({
      id: flow.id as string,
      name: (flow.get('name') as string | undefined) ?? '',
      to: nameOf(visit, flow.get('targetRef') as ModdleElement | undefined),
      isDefault: element.get('default') === flow,
      condition:
        ((flow.get('conditionExpression') as ModdleElement | undefined)?.get('body') as string) ?? '',
    })),
  }));
}

/** The same draft as tables and forms, for everybody who does not draw with a mouse. */
export function tablePages(parts: ProcessParts): void {
  const { site } = parts;

  async function show(visit: SignedInVisit, errors: readonly PageError[] = []) {
    const draft = await openDraft(parts, visit);
    const [language, checked] = await Promise.all([languageOf(parts), check(parts, draft)]);
    const document = await documentOf(draft, language);
    const rows = rowsOf(visit, document);
    const faulty = new Map(findingsFor(visit, checked).map((one) => [one.elementId, one.severity]));
    return visit.show(
      'processes/design/table.njk',
      {
        ...draftFrame(visit, draft, 'table'),
        rows: rows.map((one) => ({ ...one, severity: faulty.get(one.id) })),
        process: { id: document.process.id, name: document.process.get('name') ?? document.process.id },
        nodes: rows.map(({ id, name }) => ({ value: id, text: name })),
        last: document.elements.findLast((one) => isNode(one) && one.$type !== 'bpmn:EndEvent')?.id,
        groups: Object.entries(kinds).map(([group, some]) => ({
          name: visit.voice.t(`modeller.groups.${group}`),
          kinds: some.map((kind) => ({ value: kind, text: kindLabel(visit.voice, kind) })),
        })),
        findings: findingsFor(visit, checked),
        lanes: list(document.process, 'laneSets').length,
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page('/processes/design/:draft/table', access, (visit) => show(visit));

  site.action('/processes/design/:draft/table', access, async (visit) => {
    const draft = await openDraft(parts, visit);
    const document = await documentOf(draft, await languageOf(parts));
    const [act, id = ''] = input(visit, '_action').split(':', 2);
    let goOn = `${baseOf(draft)}/table`;
    try {
      if (act === 'add') {
        const added = addElement(
          document,
          input(visit, 'kind'),
          input(visit, 'name').slice(0, 200),
          input(visit, 'after'),
        );
        goOn = `${baseOf(draft)}/elements/${encodeURIComponent(added.id as string)}`;
      } else if (act === 'connect') connect(document, input(visit, 'from'), input(visit, 'to'));
      else if (act === 'remove') removeElement(document, id);
    } catch (error) {
      if (!(error instanceof Impossible)) throw error;
      return show(visit, [{ text: visit.voice.t(`modeller.impossible.${error.message}`), href: '#content' }]);
    }
    const failed = await keep(parts, visit, draft, { bpmn: await document.write() });
    return failed ? show(visit, [failed]) : visit.goTo(goOn);
  });
}

import type { ModdleElement } from 'bpmn-moddle';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { openDocument } from '../src/processes/design/document.ts';
import {
  addElement,
  connect,
  Impossible,
  kindOf,
  kinds,
  removeElement,
} from '../src/processes/design/edits.ts';
import {
  changesFor,
  type Element,
  type Field,
  fieldsOf,
  type ModellingLanguage,
} from '../src/processes/design/element-properties.ts';
import { templates } from '../src/processes/design/templates.ts';

const text = (...names: string[]) => names.map((name) => ({ name, isAttr: true, type: 'String' }));
const rows = (name: string, allowedIn: string[], ...names: string[]) => ({
  name,
  superClass: ['Element'],
  meta: { allowedIn },
  properties: text(...names),
});
const language = {
  extension: {
    name: 'GovStack',
    prefix: 'govstack',
    uri: 'urn:govstack:bpmn:1',
    xml: { tagAlias: 'lowerCase' },
    associations: [],
    types: [
      { name: 'Call', extends: ['bpmn:ServiceTask'], properties: text('application', 'retries') },
      { name: 'Timed', extends: ['bpmn:TimerEventDefinition'], properties: text('timeZone') },
      { name: 'Each', extends: ['bpmn:MultiInstanceLoopCharacteristics'], properties: text('collection') },
      rows('Input', ['bpmn:ServiceTask', 'bpmn:UserTask'], 'target', 'source'),
      rows('Output', ['bpmn:Activity', 'bpmn:CatchEvent'], 'source', 'target'),
    ],
  },
  variableTypes: ['string'],
} as unknown as ModellingLanguage;

const empty = (templates.approval as (name: string) => string)('Approval');
const open = async (xml: string) => {
  const document = await openDocument(xml, language);
  if (!document) throw new Error('no process');
  return document;
};
const every = Object.values(kinds).flat();

/** Another value than the one there is. */
const another = (field: Field): Field['value'] => {
  if (field.kind === 'check') return !field.value;
  if (field.kind === 'choice') return field.choices?.findLast((one) => one !== field.value) ?? '';
  if (field.kind === 'rows') {
    return [1, 2].map((at) =>
      Object.fromEntries((field.columns ?? []).map((column) => [column, `${column} <${at}>`])),
    );
  }
  return field.key === 'loopMaximum' ? '7' : 'a < "b"';
};

describe('elements under the designer’s hands', () => {
  test('[WF-6.1-a] every kind of element keeps what is set on it, in the document too', async () => {
    for (const kind of every) {
      const made = await open(empty);
      const { id } = addElement(made, kind, 'New', 'review');
      const element = made.find(id as string) as ModdleElement & Element;
      expect(kindOf(element)).toBe(kind);
      for (const { key } of fieldsOf(element, language)) {
        const field = fieldsOf(element, language).find((one) => one.key === key);
        if (!field) continue;
        const value = another(field);
        for (const { target, properties } of changesFor(element, language, key, value)) {
          for (const [name, to] of Object.entries(properties))
            (target as ModdleElement & Element).set(name, to);
        }
        expect(fieldsOf(element, language).find((one) => one.key === key)?.value, `${kind} ${key}`).toEqual(
          value,
        );
      }
      const again = (await open(await made.write())).find(id as string) as ModdleElement & Element;
      expect(fieldsOf(again, language), kind).toEqual(fieldsOf(element, language));
    }
  });

  test('[WF-6.1-a] whatever is added, connected and removed: no flow hangs in the air, nothing gone is drawn', async () => {
    const act = fc.record({
      act: fc.constantFrom('add', 'add', 'connect', 'remove'),
      kind: fc.constantFrom(...every),
      a: fc.nat(),
      b: fc.nat(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 15 }), async (acts) => {
        const document = await open(empty);
        const pick = (at: number): string => {
          const { elements } = document;
          return (elements[at % Math.max(1, elements.length)]?.id as string | undefined) ?? '';
        };
        for (const one of acts) {
          try {
            if (one.act === 'add') addElement(document, one.kind, '', pick(one.a));
            else if (one.act === 'connect') connect(document, pick(one.a), pick(one.b));
            else removeElement(document, pick(one.a));
          } catch (error) {
            if (!(error instanceof Impossible)) throw error;
          }
        }
        const xml = await document.write();
        const again = await open(xml);
        const ids = [...xml.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
        expect(new Set(ids).size).toBe(ids.length);
        const known = new Set(ids);
        for (const [, id] of xml.matchAll(
          /(?:sourceRef|targetRef|bpmnElement|attachedToRef|default)="([^"]+)"/g,
        )) {
          expect(known).toContain(id);
        }
        expect(again.elements.map(({ id }) => id)).toEqual(document.elements.map(({ id }) => id));
        const drawn = new Set([...xml.matchAll(/bpmnElement="([^"]+)"/g)].map(([, id]) => id));
        for (const { id } of again.elements) expect(drawn).toContain(id);
      }),
      { numRuns: 60 },
    );
  });

  test('[WF-6.1-a] an element is added to a large process without looking through it again and again', async () => {
    const tasks = Array.from({ length: 300 }, (_, at) => `<task id="UserTask_${at + 1}"/>`).join('');
    const document = await open(
      `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="urn:x"><process id="p">${tasks}</process></definitions>`,
    );
    const find = vi.spyOn(document, 'find');
    expect(addElement(document, 'UserTask', '', 'UserTask_1').id).toBe('UserTask_301');
    expect(find.mock.calls.length).toBeLessThan(10);
  });
});

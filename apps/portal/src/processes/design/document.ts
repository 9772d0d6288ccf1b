import { BpmnModdle, type ModdleElement } from 'bpmn-moddle';
import type { ModellingLanguage } from './element-properties.ts';

/** A BPMN document in the hands of the tables: its elements can be changed, then it is written again. */
export interface Document {
  readonly definitions: ModdleElement;
  readonly process: ModdleElement;
  /** Of the main process, those of sub-processes after the one they are in. */
  readonly elements: readonly ModdleElement[];
  create(type: string, attributes?: Record<string, unknown>): ModdleElement;
  find(id: string): ModdleElement | undefined;
  write(): Promise<string>;
}

export const list = (element: ModdleElement, name: string): ModdleElement[] =>
  (element.get(name) as ModdleElement[] | undefined) ?? [];

const inside = (scope: ModdleElement): ModdleElement[] =>
  list(scope, 'flowElements').flatMap((one) => [
    one,
    ...(one.$instanceOf('bpmn:SubProcess') ? inside(one) : []),
  ]);

const mainProcess = (definitions: ModdleElement): ModdleElement | undefined => {
  const processes = list(definitions, 'rootElements').filter(({ $type }) => $type === 'bpmn:Process');
  return processes.find((one) => one.get('isExecutable') === true) ?? processes[0];
};

/** Reads a document. Undefined when it has no process. */
export async function openDocument(xml: string, language: ModellingLanguage): Promise<Document | undefined> {
  // A copy: the library writes into what it is given.
  const moddle = new BpmnModdle({ govstack: structuredClone(language.extension) });
  const { rootElement: definitions } = await moddle.fromXML(xml);
  const process = mainProcess(definitions);
  if (!process) return undefined;
  const create: Document['create'] = (type, attributes) => moddle.create(type, attributes);
  return {
    definitions,
    process,
    get elements() {
      return inside(process);
    },
    create,
    find: (id) => (id === process.id ? process : inside(process).find((one) => one.id === id)),
    async write() {
      return (await moddle.toXML(definitions, { format: true })).xml;
    },
  };
}

export const isFlow = (element: ModdleElement): boolean => element.$type === 'bpmn:SequenceFlow';
export const isNode = (element: ModdleElement): boolean => element.$instanceOf('bpmn:FlowNode');

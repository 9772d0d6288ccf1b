import type { ModdleElement } from 'bpmn-moddle';
import { DmnModdle } from 'dmn-moddle';
import { type Issues, readExpression } from '../model/issues.ts';
import type { Decision, DecisionModel } from './model.ts';
import { readTable, textOf } from './read-table.ts';

/** Namespace of the DMN version the parser reads; the parts used here are the same in its neighbours. */
const dmn13 = 'https://www.omg.org/spec/DMN/20191111/MODEL/';
const otherVersions = [
  'http://www.omg.org/spec/DMN/20180521/MODEL/',
  'https://www.omg.org/spec/DMN/20211108/MODEL/',
  'https://www.omg.org/spec/DMN/20230324/MODEL/',
];

const unsupported = ['dmn:BusinessKnowledgeModel', 'dmn:DecisionService'];

interface Drawn {
  readonly element: ModdleElement;
  readonly id: string;
  readonly variable: string;
  readonly requires: readonly string[];
}

const variableOf = (element: ModdleElement): string =>
  ((element.get('variable') as ModdleElement | undefined)?.get('name') as string | undefined) ??
  (element.get('name') as string | undefined) ??
  (element.id as string);

const references = (element: ModdleElement): { decisions: string[]; inputs: string[] } => {
  const requirements = (element.get('informationRequirement') as readonly ModdleElement[] | undefined) ?? [];
  const hrefs = (kind: string): string[] =>
    requirements
      .map((one) => (one.get(kind) as ModdleElement | undefined)?.get('href') as string | undefined)
      .filter((href) => href !== undefined)
      .map((href) => href.replace(/^.*#/, ''));
  return { decisions: hrefs('requiredDecision'), inputs: hrefs('requiredInput') };
};

async function readDocument(xml: string, issues: Issues): Promise<readonly ModdleElement[]> {
  let text = xml;
  for (const version of otherVersions) text = text.replaceAll(version, dmn13);
  try {
    const { rootElement, warnings } = await new DmnModdle().fromXML(text);
    for (const warning of warnings) {
      issues.add(
        warning.element ?? 'dmn',
        `the DMN document is not valid: ${warning.message.split('\n')[0]}`,
      );
    }
    return (rootElement.get('drgElement') as readonly ModdleElement[] | undefined) ?? [];
  } catch (error) {
    issues.add('dmn', `the DMN document cannot be read: ${(error as Error).message.split('\n')[0]}`);
    return [];
  }
}

/** Decisions in an order in which each comes after those it requires; a circle becomes an issue. */
function inOrder(drawn: ReadonlyMap<string, Drawn>, issues: Issues): Drawn[] {
  const ordered: Drawn[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const visit = (one: Drawn): void => {
    if (state.get(one.id) === 'done') return;
    if (state.get(one.id) === 'open') {
      issues.add(one.id, 'the decision requires itself');
      return;
    }
    state.set(one.id, 'open');
    for (const required of one.requires) {
      const other = drawn.get(required);
      if (other) visit(other);
      else issues.add(one.id, `the required decision ${required} is not in the deployed documents`);
    }
    state.set(one.id, 'done');
    ordered.push(one);
  };
  for (const one of drawn.values()) visit(one);
  return ordered;
}

function readLogic(one: Drawn, names: readonly string[], issues: Issues): Decision['logic'] {
  const logic = one.element.get('decisionLogic') as ModdleElement | undefined;
  if (logic?.$instanceOf('dmn:DecisionTable')) return readTable(logic, one.id, names, issues);
  if (!logic?.$instanceOf('dmn:LiteralExpression')) {
    issues.add(one.id, 'the decision has neither a decision table nor a literal expression');
  }
  const text = logic ? textOf(logic) : 'null';
  return { kind: 'literal', expression: readExpression(issues, one.id, 'expression', text, names) };
}

/** Reads DMN documents into one decision model. Defects become issues. */
export async function parseDmn(documents: readonly string[], issues: Issues): Promise<DecisionModel> {
  const drawn = new Map<string, Drawn>();
  const inputNames = new Map<string, string>();
  for (const document of documents) {
    for (const element of await readDocument(document, issues)) {
      const id = element.id ?? '';
      if (unsupported.includes(element.$type)) {
        issues.add(element, `${element.$type.replace('dmn:', '')} is not supported`);
      }
      if (element.$type === 'dmn:InputData') inputNames.set(id, variableOf(element));
      if (element.$type !== 'dmn:Decision') continue;
      if (drawn.has(id)) issues.add(id, 'the decision id is used twice');
      drawn.set(id, { element, id, variable: variableOf(element), requires: references(element).decisions });
    }
  }
  const model = new Map<string, Decision>();
  for (const one of inOrder(drawn, issues)) {
    const { inputs } = references(one.element);
    for (const input of inputs) {
      if (!inputNames.has(input)) issues.add(one.id, `the required input ${input} is not in the documents`);
    }
    const names = [
      ...inputs.map((input) => inputNames.get(input) ?? input),
      ...one.requires.map((required) => model.get(required)?.variable ?? required),
    ];
    model.set(one.id, {
      id: one.id,
      name: (one.element.get('name') as string | undefined) ?? one.id,
      variable: one.variable,
      requires: one.requires.filter((required) => model.has(required)),
      logic: readLogic(one, names, issues),
    });
  }
  return model;
}

import type { ModdleElement } from 'bpmn-moddle';
import type { FeelFunction } from 'feelin';
import type { Scope } from '../feel/expression.ts';
import type { Issues } from '../model/issues.ts';
import { declared, makeFunction, type Reading, readBoxed, readFunction } from './boxed.ts';
import type { Taking } from './evaluate.ts';
import type { Decision, DecisionModel } from './model.ts';
import { readDefinitions } from './read-document.ts';
import { child, children } from './read-table.ts';
import { addTypes, type Types } from './types.ts';

interface Named {
  readonly id: string;
  readonly variable: string;
  readonly type: string | undefined;
}

interface Drawn extends Named {
  readonly element: ModdleElement;
  readonly inputs: readonly string[];
  readonly requires: readonly string[];
}

const name = (element: ModdleElement | undefined): string | undefined =>
  (element?.get('name') as string | undefined)?.trim();
const id = (reference: ModdleElement | undefined): string | undefined =>
  (reference?.get('href') as string | undefined)?.replace(/^.*#/, '');
const ids = (references: readonly (ModdleElement | undefined)[]): string[] =>
  references.map(id).filter((one) => one !== undefined);

const read = (element: ModdleElement): Named => {
  const variable = child(element, 'variable');
  return {
    id: element.id ?? name(element) ?? '',
    variable: name(variable) ?? name(element) ?? (element.id as string),
    type: variable?.get('typeRef') as string | undefined,
  };
};

function readDrawn(element: ModdleElement): Drawn {
  if (element.$type === 'dmn:DecisionService') {
    return {
      ...read(element),
      element,
      inputs: ids(children(element, 'inputData')),
      requires: ids([...children(element, 'outputDecision'), ...children(element, 'inputDecision')]),
    };
  }
  const information = children(element, 'informationRequirement');
  return {
    ...read(element),
    element,
    inputs: ids(information.map((one) => child(one, 'requiredInput'))),
    requires: [
      ...ids(information.map((one) => child(one, 'requiredDecision'))),
      ...ids(children(element, 'knowledgeRequirement').map((one) => child(one, 'requiredKnowledge'))),
    ],
  };
}

/** In an order in which each comes after those it requires; a circle becomes an issue. */
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

/** Reads DMN documents into one decision model. Defects become issues. */
export async function parseDmn(documents: readonly string[], issues: Issues): Promise<DecisionModel> {
  const drawn = new Map<string, Drawn>();
  const inputs = new Map<string, Named>();
  const types: Types = new Map();
  for (const document of documents) {
    const definitions = await readDefinitions(document, issues);
    if (!definitions) continue;
    addTypes(types, definitions);
    for (const element of children(definitions, 'drgElement')) {
      if (element.$type === 'dmn:InputData') inputs.set(read(element).id, read(element));
      if (!['dmn:Decision', 'dmn:BusinessKnowledgeModel', 'dmn:DecisionService'].includes(element.$type))
        continue;
      const one = readDrawn(element);
      if (drawn.has(one.id)) issues.add(one.id, 'the decision id is used twice');
      drawn.set(one.id, one);
    }
  }
  const model = new Map<string, Decision>();
  for (const one of inOrder(drawn, issues)) {
    for (const input of one.inputs) {
      if (!inputs.has(input)) issues.add(one.id, `the required input ${input} is not in the documents`);
    }
    const known = <T>(list: readonly string[], from: ReadonlyMap<string, T>): T[] =>
      list.map((entry) => from.get(entry)).filter((entry) => entry !== undefined);
    const required = known(one.requires, drawn);
    const data = known(one.inputs, inputs);
    const names = [...data, ...required].map(({ variable }) => variable);
    const reading: Reading = { issues, owner: one.id, types };
    model.set(one.id, {
      id: one.id,
      name: name(one.element) ?? one.id,
      variable: one.variable,
      isFunction: one.element.$type === 'dmn:BusinessKnowledgeModel',
      ...(one.element.$type === 'dmn:DecisionService'
        ? readService(one, data, drawn, types)
        : { value: readValue(one, data, required, names, reading), serve: undefined }),
    });
  }
  return model;
}

const valueAs = (value: unknown, { id: owner, type }: Named, types: Types): unknown =>
  declared(value, `the value of ${owner}`, type, types);

function readValue(
  one: Drawn,
  data: readonly Named[],
  required: readonly Drawn[],
  names: readonly string[],
  reading: Reading,
): Decision['value'] {
  const { types } = reading;
  const scopeOf = (taking: Taking): Scope => ({
    ...taking.variables,
    ...Object.fromEntries(
      data
        .filter(({ variable }) => Object.hasOwn(taking.variables, variable))
        .map((input) => [input.variable, valueAs(taking.variables[input.variable], input, types)]),
    ),
    ...Object.fromEntries(required.map((other) => [other.variable, taking.valueOf(other.id)])),
  });
  if (one.element.$type === 'dmn:BusinessKnowledgeModel') {
    const logic = child(one.element, 'encapsulatedLogic');
    if (!logic) reading.issues.add(one.id, 'the business knowledge model has no logic');
    const body = logic ? readFunction(logic, names, reading) : () => null;
    return (taking) =>
      body({
        scope: Object.fromEntries(required.map((other) => [other.variable, taking.valueOf(other.id)])),
        now: taking.now,
        rules: taking.rules,
      });
  }
  const logic = readBoxed(child(one.element, 'decisionLogic'), names, reading);
  return (taking) =>
    valueAs(logic({ scope: scopeOf(taking), now: taking.now, rules: taking.rules }), one, types);
}

/** A decision service: as a value a function of its input data and input decisions, in this order. */
function readService(
  one: Drawn,
  data: readonly Named[],
  drawn: ReadonlyMap<string, Drawn>,
  types: Types,
): Pick<Decision, 'value' | 'serve'> {
  const decisions = (kind: string): Drawn[] =>
    ids(children(one.element, kind))
      .map((each) => drawn.get(each))
      .filter((each) => each !== undefined);
  const outputs = decisions('outputDecision');
  const given = decisions('inputDecision');
  const answer = (taking: Taking, variables: Scope): unknown => {
    const values = new Map(given.map((each) => [each.id, valueAs(variables[each.variable], each, types)]));
    const apart = taking.apart(variables, values);
    const [only, another] = outputs;
    if (only && !another) return valueAs(apart.valueOf(only.id), one, types);
    return Object.fromEntries(outputs.map((each) => [each.variable, apart.valueOf(each.id)]));
  };
  const parameters = [...data, ...given].map(({ variable, type }) => ({ name: variable, type }));
  return {
    value: (taking): FeelFunction =>
      makeFunction(parameters, types, (variables) => answer(taking, variables)),
    serve: (taking) => answer(taking, taking.variables),
  };
}

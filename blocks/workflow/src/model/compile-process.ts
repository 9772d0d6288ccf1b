import type { ModdleElement } from 'bpmn-moddle';
import { parseDmn } from '../decisions/parse-dmn.ts';
import { checkSyntax } from '../scripts/scripts.ts';
import { checkFlow, isActivity } from './check-flow.ts';
import { isDuration } from './duration.ts';
import { collectIssues, type Issues, readExpression } from './issues.ts';
import { isVariableName } from './mappings.ts';
import {
  type FlowElement,
  InvalidDefinition,
  type ProcessModel,
  type SequenceFlow,
  type VariableDeclaration,
  type VariableType,
  variableTypes,
} from './model.ts';
import { parseBpmn } from './parse-bpmn.ts';
import { flowElements, readElement } from './read-element.ts';
import { readAssociations, readLinks } from './read-event.ts';
import { globalTasksOf } from './read-global-task.ts';
import { attribute, child, documentationOf, extensions, idOf, type Reader } from './reader.ts';

export interface DefinitionSource {
  /** BPMN 2.0 XML. */
  readonly bpmn: string;
  /** DMN documents with the decisions of its business rule tasks. */
  readonly dmn?: readonly string[];
  /** Addresses behind the logical names its service tasks use. */
  readonly bindings?: Readonly<Record<string, string>>;
  /** Application the process acts for. */
  readonly owner: string;
}

function readFlows(scope: ModdleElement, reader: Reader): SequenceFlow[] {
  const inside = new Set(flowElements(scope).map(idOf));
  return flowElements(scope)
    .filter((one) => one.$type === 'bpmn:SequenceFlow')
    .map((flow) => {
      const condition = child(flow, 'conditionExpression');
      const source = idOf(child(flow, 'sourceRef'));
      const target = idOf(child(flow, 'targetRef'));
      for (const [end, what] of [
        [source, 'source'],
        [target, 'target'],
      ] as const) {
        if (end === '') reader.issues.add(flow, `the sequence flow has no ${what}`);
        else if (!inside.has(end)) {
          reader.issues.add(flow, `the ${what} of the sequence flow lies outside its process or sub-process`);
        }
      }
      return {
        id: idOf(flow),
        name: attribute(flow, 'name'),
        source,
        target,
        condition: condition
          ? readExpression(reader.issues, flow, 'condition', attribute(condition, 'body') ?? '')
          : undefined,
      };
    });
}

function readStartVariables(start: ModdleElement, reader: Reader): VariableDeclaration[] {
  return extensions(start, 'Variable').map((variable) => {
    const name = attribute(variable, 'name') ?? '';
    const type = attribute(variable, 'type');
    const required = attribute(variable, 'required') ?? 'false';
    if (!isVariableName(name))
      reader.issues.add(start, `${name || 'an empty text'} cannot be the name of a variable`);
    if (type !== undefined && !(variableTypes as readonly string[]).includes(type)) {
      reader.issues.add(start, `variable ${name} has type ${type}; known: ${variableTypes.join(', ')}`);
    }
    if (required !== 'true' && required !== 'false') {
      reader.issues.add(start, `required of variable ${name} is true or false`);
    }
    return { name, type: type as VariableType | undefined, required: required === 'true' };
  });
}

interface Parts {
  readonly elements: Map<string, FlowElement>;
  readonly flows: Map<string, SequenceFlow>;
  readonly starts: Map<string, string>;
  readonly handlers: Map<string, string[]>;
  readonly startVariables: VariableDeclaration[];
}

function readScope(scope: ModdleElement, reader: Reader, parts: Parts): void {
  const parent = idOf(scope);
  const flows = readFlows(scope, reader);
  for (const flow of flows) parts.flows.set(flow.id, flow);
  const nodes = flowElements(scope).filter((one) => one.$type !== 'bpmn:SequenceFlow');
  const links = readLinks(nodes, reader);
  const associations = readAssociations(scope);
  let starts = 0;
  for (const node of nodes) {
    const id = idOf(node);
    if (id === '') reader.issues.add(node, `a ${node.$type.replace('bpmn:', '')} has no id`);
    const element = readElement(
      node,
      {
        parent,
        incoming: flows.filter((flow) => flow.target === id).map((flow) => flow.id),
        outgoing: flows.filter((flow) => flow.source === id).map((flow) => flow.id),
        boundary: nodes
          .filter(
            (other) => other.$type === 'bpmn:BoundaryEvent' && idOf(child(other, 'attachedToRef')) === id,
          )
          .map(idOf),
        links,
        associated: associations,
      },
      reader,
    );
    if (!element) continue;
    parts.elements.set(id, element);
    if (element.kind === 'startEvent') {
      const ofProcess = scope.$type === 'bpmn:Process';
      const plain = element.trigger.kind === 'none';
      if (!plain) starts += 1;
      else if (parts.starts.has(parent)) reader.issues.add(node, 'there is more than one start event');
      else parts.starts.set(parent, id);
      if (!plain && !ofProcess) reader.issues.add(node, 'a sub-process begins with a plain start event');
      if (plain && element.outputs.length > 0) {
        reader.issues.add(node, 'a plain start event brings nothing that outputs could take over');
      }
      const variables = readStartVariables(node, reader);
      if (ofProcess && plain) {
        parts.startVariables.push(...variables);
      } else if (variables.length > 0) {
        reader.issues.add(node, 'only the plain start event of the process declares variables');
      }
    }
    if (element.kind === 'eventSubProcess') {
      parts.handlers.set(parent, [...(parts.handlers.get(parent) ?? []), id]);
    }
    if (element.kind === 'subProcess' || element.kind === 'eventSubProcess') readScope(node, reader, parts);
  }
  for (const event of parts.elements.values()) {
    if (event.kind !== 'boundaryEvent' || event.catches.kind !== 'compensation') continue;
    const host = parts.elements.get(event.attachedTo);
    if (event.parent !== parent || !host || !isActivity(host)) continue;
    if (host.compensation !== undefined) reader.issues.add(event.id, 'the activity is compensated for twice');
    parts.elements.set(host.id, { ...host, compensation: event.catches.handler });
  }
  const chosen = scope.$type === 'bpmn:AdHocSubProcess';
  if (!parts.starts.has(parent) && starts === 0 && !chosen)
    reader.issues.add(scope, 'there is no start event');
}

function checkMessageStarts(model: ProcessModel, issues: Issues): void {
  const names = new Set<string>();
  for (const element of model.elements.values()) {
    if (element.kind !== 'startEvent' || element.trigger.kind !== 'message') continue;
    const { name } = element.trigger;
    if (names.has(name)) issues.add(element.id, `another start event begins with the message ${name}`);
    names.add(name);
  }
}

async function checkScripts(model: ProcessModel, issues: Issues): Promise<void> {
  for (const element of model.elements.values()) {
    if (element.kind !== 'scriptTask' || !('javascript' in element.script)) continue;
    const wrong = await checkSyntax(element.script.javascript);
    if (wrong !== undefined) issues.add(element.id, `script: ${wrong}`);
  }
}

/**
 * Compiles a definition. Throws `InvalidDefinition` with everything that is wrong in it: what cannot be run is
 * refused, never ignored.
 */
export async function compileProcess(source: DefinitionSource): Promise<ProcessModel> {
  const issues = collectIssues();
  const decisions = await parseDmn(source.dmn ?? [], issues);
  const document = await parseBpmn(source.bpmn, issues);
  if (!document) throw new InvalidDefinition(issues.list);
  const reader: Reader = {
    issues,
    owner: source.owner,
    bindings: source.bindings ?? {},
    decisions,
    globalTasks: globalTasksOf(document.definitions),
  };
  const parts: Parts = {
    elements: new Map(),
    flows: new Map(),
    starts: new Map(),
    handlers: new Map(),
    startVariables: [],
  };
  if (idOf(document.process) === '') issues.add('definitions', 'the process has no id');
  readScope(document.process, reader, parts);
  const maxDuration = attribute(document.process, 'govstack:maxDuration');
  if (maxDuration !== undefined && !isDuration(maxDuration)) {
    issues.add(document.process, `${maxDuration} is not an ISO 8601 duration`);
  }
  const model: ProcessModel = Object.freeze({
    key: idOf(document.process),
    name: attribute(document.process, 'name'),
    documentation: documentationOf(document.process),
    maxDuration,
    executable: document.process.get('isExecutable') !== false,
    closed: document.process.get('isClosed') === true,
    ...parts,
    decisions,
  });
  await checkScripts(model, issues);
  checkMessageStarts(model, issues);
  checkFlow(model, issues);
  if (issues.list.length > 0) throw new InvalidDefinition(issues.list);
  return model;
}

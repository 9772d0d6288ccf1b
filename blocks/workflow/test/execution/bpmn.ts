import { compileProcess, type DefinitionSource } from '../../src/model/compile-process.ts';
import type { ProcessModel } from '../../src/model/model.ts';

const xml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

/** Sequence flow; its id is `source-target` unless given. */
export const flow = (
  source: string,
  target: string,
  options: { readonly id?: string; readonly condition?: string } = {},
): string => {
  const open = `<sequenceFlow id="${options.id ?? `${source}-${target}`}" sourceRef="${source}" targetRef="${target}"`;
  return options.condition === undefined
    ? `${open}/>`
    : `${open}><conditionExpression>${xml(options.condition)}</conditionExpression></sequenceFlow>`;
};

/** A chain of flows through the named elements. */
export const chain = (...ids: string[]): string =>
  ids
    .slice(1)
    .map((id, index) => flow(ids[index] as string, id))
    .join('');

/** An element with attributes and content: `el('userTask', 'review', { 'govstack:formRef': 'f' }, '…')`. */
export const el = (
  type: string,
  id: string,
  attributes: Readonly<Record<string, string>> = {},
  content = '',
): string => {
  const text = Object.entries(attributes)
    .map(([name, value]) => ` ${name}="${xml(value)}"`)
    .join('');
  return `<${type} id="${id}"${text}>${content}</${type}>`;
};

export const extensions = (...elements: string[]): string =>
  `<extensionElements>${elements.join('')}</extensionElements>`;

export const input = (target: string, source: string): string =>
  `<govstack:input target="${xml(target)}" source="${xml(source)}"/>`;

export const output = (source: string, target: string): string =>
  `<govstack:output source="${xml(source)}" target="${xml(target)}"/>`;

export const service = (
  id: string,
  content = '',
  attributes: Readonly<Record<string, string>> = {},
): string =>
  el(
    'serviceTask',
    id,
    {
      'govstack:application': '{instance}/GOV/CRA/civil-registry',
      'govstack:service': 'registry-data-v1',
      'govstack:operation': 'read',
      ...attributes,
    },
    content,
  );

export const script = (id: string, expression: string, variable: string): string =>
  el('scriptTask', id, { 'govstack:resultVariable': variable }, `<script>${xml(expression)}</script>`);

export const timerOf = (duration: string): string =>
  `<timerEventDefinition><timeDuration>${xml(duration)}</timeDuration></timerEventDefinition>`;

/** A document with one executable process around the given flow elements; `roots` stand beside the process. */
export const bpmn = (content: string, roots = '', process = 'p'): string =>
  `<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:govstack="urn:govstack:bpmn:1"
  id="definitions" targetNamespace="urn:test">${roots}
<process id="${process}" name="Test" isExecutable="true">${content}</process></definitions>`;

export const owner = 'TEST/GOV/MSP/cash-transfer';

export const compile = (
  content: string,
  more: Partial<DefinitionSource> & { readonly roots?: string } = {},
): Promise<ProcessModel> => {
  const { roots, ...source } = more;
  return compileProcess({ owner, ...source, bpmn: bpmn(content, roots) });
};

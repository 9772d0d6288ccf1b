import type { ModdleElement } from 'bpmn-moddle';
import type { Expression } from '../feel/expression.ts';
import { isRecord, type Json, type Variables } from '../feel/json.ts';
import { readExpression } from './issues.ts';
import { attribute, child, children, idOf, type Reader } from './reader.ts';
import { isVariableName } from './variable-name.ts';

/**
 * Variable behind a data object, a reference to one, a property, a data input or output: its name with `_`
 * for what no variable can have, else its id. All references to a data object are the same variable.
 */
export function variableOf(item: ModdleElement, reader: Reader): string {
  const object = child(item, 'dataObjectRef');
  const given = [object && attribute(object, 'name'), attribute(item, 'name'), idOf(object), idOf(item)];
  const names = given.map((one) => one?.trim().replaceAll(/[^A-Za-z0-9_]+/g, '_'));
  const name = names.find((one) => one !== undefined && isVariableName(one));
  if (name === undefined) reader.issues.add(item, `${given.find(Boolean)} cannot be the name of a variable`);
  return name ?? '';
}

/** Variable that fills a data input of an activity, or that a data output of it fills. */
export function variableBehind(activity: ModdleElement, item: ModdleElement, reader: Reader): string {
  for (const one of children(activity, 'dataInputAssociations')) {
    const [source] = children(one, 'sourceRef');
    if (source && idOf(child(one, 'targetRef')) === item.id) return variableOf(source, reader);
  }
  for (const one of children(activity, 'dataOutputAssociations')) {
    const target = child(one, 'targetRef');
    if (target && children(one, 'sourceRef').some(({ id }) => id === item.id))
      return variableOf(target, reader);
  }
  return variableOf(item, reader);
}

interface DataMapping {
  readonly target: string;
  readonly source: Expression;
}

const isStore = (item: ModdleElement | undefined): boolean =>
  item !== undefined && /^bpmn:DataStore(Reference)?$/.test(item.$type);

const formula = (association: ModdleElement, part: ModdleElement, reader: Reader): Expression =>
  readExpression(reader.issues, association, 'data association', attribute(part, 'body') ?? '');

/** The mappings that an association spells out: by its assignments, or by a transformation. */
function written(association: ModdleElement, target: string | undefined, reader: Reader): DataMapping[] {
  const transformation = child(association, 'transformation');
  const assigned = children(association, 'assignment').flatMap((one) => {
    const from = child(one, 'from');
    const to = child(one, 'to');
    const name = ((to && attribute(to, 'body')) ?? target ?? '').trim().replace(/^=/, '');
    return from ? [{ target: name, source: formula(association, from, reader) }] : [];
  });
  if (!transformation || target === undefined) return assigned;
  return [{ target, source: formula(association, transformation, reader) }, ...assigned];
}

function refuseStore(association: ModdleElement, item: ModdleElement | undefined, reader: Reader): void {
  if (isStore(item)) {
    reader.issues.add(
      association,
      'a data store is read and written by a service task: draw it without mapping',
    );
  }
}

/**
 * What data input associations bring to an activity or a throw event: the value of a variable, or what a transformation
 * or assignments make of it. One that leads to no data input is drawn for readers: everything is in sight anyway.
 */
export const dataInputs = (element: ModdleElement, reader: Reader): readonly DataMapping[] =>
  children(element, 'dataInputAssociations').flatMap((association) => {
    const input = child(association, 'targetRef');
    const named = input?.$type === 'bpmn:DataInput' ? (attribute(input, 'name') ?? idOf(input)) : undefined;
    const mapped = written(association, named, reader);
    const [source, another] = children(association, 'sourceRef');
    if (mapped.length > 0 || named !== undefined) refuseStore(association, source, reader);
    if (mapped.length > 0 || named === undefined || !source) return mapped;
    if (another) reader.issues.add(association, 'several sources need a transformation');
    const variable = variableOf(source, reader);
    return [{ target: named, source: read([variable]) }];
  });

/** Where an element finds what it has brought. */
const broughtIn: Readonly<Record<string, readonly string[]>> = {
  'bpmn:UserTask': ['form'],
  'bpmn:GlobalUserTask': ['form'],
  'bpmn:ScriptTask': ['result'],
  'bpmn:BusinessRuleTask': ['result'],
  'bpmn:CallActivity': ['result'],
  'bpmn:ServiceTask': ['response', 'body'],
  'bpmn:SendTask': ['response', 'body'],
  'bpmn:ReceiveTask': ['message'],
  'bpmn:MessageEventDefinition': ['message'],
  'bpmn:SignalEventDefinition': ['signal'],
};

const read = (path: readonly string[], part?: string): Expression => ({
  text: [...path, ...(part === undefined ? [] : [part])].join('.'),
  evaluate: (variables: Variables) => {
    let value: Json = variables;
    for (const step of path)
      value = isRecord(value) && Object.hasOwn(value, step) ? (value[step] as Json) : null;
    // A value that has no parts is the output itself.
    if (part !== undefined && isRecord(value))
      value = Object.hasOwn(value, part) ? (value[part] as Json) : null;
    return { value, missing: [] };
  },
});

/**
 * What data output associations write to variables: the output of that name of what the element has brought, or all of
 * it where that has no parts. One without a source is drawn for readers.
 */
export const dataOutputs = (element: ModdleElement, reader: Reader): readonly DataMapping[] =>
  children(element, 'dataOutputAssociations').flatMap((association) => {
    const item = child(association, 'targetRef');
    const [output, another] = children(association, 'sourceRef');
    const target = item && !isStore(item) ? variableOf(item, reader) : undefined;
    const mapped = written(association, target, reader);
    if (mapped.length > 0 || output) refuseStore(association, item, reader);
    for (const one of mapped)
      if (!isVariableName(one.target))
        reader.issues.add(association, `${one.target || 'an empty text'} cannot be the name of a variable`);
    if (mapped.length > 0 || !output || target === undefined) return mapped;
    if (another) reader.issues.add(association, 'several sources need a transformation');
    const name = attribute(output, 'name') ?? idOf(output);
    const [definition] = children(element, 'eventDefinitions');
    const path = broughtIn[definition?.$type ?? element.$type];
    return [{ target, source: path ? read(path, name) : read([name]) }];
  });

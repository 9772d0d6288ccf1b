/*
 * What can be set on an element of a process, read from and written to the element itself: the one account of it for
 * the properties beside the drawing, in the browser, and for the tables, on the server. So it imports nothing.
 */

/** The part of a moddle element that this needs. */
export interface Element {
  readonly $type: string;
  $parent?: Element;
  readonly $model: { create(type: string, attributes?: Record<string, unknown>): Element };
  readonly id?: string;
  get(name: string): unknown;
  $instanceOf(type: string): boolean;
}

interface DescribedType {
  readonly name: string;
  readonly extends?: readonly string[];
  readonly superClass?: readonly string[];
  readonly meta?: { readonly allowedIn?: readonly string[] };
  readonly properties: readonly { readonly name: string }[];
}

/** What the workflow block says may be written beside BPMN itself. */
export interface ModellingLanguage {
  readonly extension: { readonly prefix: string; readonly types: readonly DescribedType[] };
  readonly variableTypes: readonly string[];
}

export type Row = Readonly<Record<string, string>>;

export interface Field {
  /** `name`, `condition`, `govstack:retries`, `rows:Input`, … */
  readonly key: string;
  readonly kind: 'text' | 'long' | 'check' | 'choice' | 'rows';
  readonly value: string | boolean | readonly Row[];
  readonly choices?: readonly string[];
  readonly columns?: readonly string[];
}

/** Properties of one moddle element that take new values. */
export interface Change {
  readonly target: Element;
  readonly properties: Readonly<Record<string, unknown>>;
}

const list = (element: Element, name: string): readonly Element[] =>
  (element.get(name) as readonly Element[] | undefined) ?? [];
const one = (element: Element, name: string): Element | undefined => element.get(name) as Element | undefined;
const text = (element: Element | undefined, name: string): string => String(element?.get(name) ?? '');

const definitionOf = (element: Element): Element | undefined =>
  element.$instanceOf('bpmn:Event') ? list(element, 'eventDefinitions')[0] : undefined;
const loopOf = (element: Element): Element | undefined =>
  element.$instanceOf('bpmn:Activity') ? one(element, 'loopCharacteristics') : undefined;
/** What attributes of the extension may stand on. */
const holdersOf = (element: Element): readonly Element[] =>
  [element, definitionOf(element), loopOf(element)].filter((holder) => holder !== undefined);

const isMultiple = (loop: Element | undefined): boolean =>
  loop?.$type === 'bpmn:MultiInstanceLoopCharacteristics';

const loopKinds = ['none', 'parallel', 'sequential', 'standard'] as const;
function loopKind(element: Element): string {
  const loop = loopOf(element);
  if (!loop) return 'none';
  if (!isMultiple(loop)) return 'standard';
  return loop.get('isSequential') === true ? 'sequential' : 'parallel';
}

const timerParts = { timeDuration: 'duration', timeDate: 'date', timeCycle: 'cycle' } as const;
const timerPart = (timer: Element): keyof typeof timerParts =>
  (Object.keys(timerParts) as (keyof typeof timerParts)[]).find((part) => one(timer, part)) ?? 'timeDuration';

const field = (
  key: string,
  kind: Field['kind'],
  value: Field['value'],
  more: Partial<Field> = {},
): Field => ({
  key,
  kind,
  value,
  ...more,
});

function eventFields(definition: Element): Field[] {
  switch (definition.$type) {
    case 'bpmn:TimerEventDefinition': {
      const part = timerPart(definition);
      return [
        field('timerKind', 'choice', timerParts[part], { choices: Object.values(timerParts) }),
        field('timerValue', 'text', text(one(definition, part), 'body')),
      ];
    }
    case 'bpmn:MessageEventDefinition':
      return [field('message', 'text', text(one(definition, 'messageRef'), 'name'))];
    case 'bpmn:SignalEventDefinition':
      return [field('signal', 'text', text(one(definition, 'signalRef'), 'name'))];
    case 'bpmn:ErrorEventDefinition':
      return [field('errorCode', 'text', text(one(definition, 'errorRef'), 'errorCode'))];
    case 'bpmn:EscalationEventDefinition':
      return [field('escalationCode', 'text', text(one(definition, 'escalationRef'), 'escalationCode'))];
    case 'bpmn:ConditionalEventDefinition':
      return [field('eventCondition', 'text', text(one(definition, 'condition'), 'body'))];
    case 'bpmn:LinkEventDefinition':
      return [field('linkName', 'text', text(definition, 'name'))];
    default:
      return [];
  }
}

function activityFields(element: Element): Field[] {
  const loop = loopOf(element);
  const fields = [field('loop', 'choice', loopKind(element), { choices: loopKinds })];
  if (loop && !isMultiple(loop)) {
    fields.push(
      field('loopCondition', 'text', text(one(loop, 'loopCondition'), 'body')),
      field('loopMaximum', 'text', text(loop, 'loopMaximum')),
      field('testBefore', 'check', loop.get('testBefore') === true),
    );
  }
  return fields;
}

function ownFields(element: Element): Field[] {
  const fields: Field[] = [];
  if (element.$type === 'bpmn:Process')
    fields.push(field('isExecutable', 'check', element.get('isExecutable') === true));
  if (element.$type === 'bpmn:SequenceFlow') {
    fields.push(field('condition', 'text', text(one(element, 'conditionExpression'), 'body')));
    const source = one(element, 'sourceRef');
    if (
      source?.$instanceOf('bpmn:Activity') ||
      /(Exclusive|Inclusive|Complex)Gateway/.test(source?.$type ?? '')
    )
      fields.push(field('default', 'check', source?.get('default') === element));
  }
  if (element.$type === 'bpmn:ScriptTask') {
    fields.push(
      field('scriptFormat', 'text', text(element, 'scriptFormat')),
      field('script', 'long', text(element, 'script')),
    );
  }
  if (element.$type === 'bpmn:CallActivity')
    fields.push(field('calledElement', 'text', text(element, 'calledElement')));
  if (element.$type === 'bpmn:ReceiveTask')
    fields.push(field('message', 'text', text(one(element, 'messageRef'), 'name')));
  const definition = definitionOf(element);
  if (definition) fields.push(...eventFields(definition));
  const interrupts = !/(Error|Compensate|Cancel)EventDefinition$/.test(definition?.$type ?? '');
  if (element.$type === 'bpmn:BoundaryEvent' && interrupts)
    fields.push(field('cancelActivity', 'check', element.get('cancelActivity') !== false));
  if (element.$type === 'bpmn:StartEvent' && element.$parent?.get('triggeredByEvent') === true)
    fields.push(field('isInterrupting', 'check', element.get('isInterrupting') !== false));
  return fields;
}

/** Expressions that BPMN itself has on some elements. */
const expressions: Readonly<Record<string, readonly string[]>> = {
  'bpmn:MultiInstanceLoopCharacteristics': ['loopCardinality', 'completionCondition'],
  'bpmn:AdHocSubProcess': ['completionCondition'],
  'bpmn:ComplexGateway': ['activationCondition'],
};

const expressionNames = (holder: Element): readonly string[] => expressions[holder.$type] ?? [];

function expressionFields(element: Element): Field[] {
  const fields = holdersOf(element).flatMap((holder) =>
    expressionNames(holder).map((name) => field(name, 'text', text(one(holder, name), 'body'))),
  );
  if (element.$type !== 'bpmn:AdHocSubProcess') return fields;
  const ordering = text(element, 'ordering') || 'Parallel';
  return [...fields, field('ordering', 'choice', ordering, { choices: ['Parallel', 'Sequential'] })];
}

const rowsOf = (element: Element, type: string): readonly Element[] => {
  const holder = one(element, 'extensionElements');
  return holder ? list(holder, 'values').filter((value) => value.$type === type) : [];
};

/** Everything that can be set on an element, with what is set. */
export function fieldsOf(element: Element, { extension, variableTypes }: ModellingLanguage): Field[] {
  const { prefix, types } = extension;
  const fields: Field[] = [
    field('name', 'text', text(element, 'name')),
    ...ownFields(element),
    ...expressionFields(element),
  ];
  for (const holder of holdersOf(element)) {
    for (const type of types) {
      if (!type.extends?.some((extended) => holder.$instanceOf(extended))) continue;
      for (const { name } of type.properties) {
        // What redefines a property of BPMN is that property.
        if (name.includes(':')) continue;
        const key = `${prefix}:${name}`;
        fields.push(field(key, 'text', text(holder, key)));
      }
    }
  }
  for (const type of types) {
    if (!type.meta?.allowedIn?.some((allowed) => element.$instanceOf(allowed))) continue;
    const columns = type.properties.map(({ name }) => name);
    const rows = rowsOf(element, `${prefix}:${type.name}`).map((row) =>
      Object.fromEntries(columns.map((column) => [column, text(row, column)])),
    );
    const choices = type.name === 'Variable' ? { choices: variableTypes } : {};
    fields.push(field(`rows:${type.name}`, 'rows', rows, { columns, ...choices }));
  }
  if (element.$instanceOf('bpmn:Activity')) fields.push(...activityFields(element));
  fields.push(field('documentation', 'long', text(list(element, 'documentation')[0], 'text')));
  return fields;
}

const created = (parent: Element, type: string, attributes: Record<string, unknown>): Element => {
  const made = parent.$model.create(type, attributes);
  made.$parent = parent;
  return made;
};

const expression = (parent: Element, body: string): Element | undefined =>
  body === '' ? undefined : created(parent, 'bpmn:FormalExpression', { body });

const rootOf = (element: Element): Element => {
  let at = element;
  while (at.$parent) at = at.$parent;
  return at;
};

/** Lets an element refer to a message, signal, error or escalation by its name or code, which is made when it is new. */
function referTo(
  holder: Element,
  reference: string,
  type: string,
  property: string,
  value: string,
): Change[] {
  if (value === '') return [{ target: holder, properties: { [reference]: undefined } }];
  const root = rootOf(holder);
  const roots = list(root, 'rootElements');
  const known = roots.find((element) => element.$type === type && element.get(property) === value);
  if (known) return [{ target: holder, properties: { [reference]: known } }];
  const base = `${type.replace('bpmn:', '')}_${value.replaceAll(/[^A-Za-z0-9]+/g, '_')}`;
  const ids = new Set(roots.map(({ id }) => id));
  let id = base;
  for (let count = 2; ids.has(id); count += 1) id = `${base}_${count}`;
  const made = created(root, type, {
    id,
    name: value,
    ...(property === 'name' ? {} : { [property]: value }),
  });
  return [
    { target: root, properties: { rootElements: [...roots, made] } },
    { target: holder, properties: { [reference]: made } },
  ];
}

function changeLoop(element: Element, kind: string): Change[] {
  if (kind === loopKind(element)) return [];
  const known = loopOf(element);
  if (kind === 'none') return [{ target: element, properties: { loopCharacteristics: undefined } }];
  if (kind === 'standard') {
    const loop = created(element, 'bpmn:StandardLoopCharacteristics', {});
    return [{ target: element, properties: { loopCharacteristics: loop } }];
  }
  const isSequential = kind === 'sequential';
  if (known && isMultiple(known)) return [{ target: known, properties: { isSequential } }];
  const loop = created(element, 'bpmn:MultiInstanceLoopCharacteristics', { isSequential });
  return [{ target: element, properties: { loopCharacteristics: loop } }];
}

function changeTimer(timer: Element, part: string, body: string): Change[] {
  const properties: Record<string, unknown> = {};
  for (const name of Object.keys(timerParts)) {
    // The part stands, though empty, so that its kind is not forgotten.
    properties[name] = name === part ? created(timer, 'bpmn:FormalExpression', { body }) : undefined;
  }
  return [{ target: timer, properties }];
}

function changeRows(element: Element, type: string, rows: readonly Row[]): Change[] {
  const holder = one(element, 'extensionElements');
  const others = holder ? list(holder, 'values').filter((value) => value.$type !== type) : [];
  const fresh = created(element, 'bpmn:ExtensionElements', {});
  const made = rows
    .map((row) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== '')))
    .filter((row) => Object.keys(row).length > 0)
    .map((row) => created(fresh, type, row));
  const values = [...others, ...made];
  if (values.length === 0) return [{ target: element, properties: { extensionElements: undefined } }];
  return [
    {
      target: element,
      properties: { extensionElements: created(element, 'bpmn:ExtensionElements', { values }) },
    },
  ];
}

/** The changes that give a field a new value; none when it does not exist on the element. */
export function changesFor(
  element: Element,
  { extension: { prefix, types } }: ModellingLanguage,
  key: string,
  value: Field['value'],
): Change[] {
  const definition = definitionOf(element);
  const loop = loopOf(element);
  const set = (target: Element | undefined, name: string, to: unknown): Change[] =>
    target ? [{ target, properties: { [name]: to } }] : [];
  const filled = typeof value === 'string' && value !== '' ? value : undefined;
  const body = String(value);
  if (key.startsWith('rows:'))
    return changeRows(element, `${prefix}:${key.slice(5)}`, value as readonly Row[]);
  if (key.startsWith(`${prefix}:`)) {
    const name = key.slice(prefix.length + 1);
    const holder = holdersOf(element).find((one) =>
      types.some(
        (type) =>
          type.extends?.some((extended) => one.$instanceOf(extended)) &&
          type.properties.some((property) => property.name === name),
      ),
    );
    return set(holder, key, filled);
  }
  switch (key) {
    case 'name':
    case 'scriptFormat':
    case 'script':
    case 'calledElement':
      return set(element, key, filled);
    case 'isExecutable':
    case 'cancelActivity':
    case 'isInterrupting':
      return set(element, key, value === true);
    case 'documentation':
      return set(element, key, filled ? [created(element, 'bpmn:Documentation', { text: filled })] : []);
    case 'condition':
      return set(element, 'conditionExpression', expression(element, body));
    case 'default': {
      const source = one(element, 'sourceRef');
      const isDefault = source?.get('default') === element;
      return isDefault === value ? [] : set(source, 'default', value === true ? element : undefined);
    }
    case 'timerKind': {
      const part = Object.entries(timerParts).find(([, kind]) => kind === value)?.[0];
      return definition && part
        ? changeTimer(definition, part, text(one(definition, timerPart(definition)), 'body'))
        : [];
    }
    case 'timerValue':
      return definition ? changeTimer(definition, timerPart(definition), body) : [];
    case 'message':
      return referTo(definition ?? element, 'messageRef', 'bpmn:Message', 'name', body);
    case 'signal':
      return definition ? referTo(definition, 'signalRef', 'bpmn:Signal', 'name', body) : [];
    case 'errorCode':
      return definition ? referTo(definition, 'errorRef', 'bpmn:Error', 'errorCode', body) : [];
    case 'escalationCode':
      return definition
        ? referTo(definition, 'escalationRef', 'bpmn:Escalation', 'escalationCode', body)
        : [];
    case 'eventCondition':
      return definition ? set(definition, 'condition', expression(definition, body)) : [];
    case 'linkName':
      return set(definition, 'name', filled);
    case 'loop':
      return changeLoop(element, body);
    case 'loopCondition':
      return loop ? set(loop, key, expression(loop, body)) : [];
    case 'loopMaximum':
      return set(loop, key, /^\d+$/.test(body) ? Number(body) : undefined);
    case 'testBefore':
      return set(loop, key, value === true);
    case 'ordering':
      return set(element, key, body);
    default: {
      const holder = holdersOf(element).find((each) => expressionNames(each).includes(key));
      return holder ? set(holder, key, expression(holder, body)) : [];
    }
  }
}

const ownKeys =
  `name documentation isExecutable condition default scriptFormat script calledElement message signal errorCode
  escalationCode eventCondition linkName timerKind timerValue cancelActivity isInterrupting loop loopCondition loopMaximum
  testBefore loopCardinality completionCondition activationCondition ordering`.split(/\s+/);

/** Keys of every field there may be, and of the columns of their rows: what needs a label. */
export function fieldKeys({ extension: { prefix, types } }: ModellingLanguage): {
  readonly fields: readonly string[];
  readonly columns: readonly string[];
} {
  const names = (some: readonly DescribedType[]): string[] =>
    some.flatMap(({ properties }) => properties.map(({ name }) => name));
  const rows = types.filter(({ meta }) => meta?.allowedIn !== undefined);
  return {
    fields: [
      ...ownKeys,
      ...names(types.filter(({ extends: on }) => on !== undefined)).map((name) => `${prefix}:${name}`),
      ...rows.map(({ name }) => `rows:${name}`),
    ],
    columns: names(rows),
  };
}

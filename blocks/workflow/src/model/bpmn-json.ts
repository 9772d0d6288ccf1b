import { BpmnModdle, type ModdleElement } from 'bpmn-moddle';
import { isRecord, type Json } from '../feel/json.ts';
import { govstackExtension } from './govstack-extension.ts';
import { collectIssues } from './issues.ts';
import { InvalidDefinition } from './model.ts';

const moddle = (): BpmnModdle => new BpmnModdle({ govstack: govstackExtension });

const isElement = (value: unknown): value is ModdleElement =>
  typeof value === 'object' && value !== null && '$type' in value;

function valueToJson(value: unknown): Json {
  if (Array.isArray(value)) return value.map(valueToJson);
  return isElement(value) ? elementToJson(value) : (value as Json);
}

const idOrNull = (value: unknown): Json => (value as ModdleElement).id ?? null;

/** An element as JSON: `$type`, its attributes and its content under their names; what it refers to as ids. */
export function elementToJson(element: ModdleElement): Json {
  const json: Record<string, Json> = { $type: element.$type };
  const known = element.$descriptor?.properties ?? [];
  for (const { name, isReference, isVirtual } of known) {
    const value = Object.hasOwn(element, name)
      ? (element as unknown as Record<string, unknown>)[name]
      : undefined;
    if (value === undefined || isVirtual) continue;
    const short = name.replace(/^bpmn:/, '');
    if (isReference) json[short] = Array.isArray(value) ? value.map(idOrNull) : idOrNull(value);
    else json[short] = valueToJson(value);
  }
  for (const [name, value] of Object.entries(element.$attrs ?? {})) json[`@${name}`] = value;
  return json;
}

interface Reference {
  readonly element: ModdleElement;
  readonly name: string;
  readonly ids: string | readonly string[];
}

/** Makes elements of JSON; what they refer to by id is set when all are there. */
function readElements(json: Json, factory: BpmnModdle): ModdleElement {
  const references: Reference[] = [];
  const byId = new Map<string, ModdleElement>();
  const read = (from: Json, parent: ModdleElement | undefined): unknown => {
    if (Array.isArray(from)) return from.map((one) => read(one, parent));
    if (!isRecord(from) || typeof from.$type !== 'string') return from;
    const element = factory.create(from.$type);
    if (parent) element.$parent = parent;
    const properties = new Map(
      element.$descriptor?.properties.map((one) => [one.name.replace(/^bpmn:/, ''), one]),
    );
    for (const [key, value] of Object.entries(from)) {
      if (key === '$type') continue;
      if (key.startsWith('@')) {
        element.$attrs[key.slice(1)] = String(value);
        continue;
      }
      const property = properties.get(key);
      if (!property) throw new Error(`${from.$type} has no ${key}`);
      if (property.isReference) {
        references.push({ element, name: property.name, ids: value as string | readonly string[] });
      } else element.set(property.name, read(value, element));
    }
    if (element.id !== undefined) byId.set(element.id, element);
    return element;
  };
  const root = read(json, undefined);
  if (!isElement(root) || root.$type !== 'bpmn:Definitions') throw new Error('it is no bpmn:Definitions');
  const find = (id: string): ModdleElement => {
    const found = byId.get(id);
    if (!found) throw new Error(`there is no ${id}`);
    return found;
  };
  for (const { element, name, ids } of references) {
    element.set(name, typeof ids === 'string' ? find(ids) : ids.map(find));
  }
  return root;
}

const refuse = (error: unknown, what: string): InvalidDefinition => {
  const issues = collectIssues();
  issues.add(
    'definitions',
    `${what} cannot be read: ${(error as Error).message.split('\n')[0]?.slice(0, 300)}`,
  );
  return new InvalidDefinition(issues.list);
};

/** A BPMN document as JSON, drawing and all. Throws `InvalidDefinition` when it cannot be read (WF-6.1-a). */
export async function bpmnToJson(xml: string): Promise<Json> {
  try {
    return elementToJson((await moddle().fromXML(xml)).rootElement);
  } catch (error) {
    throw refuse(error, 'the BPMN document');
  }
}

/** The XML of a document that `bpmnToJson` gave. Throws `InvalidDefinition`. */
export async function jsonToBpmn(json: Json): Promise<string> {
  const factory = moddle();
  try {
    return (await factory.toXML(readElements(json, factory), { format: true })).xml;
  } catch (error) {
    throw refuse(error, 'the JSON of the process');
  }
}

import { isRecord, type Json } from '../feel/json.ts';
import { bpmnToJson } from '../model/bpmn-json.ts';

/** A part of an element that differs; a side is absent where there is none. */
export interface Change {
  readonly part: string;
  readonly before?: string;
  readonly after?: string;
}

export interface ElementDifference {
  readonly elementId: string;
  readonly type: string;
  readonly name: string | undefined;
  readonly change: 'added' | 'removed' | 'changed';
  readonly parts: readonly Change[];
}

/** What follows from elsewhere, or is an element of its own. */
const elsewhere = new Set([
  '$type',
  'id',
  'incoming',
  'outgoing',
  'flowElements',
  'artifacts',
  'rootElements',
  'diagrams',
]);

type Parts = ReadonlyMap<string, string>;
interface Found {
  readonly type: string;
  readonly name: string | undefined;
  readonly parts: Parts;
}

function collectParts(value: Json, path: string, parts: Map<string, string>): void {
  if (Array.isArray(value)) {
    value.forEach((one, index) => {
      // Mappings are known by what they set, not by their place.
      const key = isRecord(one) ? (one.target ?? one.name ?? one.code ?? index + 1) : index + 1;
      const type = isRecord(one) ? String(one.$type ?? '').replace(/^.*:/, '') : '';
      collectParts(one, `${path}${path === '' ? '' : '.'}${type}[${String(key)}]`, parts);
    });
  } else if (isRecord(value)) {
    for (const [key, one] of Object.entries(value)) {
      if (elsewhere.has(key)) continue;
      const inner = ['extensionElements', 'values'].includes(key)
        ? path
        : [path, key].filter(Boolean).join('.');
      collectParts(one, inner, parts);
    }
  } else if (value !== null) parts.set(path, String(value));
}

/** Elements of a document by id, each with its own parts. The drawing does not count. */
function collect(json: Json, found: Map<string, Found>): void {
  if (!isRecord(json)) return;
  const { $type: type, id, name } = json;
  if (typeof id === 'string' && type !== 'bpmn:Definitions') {
    const parts = new Map<string, string>();
    collectParts(json, '', parts);
    found.set(id, {
      type: String(type).replace('bpmn:', ''),
      name: typeof name === 'string' ? name : undefined,
      parts,
    });
  }
  for (const key of ['rootElements', 'flowElements', 'artifacts']) {
    const inner = json[key];
    if (Array.isArray(inner)) for (const one of inner) collect(one, found);
  }
}

async function read(xml: string): Promise<ReadonlyMap<string, Found>> {
  const found = new Map<string, Found>();
  collect(await bpmnToJson(xml), found);
  return found;
}

function differences(before: Parts, after: Parts): Change[] {
  const names = [...new Set([...before.keys(), ...after.keys()])];
  return names.flatMap((part) => {
    const [was, is] = [before.get(part), after.get(part)];
    if (was === is) return [];
    return [
      { part, ...(was === undefined ? {} : { before: was }), ...(is === undefined ? {} : { after: is }) },
    ];
  });
}

/** What differs between two documents, element by element. Throws `InvalidDefinition` when one cannot be read. */
export async function compareDocuments(before: string, after: string): Promise<ElementDifference[]> {
  const old = await read(before);
  const now = await read(after);
  const none: Parts = new Map();
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((elementId): ElementDifference[] => {
    const [was, is] = [old.get(elementId), now.get(elementId)];
    const { type, name } = (is ?? was) as Found;
    const parts = differences(was?.parts ?? none, is?.parts ?? none);
    const change = was === undefined ? 'added' : is === undefined ? 'removed' : 'changed';
    const kind: Change[] =
      was && is && was.type !== is.type ? [{ part: 'type', before: was.type, after: is.type }] : [];
    if (change === 'changed' && parts.length + kind.length === 0) return [];
    return [{ elementId, type, name, change, parts: [...kind, ...parts] }];
  });
}

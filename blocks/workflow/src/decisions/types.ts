import type { ModdleElement } from 'bpmn-moddle';
import {
  FeelDate,
  FeelDateTime,
  FeelDuration,
  FeelTime,
  isFunction,
  parseDate,
  parseDateTime,
  parseTime,
  duration as readDuration,
} from 'feelin';
import { isRecord } from '../feel/json.ts';

/** An item definition: what values of a type named by the writer of a document look like. */
interface ItemType {
  readonly base: string | undefined;
  readonly many: boolean;
  readonly parts: readonly (ItemType & { readonly name: string })[];
}

/** The item definitions of the documents, by name. */
export type Types = Map<string, ItemType>;

const temporal =
  (kind: new (...given: never[]) => unknown, read: (text: string) => unknown) =>
  (value: unknown): unknown => {
    if (value instanceof kind) return value;
    if (typeof value !== 'string') return undefined;
    try {
      return read(value) ?? undefined;
    } catch {
      return undefined;
    }
  };
const duration = temporal(FeelDuration, readDuration);

/** What a value is under a type of FEEL: process variables are JSON, their texts are read as dates and durations. */
const builtIn: Readonly<Record<string, (value: unknown) => unknown>> = {
  number: (value) => (typeof value === 'number' ? value : undefined),
  string: (value) => (typeof value === 'string' ? value : undefined),
  boolean: (value) => (typeof value === 'boolean' ? value : undefined),
  date: temporal(FeelDate, parseDate),
  time: temporal(FeelTime, parseTime),
  dateTime: temporal(FeelDateTime, parseDateTime),
  'date and time': temporal(FeelDateTime, parseDateTime),
  duration,
  dayTimeDuration: duration,
  yearMonthDuration: duration,
  'days and time duration': duration,
  'years and months duration': duration,
  context: (value) => (isRecord(value) ? value : undefined),
  function: (value) => (isFunction(value) ? value : undefined),
};

const readItem = (element: ModdleElement): ItemType & { readonly name: string } => ({
  name: (element.get('name') as string | undefined) ?? '',
  base: element.get('typeRef') as string | undefined,
  many: element.get('isCollection') === true,
  parts: ((element.get('itemComponent') as readonly ModdleElement[] | undefined) ?? []).map(readItem),
});

/** Adds the item definitions of a document. */
export function addTypes(types: Types, definitions: ModdleElement): void {
  for (const element of (definitions.get('itemDefinition') as readonly ModdleElement[] | undefined) ?? []) {
    const item = readItem(element);
    types.set(item.name, item);
  }
}

/** The value as the type has it, by FEEL's conversions from and to lists of one; `undefined` if it is not of the type. */
export function conform(value: unknown, type: string | undefined, types: Types, depth = 0): unknown {
  if (value === null || value === undefined) return null;
  if (type === undefined || depth > 20) return value;
  const name = type.replace(/^feel:/, '').trim();
  const item = types.get(name);
  if (item) return conformItem(value, item, types, depth + 1);
  const read = builtIn[name];
  if (!read) return value;
  const own = read(value);
  return own === undefined && Array.isArray(value) && value.length === 1 ? read(value[0]) : own;
}

function conformItem(value: unknown, item: ItemType, types: Types, depth: number): unknown {
  if (value === null || value === undefined) return null;
  if (item.many) {
    const entries = (Array.isArray(value) ? value : [value]).map((one) =>
      conformItem(one, { ...item, many: false }, types, depth),
    );
    return entries.includes(undefined) ? undefined : entries;
  }
  if (item.parts.length === 0) return conform(value, item.base, types, depth);
  const record = Array.isArray(value) && value.length === 1 ? (value[0] as unknown) : value;
  if (!isRecord(record)) return undefined;
  const made: Record<string, unknown> = { ...record };
  for (const part of item.parts) {
    if (!Object.hasOwn(record, part.name)) continue;
    made[part.name] = conformItem(record[part.name], part, types, depth);
    if (made[part.name] === undefined) return undefined;
  }
  return made;
}

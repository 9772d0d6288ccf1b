import { type Attribute, attributeOf, type ResourceSchema } from './attributes.ts';
import { type Equality, readFilter } from './filter.ts';
import { type Complex, complete, mostValues, type Resource, readValue, type Value } from './read-resource.ts';
import { refusal } from './refusal.ts';

export interface PatchOperation {
  readonly op: string;
  readonly path?: string;
  readonly value?: unknown;
}

const mostMoves = 30 * mostValues;

type Op = 'add' | 'replace' | 'remove';

interface Target {
  readonly attribute: Attribute;
  readonly filter: readonly Equality[] | undefined;
  readonly sub: Attribute | undefined;
}

const pathPattern = /^([A-Za-z][\w-]*)(?:\[(.*)\])?(?:\.([A-Za-z$][\w$-]*))?$/s;

/** What a path means (RFC 7644, figure 7); undefined: something that is not kept. */
function readPath(schema: ResourceSchema, path: string): Target | undefined {
  const prefix = `${schema.id}:`;
  const local = path.toLowerCase().startsWith(prefix.toLowerCase()) ? path.slice(prefix.length) : path;
  // Another schema: an extension, of which nothing is kept.
  if (/^urn:/i.test(local)) return undefined;
  const [, name = '', filter, subName] = pathPattern.exec(local) ?? [];
  const attribute = attributeOf(schema.attributes, name);
  if (!attribute) {
    if (schema.notKept.some((one) => one.toLowerCase() === name.toLowerCase())) return undefined;
    throw /^(id|meta|schemas)$/i.test(name)
      ? refusal('mutability', `${name} cannot be written`)
      : refusal('invalidPath', 'The path names no attribute');
  }
  if (attribute.mutability === 'readOnly') throw refusal('mutability', `${attribute.name} cannot be written`);
  const sub = subName === undefined ? undefined : attributeOf(attribute.subAttributes ?? [], subName);
  if (subName !== undefined && !sub) throw refusal('invalidPath', `${attribute.name} has no ${subName}`);
  if (filter !== undefined && !attribute.multiValued)
    throw refusal('invalidPath', `${attribute.name} has one value and cannot be filtered`);
  return {
    attribute,
    sub,
    filter: filter === undefined ? undefined : readItemFilter(schema, attribute, filter),
  };
}

/** A filter of the values of an attribute. */
function readItemFilter(schema: ResourceSchema, attribute: Attribute, text: string): readonly Equality[] {
  return readFilter(text, schema.id).map(({ path, value }) => {
    const sub = attributeOf(attribute.subAttributes ?? [], path);
    if (!sub) throw refusal('invalidFilter', `${attribute.name} has no such part`);
    return { path: sub.name, value };
  });
}

const meets = (attribute: Attribute, filter: readonly Equality[], item: Complex): boolean =>
  filter.every(({ path, value }) => {
    const found = item[path];
    return attributeOf(attribute.subAttributes ?? [], path)?.caseExact ||
      typeof found !== 'string' ||
      typeof value !== 'string'
      ? found === value
      : found.toLowerCase() === value.toLowerCase();
  });

const without = <T>(object: Readonly<Record<string, T>>, name: string): Record<string, T> =>
  Object.fromEntries(Object.entries(object).filter(([one]) => one !== name));

/** A complex value in which one part is set, or taken away. */
function withPart(attribute: Attribute, sub: Attribute, item: Complex, value: unknown): Complex {
  const read = readValue({ ...attribute, multiValued: false }, { [sub.name]: value }) as Complex | undefined;
  const part = read?.[sub.name];
  return part === undefined ? without(item, sub.name) : { ...item, [sub.name]: part };
}

/** Of several that are primary, the one that was said last is. */
function onePrimary(items: readonly Complex[], changed: ReadonlySet<Complex>): readonly Complex[] {
  if (![...changed].some((item) => item.primary === true)) return items;
  return items.map((item) =>
    changed.has(item) || item.primary !== true ? item : { ...item, primary: false },
  );
}

function patchList(op: Op, target: Target, before: readonly Complex[], value: unknown): readonly Complex[] {
  const { attribute, filter, sub } = target;
  const matches = (item: Complex): boolean => filter === undefined || meets(attribute, filter, item);
  if (filter === undefined && sub === undefined) {
    const sent = (readValue(attribute, value) ?? []) as readonly Complex[];
    if (op === 'replace') return sent;
    const named = new Set(sent.map((item) => item.value));
    if (op === 'remove') return value === undefined ? [] : before.filter((item) => !named.has(item.value));
    const known = new Set(before.map((item) => JSON.stringify(item)));
    const added = sent.filter((item) => !known.has(JSON.stringify(item)));
    return onePrimary([...before, ...added], new Set(added));
  }
  if (op === 'remove' && sub === undefined) return before.filter((item) => !matches(item));
  const changed = new Set<Complex>();
  const after = before.map((item) => {
    if (!matches(item)) return item;
    const next =
      sub === undefined
        ? ({ ...item, ...(readValue({ ...attribute, multiValued: false }, value) as object) } as Complex)
        : withPart(attribute, sub, item, op === 'remove' ? undefined : value);
    changed.add(next);
    return next;
  });
  if (changed.size > 0 || op === 'remove') return onePrimary(after, changed);
  if (op === 'replace' || filter === undefined)
    throw refusal('noTarget', `No value of ${attribute.name} is meant`);
  // What the filter looks for comes into being with it.
  const looked = Object.fromEntries(filter.map((one) => [one.path, one.value]));
  const made =
    sub === undefined
      ? { ...looked, ...(readValue({ ...attribute, multiValued: false }, value) as object | undefined) }
      : { ...looked, [sub.name]: value };
  return [...before, ...((readValue(attribute, [made]) ?? []) as readonly Complex[])];
}

function patchValue(op: Op, target: Target, before: Value | undefined, value: unknown): Value | undefined {
  const { attribute, sub } = target;
  if (attribute.multiValued)
    return patchList(op, target, (before as readonly Complex[] | undefined) ?? [], value);
  if (sub)
    return withPart(attribute, sub, (before as Complex | undefined) ?? {}, op === 'remove' ? null : value);
  if (op === 'remove') return undefined;
  const read = readValue(attribute, value);
  return attribute.type === 'complex' && before !== undefined
    ? { ...(before as Complex), ...(read as Complex | undefined) }
    : read;
}

function applyOne(
  schema: ResourceSchema,
  resource: Resource,
  op: Op,
  path: string,
  value: unknown,
): Resource {
  const target = readPath(schema, path);
  if (!target) return resource;
  const { name } = target.attribute;
  if (op !== 'remove' && value === undefined) throw refusal('invalidValue', `${op} needs a value`);
  const after = patchValue(op, target, resource[name], value);
  // Whole again, with the rules of a value that is sent whole.
  const read = after === undefined ? undefined : readValue(target.attribute, after);
  return read === undefined ? without(resource, name) : { ...resource, [name]: read };
}

/**
 * The resource after the operations of a PATCH (RFC 7644, 3.5.2), as the large identity providers send them too: names
 * of operations in any case, values without a path under names or paths, members to remove beside the path. Throws 400
 * and changes nothing when one of them cannot be done.
 */
export function applyPatch(
  schema: ResourceSchema,
  resource: Resource,
  operations: readonly PatchOperation[],
): Resource {
  let after = resource;
  let moves = 0;
  // Each goes through the values that are there: many operations on many values are sent as one.
  const apply = (op: Op, path: string, value: unknown): void => {
    moves += Object.values(after).reduce((sum, one) => sum + (Array.isArray(one) ? one.length : 1), 1);
    if (moves > mostMoves) throw refusal('tooMany', 'Too many operations on so many values');
    after = applyOne(schema, after, op, path, value);
  };
  for (const { op: sent, path, value } of operations) {
    const op = sent.toLowerCase();
    if (op !== 'add' && op !== 'replace' && op !== 'remove')
      throw refusal('invalidSyntax', 'op must be add, replace or remove');
    if (path !== undefined && path !== '') {
      apply(op, path, value);
      continue;
    }
    if (op === 'remove') throw refusal('noTarget', 'remove needs a path');
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw refusal('invalidValue', 'Without a path the value must be an object');
    for (const [name, part] of Object.entries(value)) {
      if (/^(id|meta|schemas)$/i.test(name)) continue;
      apply(op, name, part);
    }
  }
  return complete(schema, after);
}

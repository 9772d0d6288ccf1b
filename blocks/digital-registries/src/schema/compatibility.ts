import { widens } from './conversion.ts';
import type { Field } from './field.ts';

/** One difference between two versions of a schema, and whether it can break records or clients (DRS-4 f). */
export interface Finding {
  readonly pointer: string;
  readonly breaking: boolean;
  readonly detail: string;
}

const escapePointer = (segment: string): string => segment.replaceAll('~', '~0').replaceAll('/', '~1');
export const pointerOf = (name: string): string => `/schema/properties/${escapePointer(name)}`;

/** Keywords by which a field takes fewer values than before. */
const bounds: readonly (readonly [keyword: string, tighter: (before: number, after: number) => boolean])[] = [
  ['maxLength', (before, after) => after < before],
  ['maximum', (before, after) => after < before],
  ['maxItems', (before, after) => after < before],
  ['minLength', (before, after) => after > before],
  ['minimum', (before, after) => after > before],
  ['minItems', (before, after) => after > before],
];

function narrowed(before: Field, after: Field): string[] {
  const found: string[] = [];
  for (const [keyword, tighter] of bounds) {
    const [old, now] = [before.schema[keyword], after.schema[keyword]];
    if (typeof now === 'number' && (typeof old !== 'number' || tighter(old, now)))
      found.push(`${keyword} becomes ${now}`);
  }
  if (typeof after.schema.pattern === 'string' && after.schema.pattern !== before.schema.pattern)
    found.push('takes other texts (pattern)');
  return found;
}

/** What a new version changes, in the order of the fields. */
export function compare(before: readonly Field[], after: readonly Field[]): Finding[] {
  const found: Finding[] = [];
  const byId = new Map(after.map((field) => [field.id, field]));
  for (const old of before) {
    const field = byId.get(old.id);
    if (!field) {
      found.push({
        pointer: pointerOf(old.name),
        breaking: old.required,
        detail: old.required
          ? 'was required and is retired'
          : 'is retired; its values stay for older versions',
      });
      continue;
    }
    const pointer = pointerOf(field.name);
    const add = (breaking: boolean, detail: string) => found.push({ pointer, breaking, detail });
    if (field.name !== old.name) add(false, `was called ${old.name}`);
    if (field.type !== old.type)
      add(!widens(old.type, field.type), `changes from ${old.type} to ${field.type}`);
    else for (const detail of narrowed(old, field)) add(true, detail);
    if (field.required && !old.required) add(true, 'becomes required');
    if (!field.required && old.required) add(false, 'is no longer required');
    if (field.unique && !old.unique) add(true, 'becomes unique');
    if (field.primaryKey !== old.primaryKey) add(true, 'the primary key changes');
    const gone = old.values?.filter((value) => field.values && !field.values.includes(value)) ?? [];
    if (gone.length > 0 || (field.values && !old.values)) add(true, 'allows fewer values');
    else if (field.values && old.values && field.values.length > old.values.length)
      add(false, 'allows more values');
    if (field.secret && !old.secret) add(true, 'becomes secret: only those who have the key read it');
    if (old.secret && !field.secret) add(true, 'is no longer secret: its values are kept in the open');
    if (field.catalogue !== undefined && field.catalogue !== old.catalogue)
      add(true, `takes only keys of ${field.catalogue}`);
    if (old.personal && !field.personal)
      add(true, 'is no longer personal data: its reads are no longer logged');
  }
  const known = new Set(before.map((field) => field.id));
  for (const field of after) {
    if (known.has(field.id)) continue;
    const breaking = field.required && field.default === undefined;
    found.push({
      pointer: pointerOf(field.name),
      breaking,
      detail: breaking ? 'is new and required, without a default' : 'is new',
    });
  }
  return found;
}

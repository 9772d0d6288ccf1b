import type { FieldType } from './field.ts';

/** Why a field cannot be kept secret: what it also asks for needs its values in the open. */
export function secretDefects(property: Readonly<Record<string, unknown>>, type: FieldType): string[] {
  const has = (keyword: string): boolean => property[keyword] !== undefined && property[keyword] !== false;
  const found: string[] = [];
  if (type === 'file') found.push('cannot be secret: it holds documents');
  for (const [keyword, why] of [
    ['searchable', 'searched by words'],
    ['primaryKey', 'the primary key, which stands in addresses'],
    ['foreignKeys', 'a link to other records'],
    ['default', 'given a value by the schema'],
    ['catalogue', 'taken from a code list'],
  ] as const)
    if (has(keyword)) found.push(`cannot be secret and ${why}`);
  if (has('filterable') && (type === 'json' || type === 'file'))
    found.push('is secret and not a single value: it cannot be searched by');
  return found;
}

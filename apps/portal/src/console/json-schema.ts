export type Json = Record<string, unknown>;

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
export const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** Follows references within the document, a bounded number of times; anything else stays what it is. */
export function resolve(document: Json, value: unknown, hops = 0): Json {
  if (!isObject(value)) return {};
  const reference = value.$ref;
  if (typeof reference !== 'string') return value;
  if (hops > 10 || !reference.startsWith('#/')) return {};
  let found: unknown = document;
  for (const step of reference.slice(2).split('/'))
    found = isObject(found) ? found[step.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined;
  return resolve(document, found, hops + 1);
}

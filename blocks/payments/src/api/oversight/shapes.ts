import { Type } from '@govstack/platform/operation';

export const InstitutionCode = Type.String({ pattern: '^[A-Za-z0-9._-]{1,11}$' });

/** Rows of a page and, when there are more, where the next one begins. */
export const pageOf = <T>(
  rows: readonly T[],
  limit: number,
  key: (row: T) => string,
): { readonly items: T[]; readonly next: { readonly next?: string } } => {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, next: rows.length > limit && last !== undefined ? { next: key(last) } : {} };
};

import { Type } from '@govstack/platform/operation';

export const closed = { additionalProperties: false } as const;
export const Text = (maxLength: number) => Type.String({ minLength: 1, maxLength });
export const Id = Type.String({ format: 'uuid' });
export const Code = Type.String({ pattern: '^[A-Za-z0-9._-]{1,36}$' });
export const InstitutionCode = Type.String({ pattern: '^[A-Za-z0-9._-]{1,11}$' });
export const Currency = Type.String({ pattern: '^[A-Z]{3}$' });
export const Limit = Type.Optional(Type.Integer({ minimum: 1, maximum: 500 }));
export const Instant = Type.String({ format: 'date-time' });
export const Day = Type.String({ format: 'date' });
export const Flag = Type.Boolean();

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

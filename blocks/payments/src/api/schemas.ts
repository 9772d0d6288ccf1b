import { Type } from '@govstack/platform/operation';

/** Pieces of declarations that mean the same in every surface of this block. */
export const closed = { additionalProperties: false } as const;
export const Text = (maxLength: number) => Type.String({ minLength: 1, maxLength });
export const optional = (maxLength: number) => Type.Optional(Text(maxLength));
export const Id = Type.String({ format: 'uuid' });
export const Code = Type.String({ pattern: '^[A-Za-z0-9._-]{1,36}$' });
export const Currency = Type.String({ pattern: '^[A-Z]{3}$' });
export const Limit = Type.Optional(Type.Integer({ minimum: 1, maximum: 500 }));
export const Flag = Type.Boolean();
export const Instant = Type.String({ format: 'date-time' });
export const Day = Type.String({ format: 'date' });

import { Type } from 'typebox';

export const closed = { additionalProperties: false } as const;

export const Share = Type.Number({ minimum: 0, maximum: 1, description: 'Share of all, 0 to 1' });
export const Times = Type.Optional(
  Type.Integer({ minimum: 1, maximum: 1000, description: 'How often, before it works; once by default' }),
);
export const Milliseconds = (description: string) =>
  Type.Integer({ minimum: 0, maximum: 86_400_000, description });

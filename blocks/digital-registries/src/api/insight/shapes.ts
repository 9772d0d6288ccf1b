import { type TSchema, Type } from '@govstack/platform/operation';

/** An application of the owning agency, or an analyst of that agency through a console. */
export const analyst = { caller: 'application', person: 'optional' } as const;
export const closed = { additionalProperties: false } as const;
export const nullable = <T extends TSchema>(one: T) => Type.Union([one, Type.Null()]);
export const text = (maxLength: number, description?: string) =>
  Type.String({ minLength: 1, maxLength, ...(description === undefined ? {} : { description }) });
export const moment = Type.String({ format: 'date-time' });
export const day = Type.String({ format: 'date' });
export const code = text(60, 'Short code of the registry');
export const byCode = Type.Object({ code });
export const uuid = Type.String({ format: 'uuid' });

/** A page by place: `after` is `next` of the page before, and costs the same wherever it is. */
export const paging = {
  pageSize: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 100 })),
  after: Type.Optional(text(500, '`next` of the page before')),
};
export const next = Type.Optional(
  Type.String({
    description:
      'There may be more. A page can be short, even empty, and still have one: it looked far enough',
  }),
);

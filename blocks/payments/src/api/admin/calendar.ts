import { type Static, Type } from '@govstack/platform/operation';

const Time = Type.String({ pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$', description: 'Hour and minute' });

/** When a rail may be sent to: opening hours with their cut-off in its own time zone, and days it is closed. */
export const Calendar = Type.Object(
  {
    timeZone: Type.String({ maxLength: 64, description: 'IANA name such as Africa/Nairobi' }),
    windows: Type.Array(
      Type.Object(
        {
          days: Type.Array(Type.Integer({ minimum: 1, maximum: 7 }), {
            minItems: 1,
            maxItems: 7,
            description: 'ISO 8601: 1 is Monday',
          }),
          from: Time,
          to: Type.String({
            pattern: '^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$',
            description: 'Cut-off: nothing leaves at or after this time',
          }),
        },
        { additionalProperties: false },
      ),
      { minItems: 1, maxItems: 50 },
    ),
    holidays: Type.Optional(Type.Array(Type.String({ format: 'date' }), { maxItems: 1000 })),
  },
  { additionalProperties: false },
);
export type Calendar = Static<typeof Calendar>;

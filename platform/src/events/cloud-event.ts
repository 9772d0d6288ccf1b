import { type Static, type TSchema, Type } from 'typebox';

/** CloudEvents 1.0 in structured JSON, with the correlation id and W3C trace as extension attributes. */
export const CloudEvent = Type.Object(
  {
    specversion: Type.Literal('1.0'),
    id: Type.String({ minLength: 1, maxLength: 100 }),
    source: Type.String({ description: 'Application that announces the fact' }),
    type: Type.String({ pattern: '^[a-z][a-z0-9.-]*$', maxLength: 100 }),
    subject: Type.Optional(Type.String({ maxLength: 200 })),
    time: Type.String({ format: 'date-time' }),
    datacontenttype: Type.Literal('application/json'),
    dataschema: Type.Optional(Type.String()),
    correlationid: Type.String(),
    traceparent: Type.String(),
    data: Type.Unknown(),
  },
  { title: 'CloudEvent' },
);
export type CloudEvent = Static<typeof CloudEvent>;

/** A fact a block announces: its published name, version and payload schema. No personal data in `data`. */
export interface EventSpec<T extends TSchema = TSchema> {
  /** Dotted name with its major version last, for example `consent.withdrawn.v1`. */
  readonly type: string;
  readonly summary: string;
  readonly data: T;
}

export function defineEvent<const T extends TSchema>(spec: EventSpec<T>): EventSpec<T> {
  if (!/^[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)+\.v[0-9]+$/.test(spec.type)) {
    throw new Error(`event type ${spec.type} must be dotted and end in its major version`);
  }
  return spec;
}

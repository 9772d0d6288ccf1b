import { type Static, Type } from '@govstack/platform/operation';

const closed = { additionalProperties: false } as const;
const name = Type.String({ minLength: 1, maxLength: 200 });
const Template = Type.Unknown({
  description:
    'JSON-LD or FHIR, with `$(attribute)` where values stand; an object of which no value is there is left out',
});

const Attribute = Type.Object(
  {
    field: Type.String({
      minLength: 1,
      maxLength: 400,
      description: 'Field of the registry; `field.part` for a part of an object',
    }),
    values: Type.Optional(
      Type.Record(Type.String(), Type.String({ maxLength: 200 }), {
        description: 'Values of the registry, and the codes for them',
      }),
    ),
    as: Type.Optional(
      Type.Union([Type.Literal('age'), Type.Literal('date-time')], {
        description:
          '`age`: whole years since the date; `date-time`: a date as the midnight UTC it begins at',
      }),
    ),
    search: Type.Optional(Type.Boolean({ description: 'false: shown, not searched by' })),
  },
  closed,
);

const Where = Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()]), {
  description: 'Attributes, and what they must be',
});

const Event = Type.Object(
  {
    type: name,
    on: Type.Array(Type.Union([Type.Literal('create'), Type.Literal('update'), Type.Literal('delete')]), {
      minItems: 1,
    }),
    becomes: Type.Optional(Where),
  },
  closed,
);

const Patient = Type.Object(
  {
    template: Template,
    identifiers: Type.Record(Type.String(), name, { description: 'System, and the attribute it is in' }),
    search: Type.Object(
      {
        family: Type.Optional(name),
        given: Type.Optional(name),
        birthdate: Type.Optional(name),
        gender: Type.Optional(name),
      },
      closed,
    ),
  },
  closed,
);

/** What a registry is called in the formats of other systems: data, so that nobody writes code to plug one in. */
export const Mapping = Type.Object(
  {
    registry: Type.String({ minLength: 1, maxLength: 60, description: 'Code of the registry' }),
    version: Type.Optional(
      Type.String({ minLength: 1, maxLength: 20, description: 'Schema version; the newest when left out' }),
    ),
    regType: Type.Optional(Type.String({ maxLength: 200, description: '`ns:org:RegistryType:Social`' })),
    receiverId: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 200,
        description: 'Who the registry is in DCI messages; messages to others are refused',
      }),
    ),
    signature: Type.Optional(
      Type.Union([Type.Literal('demanded'), Type.Literal('caller')], {
        description:
          '`caller`: the caller whom the information mediator verified stands for a signature; `demanded` when left out',
      }),
    ),
    maxRecords: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1000,
        description: 'Records in an answer that is not asked for by pages; 100 when left out',
      }),
    ),
    attributes: Type.Record(Type.String({ minLength: 1, maxLength: 200 }), Type.Union([name, Attribute]), {
      description: 'What is searched by and shown: a field, or a field with codes',
    }),
    identifiers: Type.Optional(
      Type.Record(Type.String(), name, { description: 'Identifier type, and the attribute it is in' }),
    ),
    recordTypes: Type.Optional(
      Type.Record(Type.String(), Template, { description: 'Record type, and what its records look like' }),
    ),
    defaultRecordType: Type.Optional(name),
    events: Type.Optional(Type.Array(Event, { maxItems: 50 })),
    questions: Type.Optional(
      Type.Object(
        {
          enrolled: Type.Optional(Type.Object({ where: Where }, closed)),
          disabled: Type.Optional(Type.Object({ where: Where }, closed)),
          details: Type.Optional(Type.Object({ recordType: name }, closed)),
          support: Type.Optional(Type.Object({ recordType: name }, closed)),
        },
        closed,
      ),
    ),
    fhir: Type.Optional(
      Type.Object(
        {
          patient: Patient,
          mother: Type.Optional(Type.Object({ identifier: name, system: name, template: Template }, closed)),
        },
        closed,
      ),
    ),
  },
  closed,
);
export type Mapping = Static<typeof Mapping>;
export type MappedEvent = Static<typeof Event>;

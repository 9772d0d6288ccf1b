import { Type } from '@govstack/platform/operation';

export const application = { caller: 'application', person: 'optional' } as const;
export const Content = Type.Record(Type.String(), Type.Unknown());
export const target = {
  registryName: Type.String({
    minLength: 1,
    maxLength: 100,
    description: 'Code of the registry; case does not matter',
  }),
  versionNumber: Type.String({ minLength: 1, maxLength: 20, description: 'Schema version, or `latest`' }),
};
export const Target = Type.Object(target);
/** uuid, registry number or primary key. */
export const RecordTarget = Type.Object({
  ...target,
  id: Type.String({ minLength: 1, maxLength: 300, description: 'uuid, registry number or primary key' }),
});
export const Ground = Type.Object({
  'x-purpose': Type.Optional(Type.String({ maxLength: 200 })),
  'x-consent-reference': Type.Optional(Type.String({ maxLength: 100 })),
  'x-legal-ground': Type.Optional(Type.String({ maxLength: 200 })),
  'x-registry-key': Type.Optional(
    Type.String({ maxLength: 100, description: 'Opens what is secret for the application it was given to' }),
  ),
  'x-labels': Type.Optional(
    Type.String({ maxLength: 35, description: 'Language in which keys of code lists are labelled' }),
  ),
  'x-reader-name': Type.Optional(
    Type.String({ maxLength: 200, description: 'Who reads; the read log keeps the initials' }),
  ),
  'x-references': Type.Optional(
    Type.String({ maxLength: 500, description: 'Files or cases for which it is read, separated by commas' }),
  ),
});
export const Query = Type.Object({
  content: Type.Record(Type.String(), Type.Unknown(), {
    description:
      'Field names with the value sought, null for none, a list of up to 1,000 values of which one must match, or part of an object; all fields must match',
  }),
});
export const Write = Type.Object({ content: Content });
export const RecordView = Type.Object({
  uuid: Type.String(),
  number: Type.String({ description: 'Registry number, unique in its registry' }),
  rowVersion: Type.Integer(),
  createdAt: Type.String(),
  modifiedAt: Type.String(),
  content: Content,
  labels: Type.Optional(
    Type.Record(Type.String(), Type.Record(Type.String(), Type.String()), {
      description: 'By field: what its keys are called, when X-Labels asks',
    }),
  ),
});
export const Registered = Type.Object({
  uuid: Type.String(),
  number: Type.String(),
  rowVersion: Type.Integer(),
  createdAt: Type.String(),
  modifiedAt: Type.String(),
});
/** Conditions that an owner sets once. */
export const FixedFilters = Type.Array(
  Type.Object(
    {
      field: Type.String({ minLength: 1, maxLength: 100 }),
      operator: Type.Union([
        Type.Literal('eq'),
        Type.Literal('ne'),
        Type.Literal('lt'),
        Type.Literal('le'),
        Type.Literal('gt'),
        Type.Literal('ge'),
        Type.Literal('in'),
        Type.Literal('startsWith'),
        Type.Literal('within'),
        Type.Literal('isNull'),
      ]),
      value: Type.Optional(Type.Unknown()),
    },
    { additionalProperties: false },
  ),
  { maxItems: 20, description: 'All must hold' },
);

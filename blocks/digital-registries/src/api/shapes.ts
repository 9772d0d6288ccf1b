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
});
export const Registered = Type.Object({
  uuid: Type.String(),
  number: Type.String(),
  rowVersion: Type.Integer(),
  createdAt: Type.String(),
  modifiedAt: Type.String(),
});

import { defineEvent, Type } from '@govstack/platform/operation';

const changed = Type.Object({
  registry: Type.String(),
  record: Type.String(),
  fields: Type.Array(Type.Integer(), {
    description: 'Ids of the fields that were written; never their values',
  }),
});
export const recordCreated = defineEvent({
  type: 'registries.record-created.v1',
  summary: 'A record was created',
  data: changed,
});
export const recordUpdated = defineEvent({
  type: 'registries.record-updated.v1',
  summary: 'A record was changed',
  data: changed,
});
export const recordDeleted = defineEvent({
  type: 'registries.record-deleted.v1',
  summary: 'A record was deleted',
  data: changed,
});

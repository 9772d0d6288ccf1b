import { defineEvent, Type } from '@govstack/platform/operation';

/** One change of one record; never what it says. */
export const RecordChange = Type.Object({
  owner: Type.String({ description: 'Application whose registry it is' }),
  registry: Type.String({ description: 'Code of the registry' }),
  record: Type.String({ description: 'uuid of the record' }),
  rowVersion: Type.Integer({ description: 'Of the record after the change; grows with each' }),
  fields: Type.Array(Type.Integer(), { description: 'Ids of the fields that changed; never their values' }),
  position: Type.Integer({ description: 'Place of the change in the feed of changes' }),
});

/** Many changes at once: what they were is in the feed of changes. */
export const ManyChanges = Type.Object({
  owner: Type.String(),
  registry: Type.String(),
  count: Type.Integer({ description: 'How many records were changed' }),
  after: Type.Integer({ description: 'Place in the feed after which they stand' }),
  upTo: Type.Integer({ description: 'Place of the last of them' }),
});

const recordEvent = (what: string, summary: string) =>
  defineEvent({ type: `registries.record-${what}.v1`, summary, data: RecordChange });

export const recordCreated = recordEvent('created', 'A record was created');
export const recordUpdated = recordEvent('updated', 'A record was changed');
export const recordDeleted = recordEvent('deleted', 'A record was deleted');
export const recordArchived = recordEvent('archived', 'A record was taken out of use');
export const recordRestored = recordEvent('restored', 'A deleted or archived record was brought back');
export const recordErased = recordEvent('erased', 'Personal data of a record was erased');
export const recordsChanged = defineEvent({
  type: 'registries.records-changed.v1',
  summary: 'Many records were changed at once',
  data: ManyChanges,
});
export const registryPublished = defineEvent({
  type: 'registries.registry-published.v1',
  summary: 'A version of a registry was published',
  data: Type.Object({ owner: Type.String(), registry: Type.String(), version: Type.String() }),
});
export const checkpointMade = defineEvent({
  type: 'registries.checkpoint.v1',
  summary: 'The chain of changes was signed as far as it is: to be kept elsewhere',
  data: Type.Object({
    number: Type.Integer(),
    from: Type.String(),
    to: Type.String(),
    signed: Type.String({ description: 'Compact JWS (ES256)' }),
  }),
});

/** Everything that a registry announces. */
export const registryEvents = [
  recordCreated,
  recordUpdated,
  recordDeleted,
  recordArchived,
  recordRestored,
  recordErased,
  recordsChanged,
  registryPublished,
  checkpointMade,
] as const;

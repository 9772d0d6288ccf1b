import { defineOperation, Type } from '@govstack/platform/operation';
import { application, Content, Ground } from '../shapes.ts';
import { analyst, byCode, closed, code, day, nullable, text, uuid } from './shapes.ts';

const FieldQuality = Type.Object({
  field: Type.String(),
  fieldId: Type.Integer(),
  filled: Type.Integer({ description: 'Records that say something here' }),
  invalid: Type.Integer({ description: 'Of those, values that today’s schema does not take' }),
  duplicates: nullable(
    Type.Integer({ description: 'Records that share a value; null where values are not single' }),
  ),
  distinct: nullable(Type.Integer()),
});
const Quality = Type.Object({
  day,
  records: Type.Integer(),
  sampled: nullable(Type.Integer({ description: 'How many were looked at when not all' })),
  stale: Type.Integer({ description: 'Not changed for a year' }),
  openDuplicates: Type.Integer({ description: 'Pairs that nobody has decided on' }),
  fields: Type.Array(FieldQuality),
});
const Candidate = Type.Object({
  record: Type.String(),
  number: Type.String(),
  score: Type.Number({ description: '0 to 1' }),
  fields: Type.Array(Type.String(), { description: 'That agree' }),
});
const Pair = Type.Object({
  id: Type.String(),
  records: Type.Array(Type.String(), { minItems: 2, maxItems: 2 }),
  score: Type.Number(),
  fields: Type.Array(Type.String()),
  state: Type.String({ description: '`open`, `different`, `same` or `merged`' }),
  decidedBy: nullable(Type.String()),
  foundAt: Type.String(),
  merge: nullable(Type.String({ description: 'Id of the merge that can be undone' })),
});
const pair = Type.Object({ code, id: uuid });
const record = Type.Object({ code, id: text(300, 'uuid, registry number or primary key') });

export const qualityOperations = {
  readQuality: defineOperation({
    id: 'readQuality',
    method: 'GET',
    path: '/registries/{code}/quality',
    summary: 'How complete, valid, unique and fresh the records of a registry are, day by day, newest first',
    requirements: ['REG-4.1-b', 'REG-4.1-g'],
    access: analyst,
    params: byCode,
    query: Type.Object({ days: Type.Optional(Type.Integer({ minimum: 1, maximum: 366 })) }),
    responses: { 200: Type.Array(Quality) },
  }),
  measureQuality: defineOperation({
    id: 'measureQuality',
    method: 'POST',
    path: '/registries/{code}/quality',
    summary: 'Measure it now, in place of today’s row',
    requirements: ['REG-4.1-b'],
    access: analyst,
    params: byCode,
    responses: { 200: Quality },
  }),
  findDuplicates: defineOperation({
    id: 'findDuplicates',
    method: 'POST',
    path: '/registries/{code}/duplicates/candidates',
    summary:
      'Records that may be about the same as this one, by the rules in the schema; before it is created',
    description: 'Asking about personal data is on record like asking whether a record exists.',
    requirements: ['REG-4.1-b'],
    access: application,
    headers: Ground,
    params: byCode,
    body: Type.Object(
      { content: Content, limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 50 })) },
      closed,
    ),
    responses: {
      200: Type.Object({
        action: Type.Union([Type.Literal('warn'), Type.Literal('refuse')]),
        candidates: Type.Array(Candidate),
      }),
    },
  }),
  searchDuplicates: defineOperation({
    id: 'searchDuplicates',
    method: 'POST',
    path: '/registries/{code}/duplicates/searches',
    summary: 'Look through the whole registry for records about the same; goes on in the background',
    requirements: ['REG-4.1-b'],
    access: analyst,
    params: byCode,
    responses: { 202: Type.Object({ id: Type.String() }) },
  }),
  getDuplicateSearch: defineOperation({
    id: 'getDuplicateSearch',
    method: 'GET',
    path: '/registries/{code}/duplicates/searches/{id}',
    summary: 'How far a search is',
    access: analyst,
    params: pair,
    responses: {
      200: Type.Object({
        id: Type.String(),
        state: Type.String({ description: '`running` or `done`' }),
        looked: Type.Integer({ description: 'Records looked at' }),
        found: Type.Integer({ description: 'New pairs' }),
      }),
    },
  }),
  listDuplicates: defineOperation({
    id: 'listDuplicates',
    method: 'GET',
    path: '/registries/{code}/duplicates',
    summary: 'Pairs of records that may be about the same, the likeliest first',
    requirements: ['REG-4.1-b'],
    access: analyst,
    params: byCode,
    query: Type.Object({
      state: Type.Optional(
        Type.Union([
          Type.Literal('open'),
          Type.Literal('different'),
          Type.Literal('same'),
          Type.Literal('merged'),
        ]),
      ),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
    }),
    responses: { 200: Type.Array(Pair) },
  }),
  decideDuplicate: defineOperation({
    id: 'decideDuplicate',
    method: 'PUT',
    path: '/registries/{code}/duplicates/{id}/decision',
    summary: 'Say whether two records are about the same',
    requirements: ['REG-4.1-b'],
    access: analyst,
    params: pair,
    body: Type.Object({ decision: Type.Union([Type.Literal('same'), Type.Literal('different')]) }, closed),
    responses: { 204: null },
  }),
  mergeDuplicates: defineOperation({
    id: 'mergeDuplicates',
    method: 'POST',
    path: '/registries/{code}/duplicates/{id}/merge',
    summary:
      'Make one record of two: one survives, with values of the other where asked; the other is archived',
    requirements: ['REG-4.1-b'],
    access: analyst,
    params: pair,
    body: Type.Object(
      {
        survivor: uuid,
        take: Type.Optional(
          Type.Array(text(100), { maxItems: 400, description: 'Fields whose value the other record gives' }),
        ),
      },
      closed,
    ),
    responses: { 200: Type.Object({ merge: Type.String(), rowVersion: Type.Integer() }) },
  }),
  undoMerge: defineOperation({
    id: 'undoMerge',
    method: 'POST',
    path: '/registries/{code}/merges/{id}/undo',
    summary: 'Take a merge back: both records say again what they said; refused when one was changed since',
    requirements: ['REG-4.1-b'],
    access: analyst,
    params: pair,
    responses: { 204: null },
  }),
  putRetention: defineOperation({
    id: 'putRetention',
    method: 'PUT',
    path: '/registries/{code}/retention',
    summary: 'What becomes of records that were kept for `retentionDays`: nothing, the archive, or erasure',
    requirements: ['REG-5.2-req-7'],
    access: analyst,
    params: byCode,
    body: Type.Object(
      { action: Type.Union([Type.Literal('keep'), Type.Literal('archive'), Type.Literal('erase')]) },
      closed,
    ),
    responses: { 204: null },
  }),
  putLegalHold: defineOperation({
    id: 'putLegalHold',
    method: 'PUT',
    path: '/registries/{code}/records/{id}/hold',
    summary: 'Keep a record whatever its retention says: it is neither archived, deleted nor erased',
    access: analyst,
    params: record,
    body: Type.Object({ reason: text(500) }, closed),
    responses: { 204: null },
  }),
  deleteLegalHold: defineOperation({
    id: 'deleteLegalHold',
    method: 'DELETE',
    path: '/registries/{code}/records/{id}/hold',
    summary: 'Let go of a record',
    access: analyst,
    params: record,
    responses: { 204: null },
  }),
};

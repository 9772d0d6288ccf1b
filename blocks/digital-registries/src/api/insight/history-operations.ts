import { defineOperation, Type } from '@govstack/platform/operation';
import { application, Content, Ground, RecordTarget, RecordView, Target } from '../shapes.ts';
import { closed, moment, next, nullable, paging, text } from './shapes.ts';

export const historyOperations = {
  listRecordsAsOf: defineOperation({
    id: 'listRecordsAsOf',
    method: 'POST',
    path: '/data/{registryName}/{versionNumber}/asOf',
    summary: 'Records as they were at a moment, with values equal to the query; for their own agency',
    access: application,
    headers: Ground,
    params: Target,
    body: Type.Object({ at: moment, query: Type.Optional(Content), ...paging }, closed),
    responses: {
      200: Type.Object({
        records: Type.Array(
          Type.Object({
            uuid: RecordView.properties.uuid,
            rowVersion: Type.Integer(),
            since: Type.String(),
            content: nullable(Content),
            erased: Type.Boolean(),
          }),
        ),
        next,
      }),
    },
  }),
  compareVersions: defineOperation({
    id: 'compareVersions',
    method: 'GET',
    path: '/data/{registryName}/{versionNumber}/{id}/difference',
    summary: 'What two versions of a record say differently; for its own agency',
    access: application,
    headers: Ground,
    params: RecordTarget,
    query: Type.Object({
      from: Type.Integer({ minimum: 1 }),
      to: Type.Integer({ minimum: 1 }),
    }),
    responses: {
      200: Type.Object({
        differences: Type.Array(
          Type.Object({ field: text(100), before: Type.Unknown(), after: Type.Unknown() }),
        ),
      }),
    },
  }),
};

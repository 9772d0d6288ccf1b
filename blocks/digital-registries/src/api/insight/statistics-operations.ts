import { defineOperation, Type } from '@govstack/platform/operation';
import { application, Content, Ground } from '../shapes.ts';
import { analyst, byCode, closed, code, day, moment, nullable, text } from './shapes.ts';

const Bucket = Type.Enum(['day', 'week', 'month', 'quarter', 'year']);
const Measure = Type.Union(
  [
    Type.Literal('records'),
    Type.Literal('created'),
    Type.Literal('changed'),
    Type.Literal('deleted'),
    Type.Literal('fields-changed'),
  ],
  {
    description:
      '`records`: those there are now; `created`, `changed`, `deleted`: what happened in the period; `fields-changed`: that by data element',
  },
);
const Operator = Type.Enum(['eq', 'ne', 'lt', 'le', 'gt', 'ge', 'in', 'startsWith', 'isNull']);
const Filter = Type.Object(
  {
    field: text(100),
    operator: Operator,
    value: Type.Optional(Type.Unknown()),
    parameter: Type.Optional(text(50, 'The value is given when a saved report is run, under this name')),
  },
  closed,
);
const Dimension = Type.Object(
  {
    field: Type.Optional(text(100)),
    time: Type.Optional(Bucket),
    ranges: Type.Optional(
      Type.Array(Type.Number(), { minItems: 1, maxItems: 50, description: 'Lower ends of number ranges' }),
    ),
  },
  {
    ...closed,
    description:
      '`field` alone: its values; with `time`: the date in it by day, week, …; with `ranges`: the number in it; `time` alone: when records were created, or when it happened',
  },
);
export const StatisticsQuery = Type.Object(
  {
    measure: Measure,
    by: Type.Optional(Type.Array(Dimension, { maxItems: 3 })),
    filter: Type.Optional(Type.Array(Filter, { maxItems: 20, description: 'All must hold' })),
    from: Type.Optional(moment),
    to: Type.Optional(moment),
    exact: Type.Optional(Type.Boolean({ description: 'Count exactly however long it takes (10 s at most)' })),
  },
  closed,
);
const Group = Type.Object({
  group: Type.Record(Type.String(), nullable(Type.Union([Type.String(), Type.Number(), Type.Boolean()]))),
  count: nullable(Type.Integer({ description: 'null: too few to be told' })),
});
const Statistics = Type.Object({
  total: nullable(Type.Integer({ description: 'Of all groups; null when one of them is not told' })),
  approximate: Type.Boolean({ description: 'Estimated, from the planner or a sample' }),
  truncated: Type.Boolean({ description: 'More than 1,000 groups: the largest are shown' }),
  suppressed: Type.Integer({ description: 'Groups too small to be told' }),
  groups: Type.Array(Group),
});
const Csv = Type.String({ contentMediaType: 'text/csv' });
const reportName = Type.Object({ name: Type.String({ pattern: '^[a-z][a-z0-9-]{0,59}$' }) });
const Report = Type.Object(
  {
    title: text(200),
    registry: code,
    query: StatisticsQuery,
    dashboard: Type.Optional(nullable(text(100, 'Dashboard on which it is shown'))),
    chart: Type.Optional(
      Type.Union([Type.Literal('table'), Type.Literal('bar'), Type.Literal('line'), Type.Literal('number')]),
    ),
  },
  closed,
);
const Run = Type.Object(
  {
    parameters: Type.Optional(Content),
    from: Type.Optional(moment),
    to: Type.Optional(moment),
  },
  closed,
);
const UseDimension = Type.Enum(['day', 'registry', 'surface', 'operation', 'application', 'outcome']);

export const statisticsOperations = {
  queryStatistics: defineOperation({
    id: 'queryStatistics',
    method: 'POST',
    path: '/registries/{code}/statistics',
    summary: 'Counts of records and of changes, with filters, over time and by any field',
    description:
      'Over the records and fields the caller may list. Other agencies are not told groups of fewer than five where a registry holds personal data.',
    requirements: ['REG-6.1-26-a', 'REG-6.1-26-b', 'REG-6.2-36', 'REG-4.1-g'],
    access: application,
    headers: Ground,
    params: byCode,
    body: StatisticsQuery,
    responses: { 200: Statistics },
  }),
  exportStatistics: defineOperation({
    id: 'exportStatistics',
    method: 'POST',
    path: '/registries/{code}/statistics/csv',
    summary: 'The same as CSV, for outside analytics tools',
    requirements: ['REG-6.1-26-b'],
    access: application,
    headers: Ground,
    params: byCode,
    body: StatisticsQuery,
    responses: { 200: Csv },
  }),
  listReports: defineOperation({
    id: 'listReports',
    method: 'GET',
    path: '/reports',
    summary: 'Saved reports',
    requirements: ['REG-6.1-26-b', 'REG-6.1-26-c'],
    access: application,
    responses: { 200: Type.Array(Type.Object({ name: Type.String(), ...Report.properties })) },
  }),
  putReport: defineOperation({
    id: 'putReport',
    method: 'PUT',
    path: '/reports/{name}',
    summary: 'Save a report: a statistics query with parameters under a name',
    requirements: ['REG-6.1-26-b', 'REG-6.1-26-c'],
    access: analyst,
    params: reportName,
    body: Report,
    responses: { 204: null },
  }),
  deleteReport: defineOperation({
    id: 'deleteReport',
    method: 'DELETE',
    path: '/reports/{name}',
    summary: 'Forget a saved report',
    access: analyst,
    params: reportName,
    responses: { 204: null },
  }),
  runReport: defineOperation({
    id: 'runReport',
    method: 'POST',
    path: '/reports/{name}/runs',
    summary: 'Run a saved report with parameters, over what the caller may list',
    requirements: ['REG-6.1-26-b', 'REG-6.2-36'],
    access: application,
    headers: Ground,
    params: reportName,
    body: Run,
    responses: { 200: Statistics },
  }),
  exportReport: defineOperation({
    id: 'exportReport',
    method: 'POST',
    path: '/reports/{name}/runs/csv',
    summary: 'The same as CSV',
    requirements: ['REG-6.1-26-b'],
    access: application,
    headers: Ground,
    params: reportName,
    body: Run,
    responses: { 200: Csv },
  }),
  queryUses: defineOperation({
    id: 'queryUses',
    method: 'POST',
    path: '/uses',
    summary: 'Uses of the APIs, searches among them: how many, how they ended, how long they took',
    requirements: ['REG-6.1-12', 'REG-4.1-g'],
    access: analyst,
    body: Type.Object(
      {
        from: Type.Optional(day),
        to: Type.Optional(day),
        registry: Type.Optional(code),
        application: Type.Optional(text(400)),
        operation: Type.Optional(text(100)),
        searches: Type.Optional(Type.Boolean({ description: 'Only searches' })),
        by: Type.Optional(Type.Array(UseDimension, { maxItems: 6, uniqueItems: true })),
      },
      closed,
    ),
    responses: {
      200: Type.Array(
        Type.Object({
          group: Type.Record(Type.String(), Type.String()),
          calls: Type.Integer(),
          refused: Type.Integer({ description: 'Answered 4xx' }),
          failed: Type.Integer({ description: 'Answered 5xx' }),
          meanMs: Type.Number(),
          p50Ms: Type.Number({ description: 'From a histogram: within its bucket' }),
          p95Ms: Type.Number(),
        }),
      ),
    },
  }),
};

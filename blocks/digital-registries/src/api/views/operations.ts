import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';
import { application, Content, FixedFilters, Ground, Query } from '../shapes.ts';

const closed = { additionalProperties: false } as const;
const text = (maxLength: number) => Type.Optional(Type.String({ minLength: 1, maxLength }));
const code = Type.String({ pattern: '^[a-z][a-z0-9-]{0,59}$', description: 'Code of the view' });
const byCode = Type.Object({ code });
const name = Type.String({ minLength: 1, maxLength: 100 });
const as = Type.Optional(
  Type.String({ minLength: 1, maxLength: 100, description: 'Its name in the view; its own when left out' }),
);
const FieldOf = Type.Object({ field: name, as }, closed);

/** What a view is to be. */
export const Definition = Type.Union([
  Type.Object(
    {
      kind: Type.Literal('records'),
      fields: Type.Array(FieldOf, { minItems: 1, maxItems: 200 }),
      joins: Type.Optional(
        Type.Array(
          Type.Object(
            { field: name, fields: Type.Array(FieldOf, { minItems: 1, maxItems: 100 }) },
            { ...closed, description: 'A link field, and fields of the record it leads to' },
          ),
          { maxItems: 5 },
        ),
      ),
      filter: Type.Optional(FixedFilters),
      order: Type.Optional(Type.Object({ field: name, descending: Type.Optional(Type.Boolean()) }, closed)),
    },
    { ...closed, description: 'Shows records, one by one' },
  ),
  Type.Object(
    {
      kind: Type.Literal('groups'),
      by: Type.Array(FieldOf, { maxItems: 10 }),
      measures: Type.Array(
        Type.Object(
          {
            function: Type.Union([
              Type.Literal('count'),
              Type.Literal('sum'),
              Type.Literal('avg'),
              Type.Literal('min'),
              Type.Literal('max'),
            ]),
            field: Type.Optional(name),
            as,
          },
          closed,
        ),
        { minItems: 1, maxItems: 20 },
      ),
      filter: Type.Optional(FixedFilters),
      minimum: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: 1000,
          description:
            'Smallest number of records of a group that is shown; 5 at least where data is personal',
        }),
      ),
    },
    { ...closed, description: 'Shows groups of records, never one of them' },
  ),
]);

const Listed = Type.Object({
  code: Type.String(),
  registry: Type.String({ description: 'Code of the registry' }),
  name: Type.String(),
  description: Type.String(),
  kind: Type.Union([Type.Literal('records'), Type.Literal('groups')]),
  open: Type.Boolean({ description: 'Open data: anybody may read it' }),
  modifiedAt: Type.String(),
});
const Described = Type.Object({
  ...Listed.properties,
  openedAt: Type.Union([Type.String(), Type.Null()]),
  definition: Type.Unknown({ description: 'With the ids of the fields' }),
});

/** Read-only views of registries: made by their owner, read under the rights to the registry. */
export const registryViews = defineSurface({
  name: 'registry-views-v1',
  title: 'Digital registries: views',
  version: '1.0.0',
  operations: {
    listViews: defineOperation({
      id: 'listViews',
      method: 'GET',
      path: '/views',
      summary: 'The views that the caller may read',
      requirements: ['REG-6.1-5-e'],
      access: application,
      headers: Ground,
      responses: { 200: Type.Object({ views: Type.Array(Listed) }) },
    }),
    putView: defineOperation({
      id: 'putView',
      method: 'PUT',
      path: '/views/{code}',
      summary: 'Make a view of a registry, or change it',
      requirements: ['REG-6.1-5-e', 'REG-6.1-9-a'],
      access: application,
      params: byCode,
      body: Type.Object(
        {
          registry: Type.String({ minLength: 1, maxLength: 100 }),
          name: Type.String({ minLength: 1, maxLength: 200 }),
          description: Type.Optional(Type.String({ maxLength: 2000 })),
          definition: Definition,
        },
        closed,
      ),
      responses: { 200: Described },
    }),
    describeView: defineOperation({
      id: 'describeView',
      method: 'GET',
      path: '/views/{code}/definition',
      summary: 'What a view is, for its owner',
      access: application,
      params: byCode,
      responses: { 200: Described },
    }),
    deleteView: defineOperation({
      id: 'deleteView',
      method: 'DELETE',
      path: '/views/{code}',
      summary: 'Take a view away; that there is none is fine',
      access: application,
      params: byCode,
      responses: { 204: null },
    }),
    openView: defineOperation({
      id: 'openView',
      method: 'PUT',
      path: '/views/{code}/opening',
      summary: 'Make a view open data: anybody may read it',
      description:
        'Refused when the view uses a personal or secret field. A registry that is not classified as open needs the confirmation.',
      requirements: ['REG-6.1-9-b', 'REG-6.1-27-b'],
      access: application,
      params: byCode,
      body: Type.Object({ confirmed: Type.Optional(Type.Boolean()) }, closed),
      responses: { 200: Type.Object({ path: Type.String({ description: 'Where it is, from the root' }) }) },
    }),
    closeView: defineOperation({
      id: 'closeView',
      method: 'DELETE',
      path: '/views/{code}/opening',
      summary: 'Open data no longer',
      requirements: ['REG-6.1-27-b'],
      access: application,
      params: byCode,
      responses: { 204: null },
    }),
    readRecords: defineOperation({
      id: 'readRecords',
      method: 'GET',
      path: '/views/{code}',
      summary: 'A page of a view',
      description:
        'Parameters are those of the Data API, in the names of the view: `filter` with `search`, `query.FIELD`, `ordering`. Groups are only paged.',
      requirements: ['REG-6.1-5-e', 'REG-6.1-9-b'],
      access: application,
      headers: Ground,
      params: byCode,
      query: Type.Object({
        filter: text(100),
        search: text(200),
        ordering: Type.Optional(Type.Union([Type.Literal('ascending'), Type.Literal('descending')])),
        page: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
        pageSize: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
        cursor: text(2000),
      }),
      responses: {
        200: Type.Object({
          count: Type.Integer({ description: 'How many match, up to 10,000' }),
          countIsExact: Type.Boolean({ description: 'False: more than `count` match' }),
          next: Type.Optional(Type.String()),
          previous: Type.Union([Type.String(), Type.Null()]),
          results: Type.Array(Content),
          uuids: Type.Optional(Type.Array(Type.String(), { description: 'Of the records, in their order' })),
          suppressed: Type.Optional(
            Type.Integer({ description: 'Groups that are not shown because they are too small' }),
          ),
        }),
      },
    }),
    readRecord: defineOperation({
      id: 'readRecord',
      method: 'POST',
      path: '/views/{code}/read',
      summary: 'The oldest record of a view that equals the query, or the one with this uuid',
      requirements: ['REG-6.1-5-e'],
      access: application,
      headers: Ground,
      params: byCode,
      body: Type.Union([
        Type.Object({ query: Query }, closed),
        Type.Object({ uuid: Type.String({ format: 'uuid' }) }, closed),
      ]),
      responses: { 200: Type.Object({ uuid: Type.String(), content: Content }) },
    }),
  },
});

import { Bytes, defineOperation, defineSurface, Type } from '@govstack/platform/operation';
import { application, Content, Ground } from '../shapes.ts';

const oneOf = <const T extends readonly string[]>(...values: T) =>
  Type.Unsafe<T[number]>({ type: 'string', enum: [...values] });
const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()]);

const closed = { additionalProperties: false } as const;
const registry = Type.String({ minLength: 1, maxLength: 100, description: 'Code of the registry' });
const version = Type.Optional(
  Type.String({ minLength: 1, maxLength: 20, description: 'Schema version; the newest when left out' }),
);
const Format = oneOf('csv', 'xlsx', 'json', 'ndjson');
const time = nullable(Type.String());
const partNumber = Type.Integer({ minimum: 1, maximum: 10_000 });

const Mapping = Type.Array(
  Type.Object(
    {
      column: Type.String({ maxLength: 300, description: 'Heading in the file, or key in JSON' }),
      field: nullable(Type.String({ maxLength: 100, description: 'Null: the column is left out' })),
    },
    closed,
  ),
  { maxItems: 1000 },
);

const ImportOptions = Type.Object(
  {
    delimiter: Type.Optional(oneOf(',', ';', '\t', '|')),
    encoding: Type.Optional(oneOf('utf-8', 'utf-16le', 'windows-1252', 'windows-1256')),
    dates: Type.Optional(
      Type.Unsafe<'iso' | 'dmy' | 'mdy'>({
        type: 'string',
        enum: ['iso', 'dmy', 'mdy'],
        description: 'How dates are written: 2026-05-31, 31/05/2026 or 05/31/2026. ISO is always read',
      }),
    ),
    emptyCells: Type.Optional(
      Type.Unsafe<'nothing' | 'default'>({
        type: 'string',
        enum: ['nothing', 'default'],
        description:
          '`nothing`: the record has no value there. `default`: as if the column were left out: new records get the default, others keep what they have',
      }),
    ),
    sheet: Type.Optional(
      Type.String({ minLength: 1, maxLength: 100, description: 'Of a workbook; the first when left out' }),
    ),
  },
  closed,
);

export const Import = Type.Object({
  id: Type.String(),
  registry: Type.String(),
  version: Type.String(),
  format: Format,
  mode: oneOf('all-or-nothing', 'good-rows'),
  upsertBy: Type.Array(Type.String()),
  dryRun: Type.Boolean(),
  options: ImportOptions,
  mapping: Type.Union([Mapping, Type.Null()], {
    description: 'Null until it is known: proposed from the headings unless it was given',
  }),
  state: Type.Unsafe<
    | 'uploading'
    | 'waiting'
    | 'reading'
    | 'checking'
    | 'writing'
    | 'finished'
    | 'checked'
    | 'refused'
    | 'failed'
    | 'cancelled'
    | 'undoing'
    | 'undone'
  >({
    type: 'string',
    enum: [
      'uploading',
      'waiting',
      'reading',
      'checking',
      'writing',
      'finished',
      'checked',
      'refused',
      'failed',
      'cancelled',
      'undoing',
      'undone',
    ],
    description:
      '`checked`: a dry run came to its end. `refused`: all or nothing, and there were faults; nothing was written. `failed` and `cancelled` can be resumed',
  }),
  failure: nullable(Type.String({ description: 'Why it failed' })),
  bytes: Type.Integer({ description: 'Uploaded' }),
  parts: Type.Integer({ description: 'Uploaded' }),
  rows: Type.Object({
    read: Type.Integer(),
    valid: Type.Integer({ description: 'Read and without a fault' }),
    faulty: Type.Integer(),
    created: Type.Integer(),
    changed: Type.Integer(),
    unchanged: Type.Integer({ description: 'There already and equal' }),
    undone: Type.Integer(),
    kept: Type.Integer({ description: 'Not undone: changed since, or others lead to it' }),
    perSecond: Type.Integer(),
  }),
  report: Type.Object({
    faults: Type.Integer(),
    parts: Type.Integer({ description: 'Parts in which the report is downloaded' }),
  }),
  createdBy: Type.String(),
  createdAt: Type.String(),
  startedAt: time,
  endedAt: time,
  contentUntil: Type.String({ description: 'When what was uploaded and the report are removed' }),
});

const importParams = Type.Object({ importId: Type.String({ format: 'uuid' }) });
const ofImport = { access: application, params: importParams, responses: { 200: Import } } as const;

const Selection = {
  registry,
  version,
  format: Format,
  keys: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 300 }), {
      minItems: 1,
      maxItems: 10_000,
      description: 'Only these: uuid, registry number or primary key',
    }),
  ),
  query: Type.Optional(Type.Object({ content: Content }, closed)),
  filter: Type.Optional(
    Type.Array(
      Type.Object(
        {
          field: Type.String(),
          operator: oneOf('eq', 'ne', 'lt', 'le', 'gt', 'ge', 'in', 'startsWith', 'isNull'),
          value: Type.Optional(Type.Unknown()),
        },
        closed,
      ),
      { maxItems: 20 },
    ),
  ),
  words: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  fields: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 100 }), {
      minItems: 1,
      maxItems: 400,
      description: 'Only these, in this order; all that the caller may see when left out',
    }),
  ),
  watermark: Type.Optional(
    Type.Boolean({ description: 'CSV and XLSX: a last column that says who exported when' }),
  ),
};

export const Export = Type.Object({
  id: Type.String(),
  registry: Type.String(),
  version: Type.String(),
  format: Format,
  state: oneOf('waiting', 'working', 'finished', 'failed', 'cancelled'),
  failure: nullable(Type.String()),
  rows: Type.Integer(),
  bytes: Type.Integer(),
  parts: Type.Integer({ description: 'Parts that can be downloaded; one after the other they are the file' }),
  fileName: Type.String(),
  mediaType: Type.String(),
  createdBy: Type.String(),
  createdAt: Type.String(),
  endedAt: time,
  contentUntil: Type.String({ description: 'When the parts are removed' }),
});
const exportParams = Type.Object({ exportId: Type.String({ format: 'uuid' }) });
const page = Type.Object({
  registry: Type.Optional(registry),
  after: Type.Optional(Type.String({ format: 'uuid', description: '`next` of the page before' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
});
const next = Type.Optional(Type.String());

/** Records in bulk: into and out of the registries of the application that is addressed. */
export const registryTransfer = defineSurface({
  name: 'registry-transfer-v1',
  title: 'Digital registries: import and export',
  version: '1.0.0',
  operations: {
    createImport: defineOperation({
      id: 'createImport',
      method: 'POST',
      path: '/imports',
      summary: 'Begin an import: what is to come, and what is to become of it',
      description:
        'Then upload the file in parts, look at the preview, and start it. Without a mapping, columns are given to the fields of the same or a similar name.',
      requirements: ['REG-6.1-24'],
      access: application,
      idempotent: true,
      body: Type.Object(
        {
          registry,
          version,
          format: Format,
          mode: Type.Optional(
            Type.Unsafe<'all-or-nothing' | 'good-rows'>({
              type: 'string',
              enum: ['all-or-nothing', 'good-rows'],
              default: 'all-or-nothing',
              description: '`good-rows`: rows without a fault are written, the others reported',
            }),
          ),
          upsertBy: Type.Optional(
            Type.Array(Type.String({ minLength: 1, maxLength: 100 }), {
              maxItems: 5,
              description:
                'Fields by which a row finds the record that it changes; without one it creates a record',
            }),
          ),
          dryRun: Type.Optional(Type.Boolean({ description: 'Check everything and write nothing' })),
          mapping: Type.Optional(Mapping),
          options: Type.Optional(ImportOptions),
        },
        closed,
      ),
      responses: { 200: Import },
    }),
    putImportPart: defineOperation({
      id: 'putImportPart',
      method: 'PUT',
      path: '/imports/{importId}/parts/{part}',
      summary:
        'Upload a part of the file, up to 8 MiB; the same again changes nothing, another one replaces it',
      requirements: ['REG-6.1-24'],
      access: application,
      params: Type.Object({ ...importParams.properties, part: partNumber }),
      headers: Type.Object({
        'x-content-sha256': Type.Optional(
          Type.String({ pattern: '^[0-9a-fA-F]{64}$', description: 'Refused when the part is another one' }),
        ),
      }),
      body: Bytes(),
      consumes: ['application/octet-stream'],
      bodyLimit: 8 * 1024 * 1024,
      responses: {
        200: Type.Object({ part: Type.Integer(), bytes: Type.Integer(), sha256: Type.String() }),
      },
    }),
    previewImport: defineOperation({
      id: 'previewImport',
      method: 'GET',
      path: '/imports/{importId}/preview',
      summary: 'Columns and first rows of what was uploaded, with the field proposed for each column',
      requirements: ['REG-6.1-24'],
      access: application,
      params: importParams,
      responses: {
        200: Type.Object({
          columns: Type.Array(
            Type.Object({
              column: Type.String(),
              field: nullable(Type.String()),
              likeness: Type.Number({ description: '1: the same name; 0: no field is like it' }),
            }),
          ),
          fields: Type.Array(
            Type.Object({ name: Type.String(), type: Type.String(), required: Type.Boolean() }),
          ),
          rows: Type.Array(Type.Array(nullable(Type.String())), {
            description: 'In the order of the columns',
          }),
        }),
      },
    }),
    putImportMapping: defineOperation({
      id: 'putImportMapping',
      method: 'PUT',
      path: '/imports/{importId}/mapping',
      summary: 'Which column goes into which field; columns that are not named are left out',
      requirements: ['REG-6.1-24'],
      access: application,
      params: importParams,
      body: Type.Object({ mapping: Mapping }, closed),
      responses: { 200: Import },
    }),
    startImport: defineOperation({
      id: 'startImport',
      method: 'POST',
      path: '/imports/{importId}/start',
      summary: 'Everything is uploaded: check it and write it. Starting it again changes nothing',
      requirements: ['REG-6.1-24'],
      ...ofImport,
      headers: Ground,
      body: Type.Object(
        { parts: Type.Integer({ minimum: 1, maximum: 10_000, description: 'How many were uploaded' }) },
        closed,
      ),
    }),
    getImport: defineOperation({
      id: 'getImport',
      method: 'GET',
      path: '/imports/{importId}',
      summary: 'How far an import is',
      requirements: ['REG-6.1-24'],
      ...ofImport,
    }),
    listImports: defineOperation({
      id: 'listImports',
      method: 'GET',
      path: '/imports',
      summary: "The caller's imports, newest first; all of them for those who administer the registries",
      access: application,
      query: page,
      responses: { 200: Type.Object({ imports: Type.Array(Import), next }) },
    }),
    cancelImport: defineOperation({
      id: 'cancelImport',
      method: 'POST',
      path: '/imports/{importId}/cancel',
      summary: 'Stop an import. Rows that good-rows has written stay: it can be resumed, or undone',
      requirements: ['REG-6.1-24'],
      ...ofImport,
    }),
    resumeImport: defineOperation({
      id: 'resumeImport',
      method: 'POST',
      path: '/imports/{importId}/resume',
      summary: 'Go on with an import that failed or was cancelled, from where it stopped',
      requirements: ['REG-6.1-24'],
      ...ofImport,
      headers: Ground,
    }),
    readImportReport: defineOperation({
      id: 'readImportReport',
      method: 'GET',
      path: '/imports/{importId}/report/{part}',
      summary: 'What is wrong, by row and column, as CSV; values of personal fields are not repeated',
      requirements: ['REG-6.1-24'],
      access: application,
      params: Type.Object({ ...importParams.properties, part: partNumber }),
      responses: { 200: Bytes() },
    }),
    undoImport: defineOperation({
      id: 'undoImport',
      method: 'POST',
      path: '/imports/{importId}/undo',
      summary: 'Delete what an import created and restore what it changed, where nobody has changed it since',
      requirements: ['REG-6.1-24'],
      ...ofImport,
      headers: Ground,
    }),
    exportRecords: defineOperation({
      id: 'exportRecords',
      method: 'POST',
      path: '/export',
      summary: 'Up to 10,000 selected or filtered records as a file at once; more are an export of its own',
      requirements: ['REG-6.1-25'],
      access: application,
      headers: Ground,
      bodyLimit: 4 * 1024 * 1024,
      body: Type.Object(Selection, closed),
      responses: { 200: Bytes() },
    }),
    createExport: defineOperation({
      id: 'createExport',
      method: 'POST',
      path: '/exports',
      summary: 'Export selected or filtered records, however many, into parts that are downloaded',
      requirements: ['REG-6.1-25'],
      access: application,
      idempotent: true,
      headers: Ground,
      bodyLimit: 4 * 1024 * 1024,
      body: Type.Object(Selection, closed),
      responses: { 200: Export },
    }),
    getExport: defineOperation({
      id: 'getExport',
      method: 'GET',
      path: '/exports/{exportId}',
      summary: 'How far an export is',
      requirements: ['REG-6.1-25'],
      access: application,
      params: exportParams,
      responses: { 200: Export },
    }),
    listExports: defineOperation({
      id: 'listExports',
      method: 'GET',
      path: '/exports',
      summary: "The caller's exports, newest first; all of them for those who administer the registries",
      access: application,
      query: page,
      responses: { 200: Type.Object({ exports: Type.Array(Export), next }) },
    }),
    cancelExport: defineOperation({
      id: 'cancelExport',
      method: 'POST',
      path: '/exports/{exportId}/cancel',
      summary: 'Stop an export and throw away what it has written',
      access: application,
      params: exportParams,
      responses: { 200: Export },
    }),
    readExportPart: defineOperation({
      id: 'readExportPart',
      method: 'GET',
      path: '/exports/{exportId}/parts/{part}',
      summary: 'A part of an export; only for whom it was made',
      requirements: ['REG-6.1-25'],
      access: application,
      params: Type.Object({ ...exportParams.properties, part: partNumber }),
      responses: { 200: Bytes() },
    }),
  },
});

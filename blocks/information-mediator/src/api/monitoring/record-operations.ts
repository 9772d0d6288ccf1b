import { defineOperation, Type } from '@govstack/platform/operation';
import { OperationalRecord, type RecordField, recordFieldNames } from './record-schema.ts';

export const reading = { caller: 'application', person: 'optional' } as const;
/** Text as it stands in a file, for spreadsheets. */
export const CsvText = Type.String({
  contentMediaType: 'text/csv',
  description: 'RFC 4180, names in the first line',
});

const seconds = (description: string) => Type.Integer({ minimum: 0, maximum: 253_402_300_799, description });

const query = Type.Object({
  recordsFrom: Type.Optional(
    seconds('First second in which a record was stored, since 1970; the oldest when left out'),
  ),
  recordsTo: Type.Optional(seconds('Last second; the newest when left out')),
  recordsAfter: Type.Optional(
    Type.String({ pattern: '^[0-9]{1,18}$', description: 'The `nextRecordsAfter` of the answer before' }),
  ),
  client: Type.Optional(Type.String({ maxLength: 403, description: 'Only records of this client' })),
  service: Type.Optional(Type.String({ maxLength: 504, description: 'Only records of this service' })),
  fields: Type.Optional(
    Type.Array(Type.Unsafe<RecordField>({ type: 'string', enum: recordFieldNames }), {
      minItems: 1,
      maxItems: recordFieldNames.length,
      description: 'Only these fields; all when left out',
    }),
  ),
  limit: Type.Optional(
    Type.Integer({
      minimum: 2,
      maximum: 10_000,
      description: 'Records in the answer; 10 000 unless said otherwise',
    }),
  ),
});

export const recordOperations = {
  listOperationalRecords: defineOperation({
    id: 'listOperationalRecords',
    method: 'GET',
    path: '/operational-data',
    summary: 'Operational records in the order in which they were stored, under X-Road’s names',
    description:
      'A server that is the consumer’s and the provider’s at once gives two records of an exchange, Client and Producer. The newest seconds are withheld. Go on with `nextRecordsFrom`, and `nextRecordsAfter` where it is given.',
    requirements: ['IM-6.7-a', 'IM-6.7-c', 'IM-6.7-d'],
    access: reading,
    query,
    responses: {
      200: Type.Object({
        recordsCount: Type.Integer(),
        records: Type.Array(OperationalRecord),
        nextRecordsFrom: Type.Optional(Type.Integer()),
        nextRecordsAfter: Type.Optional(Type.String()),
      }),
    },
  }),
  listOperationalRecordsCsv: defineOperation({
    id: 'listOperationalRecordsCsv',
    method: 'GET',
    path: '/operational-data.csv',
    summary:
      'The same as a table; where to go on stands in the headers X-Next-Records-From and X-Next-Records-After',
    requirements: ['IM-6.7-c'],
    access: reading,
    query,
    responses: { 200: CsvText },
  }),
};

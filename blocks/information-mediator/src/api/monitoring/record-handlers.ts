import { badRequest, type Handlers } from '@govstack/platform';
import { csv } from '../../monitoring/csv.ts';
import { operationalRecords, type RecordAnswer } from '../../monitoring/records.ts';
import type { Who } from '../who.ts';
import type { Reading } from './handlers.ts';
import type { recordOperations } from './record-operations.ts';
import { recordFieldNames } from './record-schema.ts';

type Operations = typeof recordOperations;
type Query = Parameters<Handlers<Operations>['listOperationalRecords']>[0]['query'];

const farthest = 253_402_300_799;

export function readRecords({ db, monitoring, reader, now }: Reading): Handlers<Operations> {
  async function read(query: Query, who: Who): Promise<RecordAnswer> {
    const scope = reader.scope(who);
    const { recordsFrom = 0, recordsTo = farthest, limit = 10_000, fields = recordFieldNames } = query;
    if (recordsFrom > recordsTo)
      throw badRequest('The period ends before it begins', [
        { in: 'query', pointer: '/recordsFrom', detail: 'must not be after recordsTo' },
      ]);
    await monitoring.settled();
    const newest = Math.floor(now().getTime() / 1000) - monitoring.settings.withheldSeconds;
    const { client, service, recordsAfter: after } = query;
    return operationalRecords(
      db,
      scope,
      { recordsFrom, recordsTo, after, newest, client, service, limit },
      fields,
    );
  }
  return {
    async listOperationalRecords({ query, ...who }) {
      const answer = await read(query, who);
      return { status: 200, body: { recordsCount: answer.records.length, ...answer } as never };
    },
    async listOperationalRecordsCsv({ query, ...who }) {
      const { records, nextRecordsFrom, nextRecordsAfter } = await read(query, who);
      return {
        status: 200,
        body: csv(query.fields ?? recordFieldNames, records),
        headers: {
          ...(nextRecordsFrom === undefined ? {} : { 'x-next-records-from': String(nextRecordsFrom) }),
          ...(nextRecordsAfter === undefined ? {} : { 'x-next-records-after': nextRecordsAfter }),
        },
      };
    },
  };
}

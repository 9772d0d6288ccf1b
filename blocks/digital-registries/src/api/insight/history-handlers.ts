import { badRequest, type Handlers, notFound, Problem } from '@govstack/platform';
import { differencesOf, recordsAsOf } from '../../history/as-of.ts';
import { byKey, shownRows } from '../../records/read.ts';
import { readerOf } from '../reader-of.ts';
import type { historyOperations } from './history-operations.ts';
import type { InsightParts } from './parts.ts';

export function historyHandlers({ db, gate, hash }: InsightParts): Handlers<typeof historyOperations> {
  return {
    async listRecordsAsOf({ params, body, headers, caller, person }) {
      const reader = readerOf(caller, person, headers);
      const granted = await gate.open(reader, params.registryName, params.versionNumber, 'list');
      if (granted.foreign) throw notFound('Registry');
      if (body.after !== undefined && !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(body.after))
        throw badRequest('This is not a place in a list');
      const { at, query = {}, pageSize = 100, after } = body;
      const { records, next } = await recordsAsOf(db, granted, reader, { at, query, pageSize, after }, hash);
      return { status: 200, body: { records, ...(next === undefined ? {} : { next }) } };
    },
    async compareVersions({ params, query, headers, caller, person }) {
      const reader = readerOf(caller, person, headers);
      const granted = await gate.open(reader, params.registryName, params.versionNumber, 'read');
      const row = granted.foreign ? undefined : await byKey(db, granted, params.id);
      if (!row) throw new Problem(404, 'no record found');
      const differences = await differencesOf(db, granted, row.uuid, query.from, query.to);
      await shownRows(db, granted, reader, 'read', [row], hash);
      return { status: 200, body: { differences } };
    },
  };
}

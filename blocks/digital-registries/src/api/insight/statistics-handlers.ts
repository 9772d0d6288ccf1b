import { applicationOf, type Handlers } from '@govstack/platform';
import type { Reader } from '../../access/access.ts';
import { statisticsCsv } from '../../statistics/csv.ts';
import {
  deleteReport,
  listReports,
  putReport,
  queryOf,
  type Report,
  type RunOptions,
  readReport,
} from '../../statistics/reports.ts';
import { type Statistics, statisticsOf } from '../../statistics/statistics.ts';
import { type UsesQuery, usesOf } from '../../statistics/uses.ts';
import { readerOf } from '../reader-of.ts';
import type { InsightParts } from './parts.ts';
import type { statisticsOperations } from './statistics-operations.ts';

const shown = ({ names: _, groups, ...rest }: Statistics) => ({
  status: 200 as const,
  body: { ...rest, groups: groups.map(({ group, count }) => ({ group: { ...group }, count })) },
});
const table = (statistics: Statistics) => ({
  status: 200 as const,
  body: statisticsCsv(statistics),
  headers: { 'content-disposition': 'attachment; filename="statistics.csv"' },
});

export function statisticsHandlers({
  db,
  gate,
  hash,
  uses,
  now,
}: InsightParts): Handlers<typeof statisticsOperations> {
  const ask = async (reader: Reader, code: string, query: Report['query'], options?: RunOptions) => {
    const granted = await gate.open(reader, code, 'latest', 'list');
    return statisticsOf(db, granted, reader, queryOf(query, options), hash);
  };
  const run = async (reader: Reader, name: string, options: RunOptions) => {
    const report = await readReport(db, applicationOf(reader.caller.service), name);
    return ask(reader, report.registry, report.query, options);
  };
  return {
    async queryStatistics({ params, body, headers, caller, person }) {
      return shown(await ask(readerOf(caller, person, headers), params.code, body as Report['query']));
    },
    async exportStatistics({ params, body, headers, caller, person }) {
      return table(await ask(readerOf(caller, person, headers), params.code, body as Report['query']));
    },
    async listReports(who) {
      const owner = gate.administer(who);
      return { status: 200, body: (await listReports(db, owner)) as never };
    },
    async putReport({ params, body, ...who }) {
      const owner = gate.administer(who);
      const reader = readerOf(who.caller, who.person);
      await gate.open(reader, body.registry, 'latest', 'list');
      await putReport(db, owner, params.name, body as Report, who.person?.id ?? who.caller.application);
      return { status: 204 };
    },
    async deleteReport({ params, ...who }) {
      await deleteReport(db, gate.administer(who), params.name);
      return { status: 204 };
    },
    async runReport({ params, body, headers, caller, person }) {
      return shown(await run(readerOf(caller, person, headers), params.name, body as RunOptions));
    },
    async exportReport({ params, body, headers, caller, person }) {
      return table(await run(readerOf(caller, person, headers), params.name, body as RunOptions));
    },
    async queryUses({ body, ...who }) {
      const owner = gate.administer(who);
      await uses.flush();
      return { status: 200, body: await usesOf(db, owner, body as UsesQuery, now()) };
    },
  };
}

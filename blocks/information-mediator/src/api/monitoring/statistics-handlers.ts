import { badRequest, type Handlers } from '@govstack/platform';
import { csv } from '../../monitoring/csv.ts';
import { exchangeStatistics, type StatisticsRow, statisticsNames } from '../../monitoring/statistics.ts';
import { page, pageOf } from '../paging.ts';
import type { Who } from '../who.ts';
import type { Reading } from './handlers.ts';
import type { statisticsOperations } from './statistics-operations.ts';

type Operations = typeof statisticsOperations;
type Query = Parameters<Handlers<Operations>['getStatistics']>[0]['query'];

const defaultPeriod = 31 * 86_400_000;

export function readStatistics({ db, monitoring, reader, now }: Reading): Handlers<Operations> {
  async function read(query: Query, who: Who): Promise<{ items: StatisticsRow[]; nextPageToken?: string }> {
    const scope = reader.scope(who);
    const to = query.to === undefined ? now() : new Date(query.to);
    const from = query.from === undefined ? new Date(to.getTime() - defaultPeriod) : new Date(query.from);
    if (from > to)
      throw badRequest('The period ends before it begins', [
        { in: 'query', pointer: '/from', detail: 'must not be after `to`' },
      ]);
    const request = pageOf(query);
    if (!/^\d{0,9}$/.test(request.after))
      throw badRequest('The page token is not valid', [
        { in: 'query', pointer: '/pageToken', detail: 'is not a token of a page before' },
      ]);
    const offset = Number(request.after);
    await monitoring.settled();
    const rows = await exchangeStatistics(db, scope, {
      from,
      to,
      interval: query.interval ?? 'period',
      by: query.by ?? ['service'],
      service: query.service,
      consumer: query.consumer,
      limit: request.limit + 1,
      offset,
    });
    return page(rows, request, () => String(offset + request.limit));
  }
  return {
    async getStatistics({ query, ...who }) {
      return { status: 200, body: await read(query, who) };
    },
    async getStatisticsCsv({ query, ...who }) {
      const { items, nextPageToken } = await read(query, who);
      return {
        status: 200,
        body: csv(statisticsNames(query.by ?? ['service']), items),
        ...(nextPageToken === undefined ? {} : { headers: { 'x-next-page-token': nextPageToken } }),
      };
    },
  };
}

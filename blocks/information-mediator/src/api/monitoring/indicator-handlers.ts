import { badRequest, type Handlers } from '@govstack/platform';
import { levelName, searchLines } from '../../monitoring/system-log.ts';
import { page, pageOf } from '../paging.ts';
import type { Reading } from './handlers.ts';
import type { indicatorOperations } from './indicator-operations.ts';

export const readIndicators = ({
  db,
  monitoring,
  reader,
}: Reading): Handlers<typeof indicatorOperations> => ({
  async getIndicators(who) {
    reader.whole(who);
    return { status: 200, body: await monitoring.indicators() };
  },
  async getPrometheusMetrics(who) {
    reader.whole(who);
    return { status: 200, body: await monitoring.registry.metrics() };
  },
  async searchSystemLog({ query, ...who }) {
    reader.whole(who);
    const request = pageOf(query);
    if (!/^\d{0,18}$/.test(request.after))
      throw badRequest('The page token is not valid', [
        { in: 'query', pointer: '/pageToken', detail: 'is not a token of a page before' },
      ]);
    await monitoring.settled();
    const lines = await searchLines(db, {
      level: query.level ?? 'warn',
      text: query.text,
      exchangeId: query.exchangeId,
      correlationId: query.correlationId,
      from: query.from === undefined ? undefined : new Date(query.from),
      to: query.to === undefined ? undefined : new Date(query.to),
      before: request.after === '' ? undefined : request.after,
      limit: request.limit + 1,
    });
    const { items, ...next } = page(lines, request, ({ seq }) => seq);
    return {
      status: 200,
      body: {
        items: items.map(({ at, node, level, message, fields }) => ({
          at,
          node,
          level: levelName(level),
          message,
          fields,
        })),
        ...next,
      },
    };
  },
});

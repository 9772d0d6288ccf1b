import { applicationOf, type Handlers, memberOf } from '@govstack/platform';
import { deviationOf, type ServiceHealth, type Spread } from '../../monitoring/health.ts';
import { pageFrom, pageOf } from '../paging.ts';
import type { Reading } from './handlers.ts';
import type { healthOperations } from './health-operations.ts';

const spread = (name: string, of: string, values: Spread): Record<string, number> =>
  values.count === 0
    ? {}
    : {
        [`${name}Min${of}`]: values.min,
        [`${name}Average${of}`]: values.mean,
        [`${name}Max${of}`]: values.max,
        [`${name}${of}StdDev`]: deviationOf(values),
      };

const described = ({ service, lastSuccess, lastFailure, ...one }: ServiceHealth) => ({
  service,
  ...(lastSuccess === undefined ? {} : { lastSuccessfulRequestTimestamp: lastSuccess }),
  ...(lastFailure === undefined ? {} : { lastUnsuccessfulRequestTimestamp: lastFailure }),
  lastPeriodStatistics: {
    successfulRequestCount: one.successes,
    unsuccessfulRequestCount: one.failures,
    ...spread('request', 'Duration', one.duration),
    ...spread('request', 'Size', one.requestSize),
    ...spread('response', 'Size', one.responseSize),
  },
});

export const readHealth = ({ monitoring, reader }: Reading): Handlers<typeof healthOperations> => ({
  async listHealth({ query, ...who }) {
    const scope = reader.scope(who);
    const { health, node } = monitoring;
    const shown = health
      .services()
      .filter(
        ({ service }) =>
          (query.service === undefined || service === query.service) &&
          (scope.kind === 'all' ||
            (scope.kind === 'member'
              ? memberOf(service) === scope.member
              : applicationOf(service) === scope.application)),
      )
      .map(described);
    return {
      status: 200,
      body: {
        node,
        monitoringStartupTimestamp: health.startedAt,
        statisticsPeriodSeconds: health.windowSeconds,
        ...pageFrom(shown, pageOf(query), ({ service }) => service),
      },
    };
  },
});

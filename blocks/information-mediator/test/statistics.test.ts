import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mediatorMonitoring } from '../src/api/operations.ts';
import {
  consumer,
  echoService,
  governance,
  grant,
  type Instance,
  own,
  provider,
  refusal,
  startInstance,
} from './fixtures/instance.ts';

const other = 'T/GOV/DGA/other';
let instance: Instance;
/** What was sent and came back, as the sender saw it. */
const seen = { requests: [] as number[], responses: [] as number[], refused: 0, failed: 0 };

const monitoringAs = (application: string) =>
  instance.node.client(mediatorMonitoring, {
    as: application,
    service: `${own}/${mediatorMonitoring.name}`,
  });

async function send(client: string, size: number): Promise<void> {
  const body = JSON.stringify(size === 0 ? {} : { text: 'x'.repeat(size) });
  const answer = await instance.node.mediator.exchange({
    client,
    service: echoService,
    method: 'POST',
    path: '/say/it',
    headers: { 'content-type': 'application/json' },
    body,
  });
  if (answer.headers['x-road-error']) seen.refused += 1;
  else if (answer.status >= 400) seen.failed += 1;
  else {
    seen.requests.push(body.length);
    seen.responses.push(answer.body.length);
  }
}

const sum = (values: readonly number[]): number => values.reduce((all, one) => all + one, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;
const deviation = (values: readonly number[]): number =>
  Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)));

beforeAll(async () => {
  instance = await startInstance();
  await grant(instance);
  await instance.admin.putApplication({ params: { application: other }, body: { name: 'Other' } });
  // Twenty that succeed, three that the provider refuses as not valid, two without a right.
  await Promise.all([
    ...Array.from({ length: 20 }, (_, index) => send(consumer, 10 + index * 7)),
    ...Array.from({ length: 3 }, () => send(consumer, 0)),
    ...Array.from({ length: 2 }, () => send(other, 10)),
  ]);
});
afterAll(() => instance.node.stop());

describe('statistics', () => {
  const statistics = async (query: Record<string, unknown> = {}, as = governance) =>
    (await monitoringAs(as).getStatistics({ query: { service: echoService, ...query } })).body.items;

  it('[IM-6.6-f] [IM-4.5-a] add up to exactly what was sent, per service', async () => {
    expect([seen.requests.length, seen.failed, seen.refused]).toEqual([20, 3, 2]);
    const [row, ...rest] = await statistics({ by: ['service'] });
    expect(rest).toEqual([]);
    expect(row).toMatchObject({ service: echoService, exchanges: 25, succeeded: 20, failed: 5, refused: 2 });
    const [of200] = await statistics({ by: ['status'] });
    expect(of200).toMatchObject({
      status: 200,
      exchanges: 20,
      requestBytes: sum(seen.requests),
      responseBytes: sum(seen.responses),
    });
    expect(of200?.longestMs).toBeGreaterThanOrEqual(of200?.meanMs ?? Number.NaN);
  });

  it('[IM-6.6-f] [IM-4.5-a] tell apart organisation, application, service, consumer and status', async () => {
    const by = [
      'organisation',
      'application',
      'service',
      'consumer',
      'consumerOrganisation',
      'status',
      'error',
    ];
    const rows = await statistics({ by });
    const provided = { organisation: 'T/GOV/MOH', application: provider, service: echoService };
    const ours = { ...provided, consumer, consumerOrganisation: 'T/GOV/MSP', error: '' };
    expect(rows).toMatchObject([
      {
        ...provided,
        consumer: other,
        consumerOrganisation: 'T/GOV/DGA',
        status: 403,
        error: 'Server.ServerProxy.AccessDenied',
        exchanges: 2,
      },
      { ...ours, status: 200, exchanges: 20 },
      { ...ours, status: 400, exchanges: 3 },
    ]);
  });

  it('[IM-6.6-f] go by hour, by day or over a period, and outlive the records', async () => {
    const row = {
      service: echoService,
      client: consumer,
      status: 200,
      error: '',
      side: 'both' as const,
      exchanges: '10',
      duration_ms: '50',
      longest_ms: '9',
      request_bytes: '1000',
      response_bytes: '2000',
    };
    const hours = ['2020-02-28T22:00:00Z', '2020-02-28T23:00:00Z', '2020-02-29T00:00:00Z'];
    await instance.db
      .insertInto('exchange_statistics')
      .values(hours.map((hour) => ({ ...row, hour })))
      .execute();
    const period = { from: '2020-02-28T22:30:00Z', to: '2020-02-29T23:00:00Z' };
    const counts = async (interval: string) =>
      (await statistics({ ...period, interval })).map((one) => [one.from, one.exchanges]);
    expect(await counts('hour')).toEqual(hours.map((hour) => [hour.replace('Z', '.000Z'), 10]));
    expect(await counts('day')).toEqual([
      ['2020-02-28T00:00:00.000Z', 20],
      ['2020-02-29T00:00:00.000Z', 10],
    ]);
    expect(await counts('period')).toEqual([['2020-02-28T22:30:00.000Z', 30]]);
    const csv = await monitoringAs(governance).getStatisticsCsv({
      query: { ...period, service: echoService, by: ['consumer'] },
    });
    expect(csv.body.split('\r\n').slice(0, 2)).toEqual([
      'from,consumer,exchanges,succeeded,failed,refused,meanMs,longestMs,requestBytes,responseBytes',
      `2020-02-28T22:30:00.000Z,${consumer},30,30,0,0,5,9,3000,6000`,
    ]);
    const first = await monitoringAs(governance).getStatistics({
      query: { ...period, service: echoService, interval: 'hour', pageSize: 2 },
    });
    expect(first.body.items).toHaveLength(2);
    const second = await monitoringAs(governance).getStatistics({
      query: {
        ...period,
        service: echoService,
        interval: 'hour',
        pageSize: 2,
        pageToken: first.body.nextPageToken as string,
      },
    });
    expect(second.body).toMatchObject({ items: [{ from: '2020-02-29T00:00:00.000Z' }] });
    expect(second.body.nextPageToken).toBeUndefined();
  });

  it('[IM-6.7-d] show an application its own, and do not grow with services that strangers make up', async () => {
    expect(await statistics({ by: ['consumer'] }, other)).toMatchObject([{ consumer: other, exchanges: 2 }]);
    for (const name of ['made-up-1', 'made-up-2'])
      await instance.node.mediator.exchange({
        client: consumer,
        service: `${provider}/${name}`,
        method: 'GET',
        path: '/',
        headers: {},
      });
    const rows = await statistics({ service: undefined, consumer });
    expect(rows.find(({ service }) => service === 'unknown')).toMatchObject({ exchanges: 2, refused: 2 });
    expect(JSON.stringify(rows)).not.toContain('made-up');
  });

  it('refuse what is not a period, a dimension or a page', async () => {
    for (const query of [
      { from: '2020-02-02T00:00:00Z', to: '2020-02-01T00:00:00Z' },
      { by: ['path'] },
      { pageToken: Buffer.from('x; drop').toString('base64url') },
    ])
      expect((await refusal(statistics(query))).status).toBe(400);
  });
});

describe('health', () => {
  it('[IM-6.7-b] counts, last times, durations and sizes of a service are those of what was sent', async () => {
    const before = Date.now();
    const { body } = await monitoringAs(governance).listHealth({ query: { service: echoService } });
    expect(body.statisticsPeriodSeconds).toBe(600);
    expect(body.items).toHaveLength(1);
    const [{ lastPeriodStatistics: found, ...rest }] = body.items as [(typeof body.items)[number]];
    expect(found).toMatchObject({
      successfulRequestCount: 20,
      unsuccessfulRequestCount: 5,
      requestMinSize: Math.min(...seen.requests),
      requestMaxSize: Math.max(...seen.requests),
      responseMinSize: Math.min(...seen.responses),
      responseMaxSize: Math.max(...seen.responses),
    });
    expect(found.requestAverageSize).toBeCloseTo(mean(seen.requests), 6);
    expect(found.requestSizeStdDev).toBeCloseTo(deviation(seen.requests), 6);
    expect(found.responseAverageSize).toBeCloseTo(mean(seen.responses), 6);
    expect(found.responseSizeStdDev).toBeCloseTo(deviation(seen.responses), 6);
    expect(found.requestMinDuration).toBeLessThanOrEqual(found.requestAverageDuration ?? Number.NaN);
    expect(found.requestMaxDuration).toBeGreaterThanOrEqual(found.requestAverageDuration ?? Number.NaN);
    for (const time of [rest.lastSuccessfulRequestTimestamp, rest.lastUnsuccessfulRequestTimestamp]) {
      expect(time).toBeGreaterThanOrEqual(body.monitoringStartupTimestamp);
      expect(time).toBeLessThanOrEqual(before);
    }
  });

  it('[IM-6.7-c] is for the one who provides the service, and for external monitors', async () => {
    const services = async (as: string) =>
      (await monitoringAs(as).listHealth({ query: {} })).body.items.map(({ service }) => service);
    expect(await services(provider)).toEqual([echoService]);
    expect(await services(consumer)).toEqual([]);
    const text = (await instance.node.server('information-mediator').inject('/metrics')).body;
    const sample = (start: string) => text.split('\n').find((line) => line.startsWith(start));
    const labels = (outcome: string) =>
      `govstack_service_window_requests{service="${echoService}",outcome="${outcome}"}`;
    expect(sample(labels('success'))).toBe(`${labels('success')} 20`);
    expect(sample(labels('failure'))).toBe(`${labels('failure')} 5`);
    expect(sample('govstack_operational_records_lost_total')).toBe(
      'govstack_operational_records_lost_total 0',
    );
  });
});

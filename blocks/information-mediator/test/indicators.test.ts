import { createLogger } from '@govstack/platform';
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

let instance: Instance;
const written: string[] = [];
const monitoringAs = (application: string) =>
  instance.node.client(mediatorMonitoring, {
    as: application,
    service: `${own}/${mediatorMonitoring.name}`,
  });

beforeAll(async () => {
  const log = createLogger('info', { write: (line) => void written.push(line) });
  instance = await startInstance({ log, settings: { monitoring: { clients: [consumer] } } });
});
afterAll(() => instance.node.stop());

describe('indicators', () => {
  it('[IM-5.2-a] [IM-5.2-b] [IM-8.5-a] resource use, throughput, latency and backlogs are read over the API', async () => {
    await grant(instance);
    const before = (await monitoringAs(governance).getIndicators({})).body;
    for (let count = 0; count < 8; count += 1) await instance.say('it');
    const { body } = await monitoringAs(governance).getIndicators({});
    // The question before counts too.
    expect(body.throughput.exchanges - before.throughput.exchanges).toBe(9);
    expect(body.throughput.failed).toBe(before.throughput.failed);
    expect(body.throughput.perSecond).toBeGreaterThan(0);
    const { latency, resources } = body;
    expect(latency?.mean).toBeGreaterThan(0);
    expect(latency?.p50).toBeLessThanOrEqual(latency?.p95 ?? Number.NaN);
    expect(latency?.p95).toBeLessThanOrEqual(latency?.p99 ?? Number.NaN);
    expect(latency?.p99).toBeLessThanOrEqual(latency?.max ?? Number.NaN);
    expect(resources.residentBytes).toBeGreaterThan(resources.heapBytes);
    expect(resources.processorPercent).toBeGreaterThan(0);
    expect(resources.eventLoopPercent).toBeLessThanOrEqual(100);
    expect(resources.databaseConnections.open).toBeGreaterThan(0);
    expect(body.backlogs).toMatchObject({ eventDeliveries: 0, deadDeliveries: 0, collector: 0 });
  });

  it('[IM-5.2-a] a backlog shows while it lasts', async () => {
    await instance.db
      .insertInto('event')
      .values({ source: provider, id: 'late', type: 'echo.rang.v1', document: '{}' })
      .execute();
    const subscriber = { event_type: 'echo.rang.v1', subscriber: consumer, next_at: '2100-01-01T00:00:00Z' };
    await instance.db
      .insertInto('delivery')
      .values({ source: provider, event_id: 'late', ...subscriber })
      .execute();
    expect((await monitoringAs(governance).getIndicators({})).body.backlogs.eventDeliveries).toBe(1);
    await instance.db.deleteFrom('delivery').execute();
    expect((await monitoringAs(governance).getIndicators({})).body.backlogs.eventDeliveries).toBe(0);
  });

  it('[IM-5.2-b] are there as Prometheus text, for who may see everything', async () => {
    const { body, headers } = await monitoringAs(governance).getPrometheusMetrics({});
    expect(headers['content-type']).toMatch(/^text\/plain/);
    expect(body).toMatch(
      new RegExp(
        `^govstack_exchange_duration_seconds_count\\{service="${echoService}",status="200"\\} \\d`,
        'm',
      ),
    );
    for (const read of ['getIndicators', 'getPrometheusMetrics'] as const) {
      expect((await refusal(monitoringAs(provider)[read]({}))).status).toBe(403);
      await monitoringAs(consumer)[read]({});
    }
    const personToken = await instance.node.token({ id: 'p', roles: ['administrator'], agency: 'T/GOV/MSP' });
    expect((await refusal(monitoringAs(consumer).getIndicators({ personToken }))).status).toBe(403);
  });
});

describe('the system log', () => {
  const lines = async (query: Record<string, unknown> = {}) =>
    (await monitoringAs(governance).searchSystemLog({ query })).body.items;

  it('[IM-8.4-a] warnings and errors are found by level, time, text and id, the newest first', async () => {
    const stranger = 'T/GOV/DGA/governance';
    const failed = await refusal(instance.say('secret words', stranger));
    const { correlationId } = (
      await instance.log.searchExchanges({ query: { client: stranger, service: echoService } })
    ).body.items[0] ?? { correlationId: '' };
    expect(failed.status).toBe(403);
    const [line] = await lines({ correlationId });
    expect(line).toMatchObject({
      level: 'warn',
      message: 'refused',
      fields: { security: 'accessDenied', client: stranger, service: echoService },
    });
    expect(await lines({ text: 'ACCESSDENIED', correlationId })).toEqual([line]);
    expect(await lines({ text: 'not there' })).toEqual([]);
    expect(await lines({ level: 'error' })).toEqual([]);
    expect(await lines({ exchangeId: line?.fields.exchangeId })).toEqual([line]);
    expect(await lines({ correlationId, to: line?.at })).toEqual([]);
    expect(await lines({ correlationId, from: line?.at })).toEqual([line]);
    await refusal(instance.say('again', stranger));
    const all = await lines({ text: 'refused' });
    const first = await monitoringAs(governance).searchSystemLog({ query: { text: 'refused', pageSize: 1 } });
    const second = await monitoringAs(governance).searchSystemLog({
      query: { text: 'refused', pageSize: 1, pageToken: first.body.nextPageToken as string },
    });
    expect([...first.body.items, ...second.body.items]).toEqual(all.slice(0, 2));
    expect(Date.parse(all[0]?.at ?? '')).toBeGreaterThanOrEqual(Date.parse(all[1]?.at ?? ''));
    // The log of the machine goes on as before, with what is no warning too; nothing said what was exchanged.
    expect(written.join('')).toContain('accessDenied');
    expect(JSON.stringify(all) + written.join('')).not.toContain('secret words');
  });

  it('[IM-8.4-a] an error leaves its kind, not its stack', async () => {
    await instance.admin.putService({
      params: { service: `${provider}/gone` },
      body: { title: 'Gone', target: 'http://127.0.0.1:9' },
    });
    await instance.admin.putRight({
      params: { service: `${provider}/gone`, subject: consumer },
      body: {},
    });
    await instance.node.mediator.exchange({
      client: consumer,
      service: `${provider}/gone`,
      method: 'GET',
      path: '/',
      headers: {},
    });
    const [line] = await lines({ text: 'a provider did not answer' });
    expect(line?.fields).toMatchObject({ service: `${provider}/gone`, errorCode: 'ECONNREFUSED' });
    expect(JSON.stringify(line)).not.toContain('node_modules');
  });

  it('is for who may see everything', async () => {
    expect((await refusal(monitoringAs(provider).searchSystemLog({ query: {} }))).status).toBe(403);
    for (const query of [{ level: 'debug' }, { pageToken: 'AAAA' }])
      expect((await refusal(lines(query))).status).toBe(400);
  });
});

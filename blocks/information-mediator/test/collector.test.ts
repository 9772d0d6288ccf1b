import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLogger } from '@govstack/platform';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { mediatorMonitoring } from '../src/api/operations.ts';
import {
  consumer,
  echoService,
  eventually,
  governance,
  grant,
  type Instance,
  own,
  refusal,
  startInstance,
} from './fixtures/instance.ts';

interface Received {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly document: Record<string, unknown>;
}

let instance: Instance;
let server: Server;
let url: string;
let received: Received[] = [];
let answer = 200;

const monitoringAs = (application: string) =>
  instance.node.client(mediatorMonitoring, {
    as: application,
    service: `${own}/${mediatorMonitoring.name}`,
  });
const monitoring = () => monitoringAs(governance);
const everything = ['records', 'log', 'indicators'] as ('records' | 'log' | 'indicators')[];

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push({
        path: request.url ?? '',
        authorization: request.headers.authorization,
        document: JSON.parse(Buffer.concat(chunks).toString('utf8')),
      });
      response.writeHead(answer).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  instance = await startInstance({
    log: createLogger('warn', { write: () => undefined }),
    settings: { monitoring: { indicatorSeconds: 1 } },
  });
  await grant(instance);
});
beforeEach(() => {
  received = [];
  answer = 200;
});
afterAll(async () => {
  await instance.node.stop();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

interface LogRecord {
  readonly severityText: string;
  readonly timeUnixNano: string;
  readonly body: { readonly stringValue: string };
  readonly attributes: readonly { key: string; value: Record<string, unknown> }[];
}

/** Log records that came, each with its attributes by name. */
const logRecords = () =>
  received
    .filter(({ path }) => path.endsWith('/v1/logs'))
    .flatMap(({ document }) => {
      const [one] = document.resourceLogs as [{ scopeLogs: [{ logRecords: LogRecord[] }] }];
      return one.scopeLogs[0].logRecords;
    })
    .map(({ attributes, ...record }) => ({
      ...record,
      ...Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]])),
    })) as unknown as Record<string, unknown>[];

describe('the collector', () => {
  it('[IM-5.2-e] ships request records, lines of the log and indicators as OTLP', async () => {
    await monitoring().putCollector({
      body: { url: `${url}/otlp`, format: 'otlp', ships: everything, authorization: 'Bearer t0ken' },
    });
    await instance.say('it');
    await refusal(instance.say('it', governance));
    await eventually(() => logRecords().filter((one) => one.service === echoService).length).toBe(3);
    const of = (kind: string) =>
      logRecords().filter((one) => one['govstack.kind'] === kind && one.service === echoService);
    expect(of('record')).toMatchObject([
      { client: consumer, status: '200', method: 'POST', severityText: 'INFO' },
      { client: governance, status: '403', fault_code: 'Server.ServerProxy.AccessDenied' },
    ]);
    expect(of('log')).toMatchObject([{ security: 'accessDenied', severityText: 'WARN' }]);
    expect(of('record')[0]?.timeUnixNano).toMatch(/^\d{19}$/);
    await eventually(() => received.some(({ path }) => path === '/otlp/v1/metrics')).toBe(true);
    const metrics = JSON.stringify(received.find(({ path }) => path === '/otlp/v1/metrics')?.document);
    for (const name of ['throughput.exchanges', 'resources.residentBytes', 'backlogs.messageLog'])
      expect(metrics).toContain(`"govstack.mediator.${name}"`);
    expect(metrics).toContain(`{"key":"service.name","value":{"stringValue":"${own}"}}`);
    expect(new Set(received.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer t0ken']));
    expect(JSON.stringify(received)).not.toContain('hello');
  });

  it('[IM-5.2-f] is set over the API, shows its state and never its secret', async () => {
    await monitoring().putCollector({
      body: { url, format: 'webhook', ships: ['records'], authorization: 'Bearer t0ken' },
    });
    await instance.say('webhook');
    const records = () =>
      received.flatMap(({ document }) => document.observations as { kind: string; values: object }[]);
    await eventually(() => records().filter(({ kind }) => kind === 'record').length).toBeGreaterThan(0);
    await eventually(() => JSON.stringify(records())).toContain(echoService);
    expect(new Set(records().map(({ kind }) => kind))).toEqual(new Set(['record']));
    const { body } = await monitoring().getCollector({});
    expect(body).toMatchObject({
      url,
      format: 'webhook',
      ships: ['records'],
      authorized: true,
      lost: 0,
      lastFailure: null,
    });
    expect(body.shipped).toBeGreaterThan(0);
    expect(JSON.stringify(body)).not.toContain('t0ken');
    const [row] = await instance.db.selectFrom('monitoring_collector').selectAll().execute();
    expect(row?.secret?.toString('latin1')).not.toContain('t0ken');
  });

  it('[IM-5.2-e] keeps what could not be shipped and ships it later, in its order', async () => {
    await monitoring().putCollector({ body: { url, format: 'webhook', ships: ['records'] } });
    answer = 503;
    for (const what of ['one', 'two', 'three']) await instance.say(what);
    await eventually(async () => (await monitoring().getCollector({})).body.lastFailure).toBe(
      'the collector answered 503',
    );
    expect((await monitoring().getCollector({})).body.waiting).toBeGreaterThanOrEqual(3);
    received = [];
    answer = 200;
    const paths = () =>
      received
        .flatMap(({ document }) => document.observations as { values: Record<string, unknown> }[])
        .map(({ values }) => values.path)
        .filter((path) => String(path).startsWith('/say/'));
    await eventually(paths).toEqual(['/say/one', '/say/two', '/say/three']);
  });

  it('[IM-5.2-f] can be switched off', async () => {
    await monitoring().putCollector({ body: { url, format: 'webhook', ships: everything } });
    await monitoring().deleteCollector({});
    const { body } = await monitoring().getCollector({});
    expect([body.url, body.ships]).toEqual([null, []]);
    const { shipped, waiting } = body;
    await instance.say('unheard');
    const after = (await monitoring().getCollector({})).body;
    expect(after.shipped).toBe(shipped);
    expect(after.waiting).toBeLessThanOrEqual(waiting);
  });

  it('refuses addresses that lead into the machine’s surroundings, and who may not set it', async () => {
    const before = (await monitoring().getCollector({})).body;
    for (const bad of [
      'http://169.254.169.254/latest',
      'http://collector.example/x',
      'local:echo/echo-v1',
      'https://user:pass@collector.example',
      'file:///etc/passwd',
    ])
      expect(
        (await refusal(monitoring().putCollector({ body: { url: bad, format: 'otlp', ships: everything } })))
          .status,
      ).toBe(400);
    const body = { url, format: 'otlp' as const, ships: everything };
    expect((await refusal(monitoringAs(consumer).putCollector({ body }))).status).toBe(403);
    expect((await refusal(monitoringAs(consumer).getCollector({}))).status).toBe(403);
    const personToken = await instance.node.token({ id: 'p', roles: ['auditor'], agency: 'T/GOV/DGA' });
    expect((await refusal(monitoring().putCollector({ body, personToken }))).status).toBe(403);
    expect((await monitoring().getCollector({})).body.url).toBe(before.url);
  });
});

import { readFileSync } from 'node:fs';
import { selfSigned } from '@govstack/platform/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mediatorMonitoring } from '../src/api/operations.ts';
import {
  audience,
  consumer,
  consumerPublicKey,
  eventually,
  governance,
  type Instance,
  own,
  refusal,
  startInstance,
} from './fixtures/instance.ts';

let instance: Instance;
const service = `${own}/${mediatorMonitoring.name}`;
const monitoringAs = (application: string) =>
  instance.node.client(mediatorMonitoring, { as: application, service });

beforeAll(async () => {
  instance = await startInstance({
    settings: {
      monitoring: {
        sampleSeconds: 1,
        environmentVisible: ['os', 'cpu', 'memory'],
      },
    },
  });
});
afterAll(() => instance.node.stop());

describe('environmental data', () => {
  it('[IM-6.7-e] tell of operating system, processors, memory, disks, traffic and versions', async () => {
    const { body } = await monitoringAs(own).getEnvironment({ query: {} });
    expect(body.versions?.node).toBe(process.versions.node);
    expect(body.os?.platform).toBe(process.platform);
    expect(body.cpu?.processors).toBeGreaterThan(0);
    expect(body.memory?.totalBytes).toBeGreaterThan(body.memory?.availableBytes ?? Number.NaN);
    expect(body.memory?.mediatorBytes).toBeGreaterThan(10_000_000);
    const root = body.disks?.find(({ path }) => path === '/');
    expect(root?.totalBytes).toBeGreaterThan(root?.freeBytes ?? Number.NaN);
    expect(body.database?.bytes).toBeGreaterThan(1_000_000);
    if (process.platform !== 'linux') return;
    expect(body.network?.map(({ name }) => name)).toContain('lo');
    expect(body.fileDescriptors?.open).toBeGreaterThan(3);
    expect(body.processCount).toBeGreaterThan(0);
    const kilobytes = Number(/MemTotal:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]);
    expect(body.memory?.totalBytes).toBe(kilobytes * 1024);
  });

  it('[IM-6.7-e] tell of running processes by name, and of installed packages', async () => {
    const processes = await monitoringAs(own).takeEnvironmentSnapshot({ params: { part: 'processes' } });
    const self = processes.body.processes?.find(({ pid }) => pid === process.pid);
    expect(self?.residentBytes).toBeGreaterThan(10_000_000);
    expect(JSON.stringify(processes.body)).not.toContain(process.argv[1]);
    const packages = await monitoringAs(own).takeEnvironmentSnapshot({ params: { part: 'packages' } });
    expect(packages.body.packages?.length).toBeGreaterThan(10);
    expect(packages.body.packages?.every(({ version }) => version.length > 0)).toBe(true);
    for (const part of ['processes', 'packages'] as const) {
      const { items } = (await monitoringAs(own).listEnvironmentSnapshots({ params: { part }, query: {} }))
        .body;
      expect(items.length).toBeGreaterThanOrEqual(1);
      expect(items[0]?.[part]?.length).toBeGreaterThan(0);
    }
  });

  it('[IM-6.7-e] say when certificates expire', async () => {
    const { certificate } = selfSigned('consumer.test');
    await instance.admin.putApplication({
      params: { application: consumer },
      body: { name: 'Service', publicKey: consumerPublicKey, tlsCertificates: [certificate] },
    });
    const { body } = await monitoringAs(own).getEnvironment({ query: { parts: ['certificates'] } });
    expect(Object.keys(body).toSorted()).toEqual(['at', 'certificates', 'node']);
    expect(body.certificates).toMatchObject([{ use: 'TLS of an application', holder: consumer }]);
    const [found] = body.certificates ?? [];
    expect(Date.parse(found?.notAfter ?? '')).toBeGreaterThan(Date.now());
    await instance.admin.putApplication({
      params: { application: consumer },
      body: { name: 'Service', publicKey: consumerPublicKey, connection: 'http' },
    });
  });

  it('[IM-6.7-e] [IM-4.5-a] are sampled all the time and can be had for a chosen range of dates', async () => {
    await eventually(
      async () => (await monitoringAs(own).listEnvironment({ query: { parts: ['cpu'] } })).body.items.length,
    ).toBeGreaterThanOrEqual(2);
    await sql`
      insert into environment_sample (node, at, data)
      select 'other-node', '2020-05-01T00:00:00Z'::timestamptz + make_interval(mins => n),
        jsonb_build_object('processCount', n, 'network', jsonb_build_array())
      from generate_series(0, 9) n`.execute(instance.db);
    const period = { from: '2020-05-01T00:02:00Z', to: '2020-05-01T00:08:00Z' };
    const seen: (number | null | undefined)[] = [];
    for (let pageToken: string | undefined; ; ) {
      const { body } = await monitoringAs(own).listEnvironment({
        query: { ...period, pageSize: 4, ...(pageToken ? { pageToken } : {}) },
      });
      seen.push(...body.items.map(({ processCount }) => processCount));
      pageToken = body.nextPageToken;
      if (pageToken === undefined) break;
    }
    expect(seen).toEqual([2, 3, 4, 5, 6, 7]);
    const none = await monitoringAs(own).listEnvironment({ query: { ...period, node: 'third' } });
    expect(none.body.items).toEqual([]);
    for (const query of [{ from: period.to, to: period.from }, { pageToken: 'AAAA' }, { parts: ['secrets'] }])
      expect((await refusal(monitoringAs(own).listEnvironment({ query: query as never }))).status).toBe(400);
  });

  it('[IM-6.7-g] others than the owner see the parts that the settings let them see, the owner all', async () => {
    const names = async (as: string) =>
      Object.keys((await monitoringAs(as).getEnvironment({ query: {} })).body).toSorted();
    expect(await names(consumer)).toEqual(['at', 'cpu', 'memory', 'node', 'os']);
    expect(await names(own)).toHaveLength(12);
    expect(await names(governance)).toHaveLength(12);
    const { items } = (await monitoringAs(consumer).listEnvironment({ query: {} })).body;
    expect(Object.keys(items[0] ?? {}).toSorted()).toEqual(['at', 'cpu', 'memory', 'node', 'os']);
    const params = { part: 'processes' } as const;
    for (const attempt of [
      () => monitoringAs(consumer).getEnvironment({ query: { parts: ['network'] } }),
      () => monitoringAs(consumer).listEnvironment({ query: { parts: ['disks'] } }),
      () => monitoringAs(consumer).takeEnvironmentSnapshot({ params }),
      () => monitoringAs(consumer).listEnvironmentSnapshots({ params, query: {} }),
    ])
      expect((await refusal(attempt())).status).toBe(403);
  });

  it('[IM-6.7-f] are read by an ordinary client program over HTTP', async () => {
    const url = await instance.node.listen({ port: 0 });
    const answer = await fetch(`${url}/r1/${service}/environment?parts=os`, {
      headers: {
        'x-road-client': consumer,
        'x-govstack-client-assertion': await instance.assertion({ audience }),
      },
    });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ os: { platform: process.platform } });
  });
});

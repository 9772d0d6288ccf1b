import { createServer, request as httpRequest, type Server } from 'node:http';
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Server as TcpServer,
} from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  consumer,
  consumerPublicKey,
  eventually,
  type Instance,
  provider,
  startInstance,
} from './fixtures/instance.ts';

const service = `${provider}/counter-v1`;
let first: Instance;
let second: Instance;
let counter: Server;
let balancer: TcpServer;
let url: string;
/** Ports of the nodes that take connections. */
const nodes: number[] = [];
const counted: string[] = [];
let turn = 0;

const portOf = (address: string): number => Number(new URL(address).port);

beforeAll(async () => {
  first = await startInstance();
  second = await startInstance({ databasePrefix: first.node.databasePrefix, unregistered: true });
  nodes.push(portOf(await first.node.listen({ port: 0 })), portOf(await second.node.listen({ port: 0 })));
  counter = createServer((request, response) => {
    counted.push(request.headers['x-road-id'] as string);
    response.end('{}');
  });
  await new Promise<void>((resolve) => counter.listen(0, '127.0.0.1', resolve));
  await first.admin.putService({
    params: { service },
    body: { title: 'Counter', target: `http://127.0.0.1:${(counter.address() as AddressInfo).port}` },
  });
  await first.admin.putApplication({
    params: { application: consumer },
    body: { name: 'Service', connection: 'http', publicKey: consumerPublicKey },
  });
  await first.admin.putRight({ params: { service, subject: consumer }, body: {} });
  // A balancer as the guide asks for: connections in turn, nothing read on the way.
  balancer = createTcpServer((client) => {
    const port = nodes[turn++ % nodes.length] as number;
    const node = connect(port, '127.0.0.1');
    client.pipe(node).pipe(client);
    for (const socket of [client, node]) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        client.destroy();
        node.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => balancer.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(balancer.address() as AddressInfo).port}`;
});
afterAll(async () => {
  balancer.close();
  counter.closeAllConnections();
  counter.close();
  await second.node.stop();
  await first.node.stop();
});

/** One call on a connection of its own; undefined when the connection broke. */
const call = (id: string): Promise<number | undefined> =>
  new Promise((resolve) => {
    const request = httpRequest(
      `${url}/r1/${service}/count`,
      { headers: { 'x-road-client': consumer, 'x-road-id': id }, agent: false },
      (response) => {
        response.resume().on('end', () => resolve(response.statusCode));
        response.on('error', () => resolve(undefined));
      },
    );
    request.on('error', () => resolve(undefined));
    request.end();
  });

describe('several nodes behind a balancer', () => {
  it('[IM-4.6-a][IM-6.8-b] serve one instance: same address, identities and rights, one log', async () => {
    await eventually(async () => [await call('known'), await call('known')]).toEqual([200, 200]);
    const answers = await Promise.all(Array.from({ length: 60 }, (_, index) => call(`both-${index}`)));
    expect(answers).toEqual(Array(60).fill(200));
    const { rows, chain } = {
      rows: await first.db
        .selectFrom('message_log')
        .select(['message_id', 'kind'])
        .where('message_id', 'like', 'both-%')
        .execute(),
      chain: (await second.log.verifyChain({ query: { limit: 100_000 } })).body,
    };
    expect(rows).toHaveLength(120);
    expect(chain.broken).toBeNull();

    await first.admin.deleteRight({ params: { service, subject: consumer } });
    await eventually(async () => [await call('revoked'), await call('revoked')]).toEqual([403, 403]);
    await second.admin.putRight({ params: { service, subject: consumer }, body: {} });
    await eventually(async () => [await call('again'), await call('again')]).toEqual([200, 200]);
  });

  it('[IM-6.8-a][IM-5.1.1-a] one that goes away under load takes nothing with it, and nothing is sent twice', async () => {
    const outcomes = new Map<string, number | undefined>();
    let stopping: Promise<void> | undefined;
    await Promise.all(
      Array.from({ length: 8 }, async (_, caller) => {
        for (let number = 0; number < 25; number += 1) {
          const id = `leaving-${caller}-${number}`;
          outcomes.set(id, await call(id));
          if (outcomes.size >= 60 && !stopping) {
            nodes.pop();
            stopping = second.node.stop();
          }
        }
      }),
    );
    await stopping;
    expect(outcomes.size).toBe(200);
    // Whoever had just connected to the node that left may see the connection break; nobody sees anything else.
    const answered = [...outcomes].filter(([, status]) => status !== undefined);
    expect(new Set(answered.map(([, status]) => status))).toEqual(new Set([200]));
    expect(answered.length).toBeGreaterThanOrEqual(192);
    const reached = counted.filter((id) => id.startsWith('leaving-'));
    expect(new Set(reached).size).toBe(reached.length);
    expect(reached).toEqual(expect.arrayContaining(answered.map(([id]) => id)));
    expect((await first.log.verifyChain({ query: { limit: 100_000 } })).body.broken).toBeNull();
  });
});

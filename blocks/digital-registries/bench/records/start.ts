import { type ChildProcess, fork } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { callerSigner, connect, newId, startEmbeddedPostgres } from '@govstack/platform';
import { Agent, request } from 'undici';

const owner = 'BENCH/GOV/AGENCY/registries';

/** A PostgreSQL of its own, the block served from a process of its own, and ways to call it as the owning application. */
export async function startBench(connections: number) {
  const dataDir = mkdtempSync(join(tmpdir(), 'govstack-bench-'));
  chmodSync(dataDir, 0o755);
  const server = await startEmbeddedPostgres({
    dataDir,
    settings: { shared_buffers: '2GB', max_wal_size: '4GB' },
  });
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const sign = callerSigner({ ...privateKey.export({ format: 'jwk' }), kid: 'bench' } as never);
  const admin = connect(server.adminUrl);
  const databaseUrl = server.adminUrl.replace(/\/[^/]*$/, '/bench_digital_registries');
  const child: ChildProcess = fork(new URL('./server.ts', import.meta.url), {
    env: {
      ...process.env,
      BENCH: JSON.stringify({
        adminUrl: server.adminUrl,
        secret: randomBytes(32).toString('base64'),
        key: { ...publicKey.export({ format: 'jwk' }), kid: 'bench', alg: 'ES256' },
        databaseUrl,
      }),
    },
  });
  const answer = <T>(message?: object): Promise<T> =>
    new Promise((resolve, reject) => {
      child.once('message', (value) => resolve(value as T));
      child.once('exit', () => reject(new Error('the server ended')));
      if (message) child.send(message);
    });
  const { url } = await answer<{ url: string }>();
  const agent = new Agent({ connections, pipelining: 1 });

  async function receive(
    target: string,
    method: string,
    body: string | Uint8Array | undefined,
    headers: Record<string, string>,
  ): Promise<Buffer> {
    const response = await request(target, { method: method as 'GET', headers, body, dispatcher: agent });
    const bytes = Buffer.from(await response.body.arrayBuffer());
    if (response.statusCode >= 300)
      throw new Error(`${target} answered ${response.statusCode}: ${bytes.toString().slice(0, 300)}`);
    return bytes;
  }

  async function send(
    target: string,
    method: string,
    body: unknown,
    headers: Record<string, string> = {},
  ): Promise<unknown> {
    const json = { 'content-type': 'application/json', ...headers };
    const bytes = await receive(target, method, body === undefined ? undefined : JSON.stringify(body), json);
    return bytes.length === 0 ? undefined : JSON.parse(bytes.toString());
  }

  async function asOwner(surface: string): Promise<Record<string, string>> {
    const exchangeId = newId();
    const caller = { application: owner, service: `${owner}/${surface}`, operator: undefined, exchangeId };
    return { 'x-govstack-caller': await sign(caller, owner), 'x-road-request-id': exchangeId };
  }
  const block = async (surface: string, method: string, path: string, body?: unknown): Promise<unknown> =>
    send(`${url}/${surface}${path}`, method, body, await asOwner(surface));
  const database = connect(databaseUrl);
  return {
    child,
    send,
    answer,
    admin,
    database,
    block,
    /** Bytes to and from the block. */
    bytes: async (surface: string, method: string, path: string, body?: Uint8Array): Promise<Buffer> =>
      receive(`${url}/${surface}${path}`, method, body, {
        ...(await asOwner(surface)),
        ...(body ? { 'content-type': 'application/octet-stream' } : {}),
      }),
    publish: (code: string, schema: unknown): Promise<unknown> =>
      block('registry-database-v1', 'POST', '/database/modify', {
        groupName: 'Bench',
        catalogName: code,
        code,
        schema,
      }),
    async stop(): Promise<void> {
      child.send({ stop: true });
      await Promise.all([agent.close(), database.close(), admin.close()]);
      await server.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

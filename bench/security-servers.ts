/**
 * What evidence costs on the way: the same provider called directly, through nginx and a plain streaming proxy, and
 * through one and two security servers with full evidence (signed, verified, sealed, on record before release). Every
 * part is a process of its own on one machine; PostgreSQL with durable commits.
 *
 *   node_modules/.bin/node bench/security-servers.ts [SECONDS A CELL] [IN FLIGHT]
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { startEmbeddedPostgres } from '@govstack/platform';
import { request } from 'undici';
import { closedLoad, openLoad, type Way } from './security-servers/load.ts';

const seconds = Number(process.argv[2] ?? 5);
const inFlight = Number(process.argv[3] ?? 64);
const dataDir = mkdtempSync(join(tmpdir(), 'govstack-bench-'));
chmodSync(dataDir, 0o755);
const started: ChildProcess[] = [];

async function start(program: string, ...parameters: (string | number)[]): Promise<ChildProcess> {
  const child = fork(new URL(`./security-servers/${program}.ts`, import.meta.url), parameters.map(String));
  started.push(child);
  await once(child, 'message');
  return child;
}

/** Two servers, introduced to each other: what one says is handed to the other until both are ready. */
async function startTwo(): Promise<ChildProcess> {
  const program = new URL('./security-servers/two-servers.ts', import.meta.url);
  const provider = fork(program, ['provider', 4806, 4807, 4801, postgres.adminUrl].map(String));
  const consumer = fork(program, ['consumer', 4808, 4809, 0, postgres.adminUrl].map(String));
  started.push(provider, consumer);
  const ready = [provider, consumer].map(
    (one) =>
      new Promise<void>((resolve) =>
        one.on('message', ({ type, value }: { type: string; value?: unknown }) => {
          if (type === 'ready') return resolve();
          (one === provider ? consumer : provider).send({ type, value });
        }),
      ),
  );
  await Promise.all(ready);
  return consumer;
}

/** nginx as reverse proxy, when the machine has it. */
async function startNginx(port: number, next: number): Promise<boolean> {
  const program = ['/usr/sbin/nginx', '/usr/local/sbin/nginx', '/opt/homebrew/bin/nginx'].find(existsSync);
  if (!program) return false;
  const file = join(dataDir, 'nginx.conf');
  writeFileSync(
    file,
    `daemon off; worker_processes 1; pid ${dataDir}/nginx.pid; error_log ${dataDir}/nginx.log;
     events { worker_connections 4096; }
     http { access_log off; client_max_body_size 0;
       upstream provider { server 127.0.0.1:${next}; keepalive 256; }
       server { listen 127.0.0.1:${port}; location / {
         proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection ""; } } }`,
  );
  started.push(spawn(program, ['-c', file], { stdio: 'ignore' }));
  for (let tries = 0; tries < 100; tries += 1) {
    const answer = await request(`http://127.0.0.1:${port}/`).catch(() => undefined);
    if (answer) return Boolean(await answer.body.dump()) || true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}

const residentMb = (pid: number | undefined): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;

function* chunks(size: number): Generator<Buffer> {
  const chunk = Buffer.alloc(65_536, 'govstack');
  for (let sent = 0; sent < size; sent += chunk.length) yield chunk;
}

/** A gigabyte each way: how long it takes and how far the memory of the server rises. */
async function gigabyte({ origin, path }: Way, pid: number | undefined) {
  const size = 1024 ** 3;
  const before = residentMb(pid);
  let highest = before;
  const watch = setInterval(() => {
    highest = Math.max(highest, residentMb(pid));
  }, 20);
  const began = performance.now();
  const answer = await request(`${origin}${path}?size=${size}`, {
    method: 'POST',
    headers: { 'x-road-client': 'BENCH/GOV/MSP/service', 'content-length': String(size) },
    body: Readable.from(chunks(size), { objectMode: false }),
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  let received = 0;
  for await (const chunk of answer.body) received += (chunk as Buffer).length;
  clearInterval(watch);
  if (answer.statusCode !== 200 || received !== size)
    throw new Error(`${answer.statusCode}, ${received} bytes`);
  return { seconds: (performance.now() - began) / 1000, rise: highest - before, highest };
}

const number = (value: number): string => Math.round(value).toLocaleString('en');
const ms = (value: number): string => value.toFixed(1);
const postgres = await startEmbeddedPostgres({ dataDir });
try {
  await start('backend', 4801);
  await start('streaming-proxy', 4802, 4801);
  await start('streaming-proxy', 4803, 4802);
  const nginx = await startNginx(4804, 4801);
  const one = await start('one-server', 4805, 4801, postgres.adminUrl, 'bench_one_');
  const two = await startTwo();
  const service = '/r1/BENCH/GOV/MOF/scores/scores-v1/scores';
  const ways: Way[] = [
    { name: '(a) direct', origin: 'http://127.0.0.1:4801', path: service },
    { name: '(b) plain streaming proxy', origin: 'http://127.0.0.1:4802', path: service },
    { name: '(b2) two hops of it', origin: 'http://127.0.0.1:4803', path: service },
    ...(nginx ? [{ name: '(c) nginx', origin: 'http://127.0.0.1:4804', path: service }] : []),
    { name: '(d) one server, full evidence', origin: 'http://127.0.0.1:4805', path: service },
    { name: '(e) two servers, mutual TLS, full evidence', origin: 'http://127.0.0.1:4808', path: service },
  ];
  // The second server learns of the first one's clients with its next look at the configuration.
  for (let tries = 0; ; tries += 1) {
    const probe = await request(`http://127.0.0.1:4808${service}`, {
      method: 'POST',
      headers: { 'x-road-client': 'BENCH/GOV/MSP/service' },
    });
    await probe.body.dump();
    if (probe.statusCode === 200) break;
    await new Promise((resolve) => setTimeout(resolve, 200));
    if (tries > 50) throw new Error(`the two servers do not exchange: ${probe.headers['x-road-error']}`);
  }
  const rows: string[] = [];
  const rate = new Map<string, number>();
  for (const way of ways) {
    const steady = await closedLoad(way, inFlight, seconds);
    const calm = await openLoad(way, 100, seconds);
    const crowd = await closedLoad(way, 1000, seconds);
    rate.set(way.name, steady.perSecond);
    rows.push(
      `| ${[
        way.name,
        number(steady.perSecond),
        ms(steady.p50),
        ms(steady.p99),
        ms(calm.p50),
        ms(calm.p99),
        number(crowd.perSecond),
        ms(crowd.p99),
        steady.errors + calm.errors + crowd.errors,
      ].join(' | ')} |`,
    );
  }
  const share = (of: string, to: string): string =>
    `${Math.round((100 * (rate.get(of) ?? 0)) / (rate.get(to) ?? 1))} %`;
  const way = (letter: string): Way => ways.find(({ name }) => name.startsWith(`(${letter})`)) as Way;
  const large = await gigabyte(way('d'), one.pid);
  const largeAcross = await gigabyte(way('e'), two.pid);
  process.stdout.write(
    [
      `${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.versions.node}, ${seconds} s a cell`,
      '',
      `| way | requests/s, ${inFlight} in flight | p50 ms | p99 ms | at 100/s: p50 ms | p99 ms | requests/s, 1,000 in flight | p99 ms | errors |`,
      '|---|---:|---:|---:|---:|---:|---:|---:|---:|',
      ...rows,
      '',
      `(d) is ${share(way('d').name, way('b').name)} of (b), (e) ${share(way('e').name, '(b2) two hops of it')} of (b2)`,
      ...[['(d)', large] as const, ['(e), the consumer’s server', largeAcross] as const].map(
        ([name, one]) =>
          `1 GB each way through ${name}: ${one.seconds.toFixed(1)} s, memory rose by ${number(one.rise)} MB to ${number(one.highest)} MB`,
      ),
      '',
    ].join('\n'),
  );
} finally {
  const gone = started.map((child) => once(child, 'exit'));
  for (const child of started) child.kill('SIGTERM');
  await Promise.all(gone);
  await postgres.stop();
  rmSync(postgres.directory, { recursive: true, force: true });
  rmSync(dataDir, { recursive: true, force: true });
}

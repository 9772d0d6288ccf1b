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
  const service = '/r1/BENCH/GOV/MOF/scores/scores-v1/scores';
  const ways: Way[] = [
    { name: '(a) direct', origin: 'http://127.0.0.1:4801', path: service },
    { name: '(b) plain streaming proxy', origin: 'http://127.0.0.1:4802', path: service },
    { name: '(b2) two hops of it', origin: 'http://127.0.0.1:4803', path: service },
    ...(nginx ? [{ name: '(c) nginx', origin: 'http://127.0.0.1:4804', path: service }] : []),
    { name: '(d) one server, full evidence', origin: 'http://127.0.0.1:4805', path: service },
  ];
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
  const large = await gigabyte(ways.at(-1) as Way, one.pid);
  process.stdout.write(
    [
      `${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.versions.node}, ${seconds} s a cell`,
      '',
      `| way | requests/s, ${inFlight} in flight | p50 ms | p99 ms | at 100/s: p50 ms | p99 ms | requests/s, 1,000 in flight | p99 ms | errors |`,
      '|---|---:|---:|---:|---:|---:|---:|---:|---:|',
      ...rows,
      '',
      `(d) is ${share('(d) one server, full evidence', '(b) plain streaming proxy')} of (b)`,
      `1 GB each way through (d): ${large.seconds.toFixed(1)} s, memory rose by ${number(large.rise)} MB to ${number(large.highest)} MB`,
      '',
    ].join('\n'),
  );
} finally {
  for (const child of started) child.kill('SIGTERM');
  await postgres.stop();
  rmSync(postgres.directory, { recursive: true, force: true });
  rmSync(dataDir, { recursive: true, force: true });
}

/**
 * What mediation costs: the same operation called as a function, through the information mediator in memory, and
 * through it over HTTP on the loopback, each alone and with 32 in flight. Evidence is on (both messages signed,
 * verified, sealed and committed to a PostgreSQL with durable commits); everything shares one process and machine.
 *
 *   node_modules/.bin/node bench/mediated-call.ts [SECONDS A CELL]
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { informationMediator } from '@govstack/information-mediator';
import { mediatorAdmin, mediatorLog } from '@govstack/information-mediator/api';
import {
  createClient,
  createLogger,
  defineBlock,
  httpMediator,
  implement,
  startEmbeddedPostgres,
  startNode,
} from '@govstack/platform';
import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';

const body = { household: 'b4b0f1c2', members: [{ age: 41 }, { age: 39 }, { age: 7 }], roof: 'thatch' };
const Household = Type.Object({
  household: Type.String(),
  members: Type.Array(Type.Object({ age: Type.Integer() })),
  roof: Type.String(),
});

const scoring = defineSurface({
  name: 'scoring-v1',
  title: 'Scoring',
  version: '1.0.0',
  operations: {
    score: defineOperation({
      id: 'score',
      method: 'POST',
      path: '/scores',
      summary: 'Score a household',
      access: { caller: 'application' },
      body: Household,
      responses: { 200: Type.Object({ household: Type.String(), score: Type.Integer() }) },
    }),
  },
});

const score = async (household: typeof body) => ({
  household: household.household,
  score: household.members.length * 10 + (household.roof === 'thatch' ? 5 : 0),
});

const scoringBlock = defineBlock({
  name: 'scoring',
  title: 'Scoring',
  version: '0.1.0',
  surfaces: [scoring],
  config: Type.Object({}),
  start: async () => ({
    surfaces: [
      implement(scoring, {
        score: async (input) => ({ status: 200, body: await score(input.body) }),
      }),
    ],
  }),
});

interface Figures {
  readonly median: number;
  readonly p95: number;
  readonly perSecond: number;
}

/** Calls `work` for a while with `inFlight` at a time; times in milliseconds. */
async function measure(work: () => Promise<unknown>, inFlight: number, seconds: number): Promise<Figures> {
  const warmUntil = performance.now() + 1000;
  const until = warmUntil + seconds * 1000;
  const times: number[] = [];
  const caller = async (): Promise<void> => {
    for (let now = performance.now(); now < until; ) {
      const started = now;
      await work();
      now = performance.now();
      if (started > warmUntil) times.push(now - started);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.floor(times.length * share)] ?? Number.NaN;
  return { median: at(0.5), p95: at(0.95), perSecond: times.length / seconds };
}

const seconds = Number(process.argv[2] ?? 5);
const dataDir = mkdtempSync(join(tmpdir(), 'govstack-bench-'));
chmodSync(dataDir, 0o755);
const server = await startEmbeddedPostgres({ dataDir });
try {
  const mediator = 'BENCH/GOV/DGA/mediator';
  const provider = 'BENCH/GOV/MSP/scoring';
  const consumer = 'BENCH/GOV/MSP/service';
  const service = `${provider}/${scoring.name}`;
  const audience = 'http://localhost:3399';
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const node = await startNode({
    adminUrl: server.adminUrl,
    secret: randomBytes(32),
    log: createLogger('error'),
    blocks: [
      {
        block: informationMediator,
        application: mediator,
        config: { audiences: [audience] },
      },
      { block: scoringBlock, application: provider },
    ],
  });
  const admin = createClient(
    mediatorAdmin,
    { client: mediator, service: `${mediator}/${mediatorAdmin.name}` },
    (request) => node.mediator.exchange(request),
  );
  await admin.putMember({ params: { member: 'BENCH/GOV/MSP' }, body: { name: 'Social protection' } });
  await admin.putApplication({ params: { application: provider }, body: { name: 'Scoring' } });
  await admin.putApplication({
    params: { application: consumer },
    body: { name: 'Service', publicKey: publicKey.export({ format: 'jwk' }) as Record<string, unknown> },
  });
  await admin.putService({
    params: { service },
    body: { title: 'Scoring', target: `local:scoring/${scoring.name}` },
  });
  await admin.putRight({ params: { service, subject: consumer }, body: {} });
  await node.listen({ port: 3399 });

  const remote = httpMediator({
    url: audience,
    keys: new Map([[consumer, privateKey.export({ format: 'jwk' }) as never]]),
  });
  const inMemory = createClient(scoring, { client: consumer, service }, (request) =>
    node.mediator.exchange(request),
  );
  const overHttp = createClient(scoring, { client: consumer, service }, (request) =>
    remote.exchange(request),
  );

  const ways: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['direct function call', () => score(body)],
    ['mediated, in memory', () => inMemory.score({ body })],
    ['mediated, over HTTP', () => overHttp.score({ body })],
  ];
  const rows: string[] = [];
  for (const [name, work] of ways) {
    for (const inFlight of [1, 32]) {
      const { median, p95, perSecond } = await measure(work, inFlight, seconds);
      rows.push(
        `| ${name} | ${inFlight} | ${median.toFixed(3)} | ${p95.toFixed(3)} | ${Math.round(perSecond).toLocaleString('en')} |`,
      );
    }
  }

  const log = createClient(
    mediatorLog,
    { client: mediator, service: `${mediator}/${mediatorLog.name}` },
    (request) => node.mediator.exchange(request),
  );
  const started = performance.now();
  let records = 0;
  let from = '1';
  for (;;) {
    const { body: report } = await log.verifyChain({ query: { from, limit: 20_000 } });
    records += report.records;
    if (report.broken) throw new Error(`the log does not verify at ${report.broken.at}`);
    if (report.records < 20_000) break;
    from = String(BigInt(report.to) + 1n);
  }
  const perMinute = Math.round((records / (performance.now() - started)) * 60_000);

  process.stdout.write(
    [
      `${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.versions.node}, PostgreSQL with durable commits, ${seconds} s a row`,
      '',
      '| way | in flight | median ms | p95 ms | exchanges/s |',
      '|---|---:|---:|---:|---:|',
      ...rows,
      '',
      `${records.toLocaleString('en')} log records verified (chain and signatures), ${perMinute.toLocaleString('en')} a minute`,
      '',
    ].join('\n'),
  );
  await remote.close();
  await node.stop();
} finally {
  await server.stop();
  rmSync(server.directory, { recursive: true, force: true });
  rmSync(dataDir, { recursive: true, force: true });
}

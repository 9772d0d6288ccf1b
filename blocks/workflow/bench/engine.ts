/**
 * What an instance costs, in one run on one machine: this engine's step function alone, the block with PostgreSQL and
 * durable commits, and bpmn-engine in memory as the peer. The same processes for all: service tasks in a row, a parallel
 * split and join, ten iterations at once, a person who is waited for. Services answer at once. Then a restart: how long
 * until instances that wait for a person, taken back from what was kept, are complete.
 *
 *   node_modules/.bin/node blocks/workflow/bench/engine.ts [INSTANCES] [ROUNDS]
 */
import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Caller,
  createClient,
  type GovstackNode,
  type MediatedRequest,
  type MediatedResponse,
  newId,
  startEmbeddedPostgres,
  startNode,
} from '@govstack/platform';
import { Engine } from 'bpmn-engine';
import { BpmnModdle } from 'bpmn-moddle';
import { exportJWK, generateKeyPair } from 'jose';
import { pino } from 'pino';
import { workflowApi } from '../src/api/operations.ts';
import { workflow } from '../src/block.ts';
import type { EngineEvent } from '../src/execution/event.ts';
import { type InstanceState, newInstance } from '../src/execution/state.ts';
import { step } from '../src/execution/step.ts';
import { compileProcess } from '../src/model/compile-process.ts';
import type { ProcessModel } from '../src/model/model.ts';

const [instances = 300, rounds = 3] = process.argv.slice(2).map(Number);
const owner = 'TEST/GOV/MSP/cash-transfer';
const civil = 'TEST/GOV/CRA/civil-registry/registry-data-v1';

const flow = (from: string, to: string): string =>
  `<sequenceFlow id="${from}-${to}" sourceRef="${from}" targetRef="${to}"/>`;
const chain = (...ids: string[]): string =>
  ids
    .slice(1)
    .map((id, at) => flow(ids[at] as string, id))
    .join('');
const service = (
  id: string,
  loop = '',
): string => `<serviceTask id="${id}" implementation="\${environment.services.call}"
  govstack:application="TEST/GOV/CRA/civil-registry" govstack:service="registry-data-v1" govstack:operation="read">${loop}</serviceTask>`;
const ten = `<multiInstanceLoopCharacteristics><loopCardinality>10</loopCardinality></multiInstanceLoopCharacteristics>`;
const around = (key: string, content: string): string => `<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:govstack="urn:govstack:bpmn:1" id="definitions" targetNamespace="urn:bench">
<process id="${key}" isExecutable="true"><startEvent id="s"/>${content}<endEvent id="e"/></process></definitions>`;

const processes = [
  {
    key: 'sequence',
    name: 'five service tasks in a row',
    calls: 5,
    xml: around(
      'sequence',
      `${['a', 'b', 'c', 'd', 'f'].map((id) => service(id)).join('')}${chain('s', 'a', 'b', 'c', 'd', 'f', 'e')}`,
    ),
  },
  {
    key: 'parallel',
    name: 'three at once, joined',
    calls: 3,
    xml: around(
      'parallel',
      `<parallelGateway id="g"/>${['a', 'b', 'c'].map((id) => service(id)).join('')}<parallelGateway id="j"/>${chain('s', 'g', 'a', 'j', 'e')}${chain('g', 'b', 'j')}${chain('g', 'c', 'j')}`,
    ),
  },
  {
    key: 'iterations',
    name: 'ten iterations at once',
    calls: 10,
    xml: around('iterations', `${service('a', ten)}${chain('s', 'a', 'e')}`),
  },
  {
    key: 'person',
    name: 'a person, then a service',
    calls: 1,
    xml: around('person', `<userTask id="u"/>${service('a')}${chain('s', 'u', 'a', 'e')}`),
  },
] as const;

type Process = (typeof processes)[number];

/** One instance by the step function, with a world that answers at once. */
class Alone {
  private ids = 0;
  readonly model: ProcessModel;
  state: InstanceState = newInstance('i', '2026-01-01T00:00:00Z', undefined);
  constructor(model: ProcessModel) {
    this.model = model;
    this.send({ type: 'start', variables: {} });
  }
  send(event: EngineEvent): void {
    const waiting = [event];
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const result = step(this.model, this.state, next, {
        now: '2026-01-01T00:00:00Z',
        newId: () => `id${++this.ids}`,
        maxMoves: 1000,
        maxIterations: 1000,
        retries: [],
      });
      this.state = result.state;
      for (const one of result.commands) {
        if (one.type !== 'createJob') continue;
        const answer = { status: 200, headers: {}, body: {}, temporary: false };
        waiting.push({ type: 'jobAnswered', jobId: one.jobId, attempt: 1, answer });
      }
    }
  }
  completeTask(): void {
    const token = [...this.state.tokens.values()].find((one) => one.wait.kind === 'task');
    if (token?.wait.kind === 'task')
      this.send({ type: 'taskCompleted', taskId: token.wait.taskId, form: {}, completedBy: 'bench' });
  }
  check(): void {
    if (this.state.status !== 'completed') throw new Error(`the instance is ${this.state.status}`);
  }
}

const services = {
  call: (...given: unknown[]) => (given.at(-1) as (error: null, answer: object) => void)(null, {}),
};
const read = new Map<string, Promise<unknown>>();
/** An engine for one instance; the drawing is read once, as for the others. */
async function peer(xml: string): Promise<Engine> {
  const moddleContext = read.get(xml) ?? new BpmnModdle().fromXML(xml);
  read.set(xml, moddleContext);
  return new Engine({ name: 'bench', moddleContext: await moddleContext, services } as never);
}

async function peerRun(xml: string, waits: boolean): Promise<void> {
  const engine = await peer(xml);
  const listener = new EventEmitter();
  if (waits) listener.on('activity.wait', (task: { signal(): void }) => setImmediate(() => task.signal()));
  const over = engine.waitFor('end');
  await engine.execute({ listener } as never);
  await over;
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const figure = (value: number): string => Math.round(value).toLocaleString('en');
const perSecond = async (count: number, work: () => Promise<void> | void): Promise<number> => {
  const started = performance.now();
  await work();
  return count / ((performance.now() - started) / 1000);
};

const json = (body: object): MediatedResponse => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify(body)),
});

const dataDir = mkdtempSync(join(tmpdir(), 'govstack-bench-'));
chmodSync(dataDir, 0o755);
const server = await startEmbeddedPostgres({ dataDir });
let node: GovstackNode;
/** Other applications answer at once. */
const exchange = async (request: MediatedRequest): Promise<MediatedResponse> => {
  if (request.service === civil) return json({});
  const surface = request.service.split('/')[4] as string;
  if (surface === 'getOpenAPI')
    return json({ openapi: '3.1.0', paths: { '/read': { post: { operationId: 'read' } } } });
  const { client, service } = request;
  const caller: Caller = { application: client, service, operator: undefined, exchangeId: newId() };
  const answer = await node.localProviders.dispatch('workflow', surface, request, caller);
  if (!answer) throw new Error(`nothing answers for ${surface}`);
  return answer;
};
const { publicKey } = await generateKeyPair('ES256', { extractable: true });
node = await startNode({
  blocks: [
    { block: workflow, application: 'BENCH/GOV/BLOCKS/workflow', answersAs: '*', config: { pollMs: 10 } },
  ],
  adminUrl: server.adminUrl,
  databasePrefix: 'bench_',
  secret: randomBytes(32),
  identity: {
    issuer: 'https://identity.bench',
    audience: 'govstack',
    jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'bench', alg: 'ES256', use: 'sig' }] },
  },
  mediator: { exchange, publish: async () => undefined },
  log: pino({ level: 'warn' }, pino.destination(2)),
});
const api = createClient(
  workflowApi,
  { client: owner, service: `BENCH/GOV/BLOCKS/workflow/${workflowApi.name}` },
  exchange,
);

/** Starts instances of the block, a few at a time, completes their tasks, and waits for their ends. */
async function blockRun(process: Process, count: number): Promise<void> {
  const lanes = Array.from({ length: 16 }, async (_, lane) => {
    for (let at = lane; at < count; at += 16) {
      const waits = process.key === 'person';
      const { body } = await api.start({ params: { processId: process.key }, body: { synchronous: !waits } });
      if (!waits) {
        if (body.state !== 'completed') throw new Error(`an instance is ${body.state}`);
        continue;
      }
      const { tasks } = (await api.listUserTasks({ query: { instanceId: body.id } })).body;
      await api.completeUserTask({ params: { taskId: tasks[0]?.id ?? '' }, body: {} });
    }
  });
  await Promise.all(lanes);
}

try {
  const rows: string[] = [];
  for (const process of processes) {
    const waits = process.key === 'person';
    const model = await compileProcess({ owner, bpmn: process.xml });
    await api.addProcess({
      body: {
        name: process.name,
        type: 'Private',
        version: '1',
        processBody: [{ code: 'bpmn20xml', value: process.xml }],
      },
    });
    const seen = { alone: [] as number[], block: [] as number[], peer: [] as number[] };
    for (let round = 0; round <= rounds; round += 1) {
      const figures = {
        alone: await perSecond(instances, () => {
          for (let at = 0; at < instances; at += 1) {
            const one = new Alone(model);
            if (waits) one.completeTask();
            one.check();
          }
        }),
        peer: await perSecond(instances, async () => {
          for (let at = 0; at < instances; at += 1) await peerRun(process.xml, waits);
        }),
        block: await perSecond(instances, () => blockRun(process, instances)),
      };
      // The first round is for the compilers.
      if (round > 0) for (const way of ['alone', 'peer', 'block'] as const) seen[way].push(figures[way]);
    }
    rows.push(
      `| ${process.name} | ${figure(median(seen.alone))} | ${figure(median(seen.peer))} | ${figure(median(seen.block))} |`,
    );
  }
  process.stdout.write(
    [
      `${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.versions.node}, ${instances} instances, median of ${rounds} rounds, instances a second`,
      '',
      '| process | step alone | bpmn-engine, in memory | block: PostgreSQL, durable |',
      '|---|---:|---:|---:|',
      ...rows,
      '',
      ...(await recovery()),
      '',
    ].join('\n'),
  );
} finally {
  await node.stop();
  await server.stop();
  rmSync(server.directory, { recursive: true, force: true });
  rmSync(dataDir, { recursive: true, force: true });
}

/** What an instance that waits for a person takes, and how long it takes to bring it back and complete it. */
async function recovery(): Promise<string[]> {
  const waiting = processes[3];
  const model = await compileProcess({ owner, bpmn: waiting.xml });
  const one = new Alone(model);
  const kept = JSON.stringify({ ...one.state, scopes: [...one.state.scopes], tokens: [...one.state.tokens] });
  const engine = await peer(waiting.xml);
  const listener = new EventEmitter();
  const waits = new Promise((resolve) => listener.once('activity.wait', resolve));
  await engine.execute({ listener } as never);
  await waits;
  const blob = JSON.stringify(await engine.getState());
  await engine.stop();
  const own = await perSecond(instances, () => {
    for (let at = 0; at < instances; at += 1) {
      const { scopes, tokens, ...rest } = JSON.parse(kept);
      const again = new Alone(model);
      again.state = { ...rest, scopes: new Map(scopes), tokens: new Map(tokens) };
      again.completeTask();
      again.check();
    }
  });
  const others = await perSecond(instances, async () => {
    for (let at = 0; at < instances; at += 1) {
      const again = new Engine({ name: 'bench', services } as never).recover(JSON.parse(blob));
      const back = new EventEmitter();
      back.on('activity.wait', (task: { signal(): void }) => setImmediate(() => task.signal()));
      const over = again.waitFor('end');
      await again.resume({ listener: back } as never);
      await over;
    }
  });
  return [
    `An instance that waits for a person: ${figure(kept.length)} bytes of state, ${figure(blob.length)} in bpmn-engine. Brought back and completed: ${figure(own)} a second, ${figure(others)} in bpmn-engine.`,
  ];
}

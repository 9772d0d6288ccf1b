import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { connect as connectSocket } from 'node:net';
import {
  type AnyBlock,
  type BlockRuntime,
  defineBlock,
  defineOperation,
  defineSurface,
  implement,
  type JobSpec,
  type MediatorPort,
  startNode,
  Type,
} from '@govstack/platform';
import { newDatabaseName, startTestNode, type TestNode, testAdminUrl } from '@govstack/platform/testing';
import type { FastifyInstance } from 'fastify';
import { sql } from 'kysely';
import pg from 'pg';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { notes, notesBlock } from './fixtures/notes-block/notes.ts';

/** On a busy machine; a condition that holds is seen at once. */
const soon = { timeout: 15_000 };

const nodes: { stop(): Promise<void> }[] = [];
const started = async (options: Parameters<typeof startTestNode>[0]): Promise<TestNode> => {
  const node = await startTestNode(options);
  nodes.push(node);
  return node;
};
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.stop();
});

/** A block that says what happens to it. */
function plain(name: string, log: string[], runtime: Partial<BlockRuntime> = {}, mediator = false): AnyBlock {
  return defineBlock({
    name,
    title: name,
    version: '0.1.0',
    surfaces: [],
    config: Type.Object({}),
    mediator,
    async start() {
      log.push(`start ${name}`);
      return {
        surfaces: [],
        ready: async () => void log.push(`ready ${name}`),
        stop: async () => void log.push(`stop ${name}`),
        ...runtime,
      };
    },
  });
}

const noExchange: MediatorPort = {
  exchange: () => Promise.reject(new Error('nothing here')),
  publish: async () => undefined,
};

const asAdmin = async (text: string, values: unknown[] = []): Promise<pg.QueryResult> => {
  const admin = new pg.Client({ connectionString: testAdminUrl() });
  await admin.connect();
  try {
    return await admin.query(text, values);
  } finally {
    await admin.end();
  }
};

const connectionsTo = async (databasePrefix: string): Promise<number> =>
  (await asAdmin('select 1 from pg_stat_activity where starts_with(datname, $1)', [databasePrefix])).rows
    .length;

describe('starting', () => {
  it('begins with the mediator, and tells a block it may call when all are started', async () => {
    const log: string[] = [];
    const node = await started({
      blocks: [
        { block: plain('first', log) },
        { block: plain('second', log) },
        { block: plain('between', log, { mediator: noExchange }, true) },
      ],
      node: { onProgress: (message) => log.push(message) },
    });
    expect(log.filter((line) => line.startsWith('start'))).toEqual([
      'start between',
      'start first',
      'start second',
    ]);
    expect(log.findIndex((line) => line.startsWith('ready'))).toBeGreaterThan(log.indexOf('second is up'));
    expect(node.mediator).toBe(noExchange);
    await node.stop();
    expect(log.filter((line) => line.startsWith('stop'))).toEqual([
      'stop second',
      'stop first',
      'stop between',
    ]);
  });

  it.each([
    'in start',
    'when ready',
  ])('that fails half-way (%s) releases everything it took', async (when) => {
    const log: string[] = [];
    const databasePrefix = `${newDatabaseName()}_`;
    const jobs: JobSpec[] = [{ name: 'work', handle: async () => undefined }];
    const broken = defineBlock({
      name: 'broken',
      title: 'Broken',
      version: '0.1.0',
      surfaces: [],
      config: Type.Object({}),
      async start(ctx) {
        await sql`select 1`.execute(ctx.database());
        if (when === 'in start') throw new Error('the block is broken');
        return {
          surfaces: [],
          jobs,
          ready: () => Promise.reject(new Error('the block is broken')),
          stop: () => Promise.reject(new Error('and cannot stop either')),
        };
      },
    });
    const start = startTestNode({
      blocks: [{ block: plain('sound', log, { jobs }) }, { block: broken }],
      databasePrefix,
    });
    await expect(start).rejects.toThrow('the block is broken');
    expect(log.at(-1)).toBe('stop sound');
    await expect.poll(() => connectionsTo(databasePrefix), soon).toBe(0);
  });

  it('says which setting is unknown or has a bad value, and does not start', async () => {
    const start = (config: object) =>
      startTestNode({ blocks: [{ block: notesBlock, config: { ...config } }] });
    await expect(start({ retries: -1 })).rejects.toThrow(/settings of notes are not valid: \/retries .*>= 0/);
    process.env.GOVSTACK_NOTES_GREETNIG = 'hi';
    try {
      await expect(start({})).rejects.toThrow(
        'unknown setting GOVSTACK_NOTES_GREETNIG; known: GOVSTACK_NOTES_GREETING, GOVSTACK_NOTES_RETRIES',
      );
    } finally {
      delete process.env.GOVSTACK_NOTES_GREETNIG;
    }
    process.env.GOVSTACK_NOTES_RETRIES = 'many';
    try {
      await expect(start({})).rejects.toThrow(/settings of notes are not valid: \/retries must be integer/);
    } finally {
      delete process.env.GOVSTACK_NOTES_RETRIES;
    }
  });

  it('takes settings from the environment, where no host gives another, and typed', async () => {
    let config: unknown;
    const block = defineBlock({
      name: 'tuned-block',
      title: 'Tuned',
      version: '0.1.0',
      surfaces: [],
      config: Type.Object({
        batchSize: Type.Integer({ default: 5 }),
        open: Type.Boolean({ default: false }),
        list: Type.Array(Type.String(), { default: [] }),
        name: Type.String({ default: 'none' }),
      }),
      async start(ctx) {
        config = ctx.config;
        return { surfaces: [] };
      },
    });
    const given = {
      GOVSTACK_TUNED_BLOCK_BATCH_SIZE: '7',
      GOVSTACK_TUNED_BLOCK_OPEN: 'true',
      GOVSTACK_TUNED_BLOCK_LIST: '["a"]',
      GOVSTACK_TUNED_BLOCK_NAME: 'from outside',
    };
    Object.assign(process.env, given);
    try {
      await started({ blocks: [{ block, config: { name: 'from the host' } }] });
    } finally {
      for (const name of Object.keys(given)) delete process.env[name];
    }
    expect(config).toEqual({ batchSize: 7, open: true, list: ['a'], name: 'from the host' });
  });

  it('without a database says which variable names one', async () => {
    const start = startNode({
      blocks: [{ block: notesBlock, application: 'TEST/GOV/BLOCKS/notes' }],
      secret: Buffer.alloc(32),
      log: pino({ level: 'silent' }),
    });
    await expect(start).rejects.toThrow(/GOVSTACK_NOTES_DATABASE_URL or DATABASE_URL/);
  });
});

const open = defineSurface({
  name: 'open-v1',
  title: 'Open to everyone',
  version: '1.0.0',
  compliance: true,
  operations: {
    look: defineOperation({
      id: 'look',
      method: 'GET',
      path: '/look',
      summary: 'Look',
      access: { caller: 'public' },
      responses: { 200: Type.Object({}) },
    }),
  },
});
const openBlock = defineBlock({
  name: 'open',
  title: 'Open',
  version: '0.1.0',
  surfaces: [open],
  config: Type.Object({}),
  start: async () => ({ surfaces: [implement(open, { look: async () => ({ status: 200, body: {} }) })] }),
});

describe('the compliance profile', () => {
  it('is off unless asked for, and says so loudly when it is on', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) });
    const usual = await started({ blocks: [{ block: openBlock }], node: { log } });
    for (const url of ['/look', '/open-v1/look'])
      expect((await usual.server('open').inject(url)).statusCode).toBe(404);
    expect(lines.join('')).not.toContain('COMPLIANCE');
    const asked = await started({ blocks: [{ block: openBlock }], node: { log, profile: 'compliance' } });
    expect((await asked.server('open').inject('/look')).statusCode).toBe(200);
    expect(lines.join('')).toContain('COMPLIANCE PROFILE');
  });
});

describe('health', () => {
  const health = async (server: FastifyInstance) => ({
    live: (await server.inject('/health/live')).statusCode,
    ready: (await server.inject('/health/ready')).statusCode,
  });

  it('[CFR-ARC-15] is ready from the end of the start to the beginning of the stop, and live throughout', async () => {
    let server: FastifyInstance | undefined;
    const during: object[] = [];
    const look = async (): Promise<void> =>
      void during.push(await health(server as unknown as FastifyInstance));
    const watched = plain('watched', [], {
      routes: (fastify) => {
        server = fastify;
      },
      ready: look,
    });
    const { block, state, release } = slowBlock();
    const node = await started({ blocks: [{ block: watched }, { block }] });
    expect(during).toEqual([{ live: 200, ready: 503 }]);
    expect(await health(node.server('watched'))).toEqual({ live: 200, ready: 200 });
    const url = await node.listen({ port: 0, all: 'slow' });
    const agent = new Agent();
    const inFlight = answerOf(`${url}/slow`, agent);
    await expect.poll(() => state.asked, soon).toBe(1);
    const stopped = node.stop();
    expect(await health(node.server('watched'))).toEqual({ live: 200, ready: 503 });
    release();
    await Promise.all([inFlight, stopped]);
    agent.destroy();
  });

  it('[CFR-ARC-15] is not ready while a block of the node cannot do its work, and tells nobody outside why', async () => {
    let broken = false;
    const block = plain('moody', [], {
      health: async () => {
        if (broken) throw new Error('the vault at 10.1.2.3 is closed');
      },
    });
    const node = await started({ blocks: [{ block: plain('sound', []) }, { block }] });
    expect((await health(node.server('sound'))).ready).toBe(200);
    broken = true;
    for (const name of ['moody', 'sound'])
      expect(await health(node.server(name))).toEqual({ live: 200, ready: 503 });
    expect((await node.server('moody').inject('/health/ready')).body).not.toContain('vault');
    broken = false;
    expect((await health(node.server('moody'))).ready).toBe(200);
  });

  it('[CFR-ARC-15] is not ready while its database is out of reach, and recovers with it', async () => {
    const node = await started({ blocks: [{ block: notesBlock }] });
    const database = `${node.databasePrefix}notes`;
    await asAdmin(`alter database "${database}" with allow_connections false`);
    await asAdmin('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [database]);
    await expect.poll(() => health(node.server('notes')), soon).toEqual({ live: 200, ready: 503 });
    await asAdmin(`alter database "${database}" with allow_connections true`);
    await expect.poll(() => health(node.server('notes')), soon).toEqual({ live: 200, ready: 200 });
    expect((await node.client(notes).writeNote({ body: { text: 'back again' } })).status).toBe(201);
  });

  it('answers within seconds when a block does not', async () => {
    const block = plain('mute', [], { health: () => new Promise(() => undefined) });
    const node = await started({ blocks: [{ block }] });
    const begun = Date.now();
    expect((await node.server('mute').inject('/health/ready')).statusCode).toBe(503);
    expect(Date.now() - begun).toBeLessThan(15_000);
  });
});

/** A block whose one answer waits until it is told to come. */
function slowBlock() {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const state = { asked: 0 };
  const block = plain('slow', [], {
    routes: (fastify) => {
      fastify.get('/slow', async () => {
        state.asked += 1;
        await held;
        return { answered: true };
      });
    },
  });
  return { block, state, release };
}

const answerOf = (url: string, agent: Agent): Promise<{ status: number; body: string }> =>
  new Promise((resolve, reject) => {
    get(url, { agent }, (response: IncomingMessage) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    }).on('error', reject);
  });

const refusesConnections = async (url: string): Promise<boolean> => {
  const { port } = new URL(url);
  const socket = connectSocket({ port: Number(port), host: '127.0.0.1' });
  const outcome = await Promise.race([
    once(socket, 'connect').then(() => false),
    once(socket, 'error').then(() => true),
  ]).catch(() => true);
  socket.destroy();
  return outcome;
};

describe('stopping', () => {
  it('[CFR-DEP-10] finishes requests in flight, takes no new ones, and is done as soon as they are', async () => {
    const { block, state, release } = slowBlock();
    const node = await started({ blocks: [{ block }], node: { drainMs: 20_000 } });
    const url = await node.listen({ port: 0, all: 'slow' });
    const agent = new Agent({ keepAlive: true });
    const answer = answerOf(`${url}/slow`, agent);
    await expect.poll(() => state.asked, soon).toBe(1);
    const stopped = node.stop();
    expect(await refusesConnections(url)).toBe(true);
    const begun = Date.now();
    release();
    expect(await answer).toEqual({ status: 200, body: '{"answered":true}' });
    await stopped;
    // A client that keeps its connection open must not hold up the stop.
    expect(Date.now() - begun).toBeLessThan(12_000);
    agent.destroy();
  });

  it('[CFR-DEP-10] waits no longer than it was told to', async () => {
    const { block, state } = slowBlock();
    const node = await started({ blocks: [{ block }], node: { drainMs: 300 } });
    const url = await node.listen({ port: 0, all: 'slow' });
    const answer = answerOf(`${url}/slow`, new Agent()).catch((error: Error) => error);
    await expect.poll(() => state.asked, soon).toBe(1);
    const begun = Date.now();
    await node.stop();
    expect(Date.now() - begun).toBeLessThan(12_000);
    expect(await answer).toBeInstanceOf(Error);
  });

  it('releases databases, also what comes after a block that cannot stop, and is over for whoever waits for it', async () => {
    const log: string[] = [];
    const broken = plain('broken', [], { stop: () => Promise.reject(new Error('cannot stop')) });
    const node = await startTestNode({ blocks: [{ block: plain('sound', log) }, { block: broken }] });
    const both = await Promise.allSettled([node.stop(), node.stop()]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(log.at(-1)).toBe('stop sound');
    await expect.poll(() => connectionsTo(node.databasePrefix), soon).toBe(0);
  });

  it('closes every listener it opened', async () => {
    const node = await started({ blocks: [{ block: notesBlock }] });
    const urls = [await node.listen({ port: 0, all: 'notes' }), await node.listen({ port: 0, all: 'notes' })];
    await node.stop();
    for (const url of urls) expect(await refusesConnections(url)).toBe(true);
  });
});

describe('neighbours', () => {
  it('[CFR-ARC-1][CFR-SEC-8] a block cannot enter the database of another, nor administer the server', async () => {
    let url = '';
    const curious = defineBlock({
      name: 'curious',
      title: 'Curious',
      version: '0.1.0',
      surfaces: [],
      config: Type.Object({}),
      async start(ctx) {
        url = ctx.pool.options.connectionString ?? '';
        return { surfaces: [] };
      },
    });
    const node = await started({ blocks: [{ block: notesBlock }, { block: curious }] });
    await sql`select 1`.execute(node.database('curious'));
    for (const database of [`${node.databasePrefix}notes`, 'postgres']) {
      const neighbour = new URL(url);
      neighbour.pathname = `/${database}`;
      const client = new pg.Client({ connectionString: neighbour.toString() });
      const attempt = client
        .connect()
        .then(() => client.query('select text from note'))
        .finally(() => client.end());
      await expect(attempt, database).rejects.toThrow(/permission denied|does not exist/);
    }
    const asCurious = (text: string) => sql.raw(text).execute(node.database('curious'));
    await expect(asCurious(`create database "${node.databasePrefix}mine"`)).rejects.toThrow(
      /permission denied/,
    );
    await expect(asCurious('create role intruder')).rejects.toThrow(/permission denied/);
    await expect(asCurious(`set role "${node.databasePrefix}notes"`)).rejects.toThrow(/permission denied/);
    await expect(asCurious("copy (select 1) to program 'true'")).rejects.toThrow(/permission denied/);
  });

  it('have secrets of their own, one for each purpose, the same after a restart', async () => {
    const secrets = async (databasePrefix?: string): Promise<Map<string, string>> => {
      const found = new Map<string, string>();
      const block = (name: string): AnyBlock =>
        defineBlock({
          name,
          title: name,
          version: '0.1.0',
          surfaces: [],
          config: Type.Object({}),
          async start(ctx) {
            for (const purpose of ['cookies', 'keys'])
              found.set(`${name}/${purpose}`, ctx.secret(purpose).toString('hex'));
            return { surfaces: [] };
          },
        });
      const node = await startTestNode({
        blocks: [{ block: block('one') }, { block: block('two') }],
        ...(databasePrefix === undefined ? {} : { databasePrefix }),
      });
      prefix = node.databasePrefix;
      await node.stop();
      return found;
    };
    let prefix: string | undefined;
    const first = await secrets();
    expect(new Set(first.values()).size).toBe(4);
    expect(await secrets(prefix)).toEqual(first);
  });
});

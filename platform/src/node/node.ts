import { createHmac } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { JWK } from 'jose';
import { type Kysely, sql } from 'kysely';
import type { Logger } from 'pino';
import type { AnyBlock, BlockContext, BlockRuntime, Mediation, Profile } from '../block/block.ts';
import { readConfig } from '../block/config.ts';
import type { ApplicationId } from '../caller/caller.ts';
import { callerVerifier } from '../caller/caller-token.ts';
import { type IdentityTrust, type Person, type PersonVerifier, personVerifier } from '../caller/person.ts';
import { newId } from '../context/ids.ts';
import { outsideLocalCall, withLocalCall } from '../context/local-call.ts';
import { connect, migrate, provisionDatabase } from '../database/index.ts';
import { implementEvents } from '../events/inbox.ts';
import { startOutboxRelay } from '../events/outbox.ts';
import { createJobs, type RunningJobs } from '../jobs/jobs.ts';
import { createClient, outgoingHeaders } from '../mediation/client.ts';
import type { LocalProviders, MediatorPort } from '../mediation/port.ts';
import { createLogger } from '../observability/log.ts';
import { createMetrics } from '../observability/metrics.ts';
import { createBlockServer } from './block-server.ts';
import { type Listener, type ListenOptions, listen, type Mount } from './listener.ts';
import { releaseAll, within } from './release.ts';

/** One block to mount, and who it is in the mediator's directory. */
export interface BlockSetup {
  readonly block: AnyBlock;
  /** Its own application: the identity of its outgoing calls. */
  readonly application: ApplicationId;
  /** Applications it answers for; its own when absent, any when `'*'` (a registry host, say). */
  readonly answersAs?: readonly ApplicationId[] | '*';
  readonly config?: Readonly<Record<string, unknown>>;
  /** Its database; otherwise one is provisioned on the node's server. */
  readonly databaseUrl?: string;
}

export interface NodeOptions {
  readonly blocks: readonly BlockSetup[];
  /** Administrator URL of the PostgreSQL server on which missing databases are made. */
  readonly adminUrl?: string;
  /** Prefix of database and role names on a shared server. */
  readonly databasePrefix?: string;
  /** Master secret of the installation, at least 32 bytes; everything else is derived from it. */
  readonly secret: Buffer;
  readonly profile?: Profile;
  readonly identity?: IdentityTrust;
  /** Public keys of mediators whose caller tokens are believed. */
  readonly mediatorKeys?: readonly JWK[];
  /** Reached over HTTP when no mediator is mounted here. */
  readonly mediator?: MediatorPort;
  readonly log?: Logger;
  readonly strictResponses?: boolean;
  readonly processMetrics?: boolean;
  /** Gives `/metrics` to everybody who reaches the listener; otherwise to callers on this machine only. */
  readonly metricsAnywhere?: boolean;
  /** Milliseconds in-flight requests and jobs together get to finish on shutdown; 30 s when absent. */
  readonly drainMs?: number;
  /** Told as each block comes up. */
  readonly onProgress?: (message: string) => void;
}

export interface GovstackNode {
  readonly log: Logger;
  readonly mediator: MediatorPort;
  readonly localProviders: LocalProviders;
  /** Opens the public listener: `all` serves one block whole, otherwise every block's public paths. */
  listen(options: ListenOptions & { readonly all?: string }): Promise<string>;
  /** Calls other applications as the given one, which this node must run. */
  mediation(application: ApplicationId): Mediation;
  server(block: string): FastifyInstance;
  database(block: string): Kysely<unknown>;
  /** Rejects with the reason while any block is not ready. */
  ready(): Promise<void>;
  /** Finishes what is under way and releases everything. Called again it waits for the same end. */
  stop(): Promise<void>;
}

interface Mounted {
  readonly setup: BlockSetup;
  readonly db: Kysely<unknown>;
  readonly close: () => Promise<void>;
  readonly jobs: RunningJobs;
  readonly runtime: BlockRuntime;
  readonly server: FastifyInstance;
  relay?: { stop(): Promise<void> };
}

/** Milliseconds in which a block has to say that it is ready. */
const healthPatience = 5_000;

/** What the database of a block and its role are called. */
export const databaseName = (prefix: string, block: string): string =>
  `${prefix}${block.replaceAll('-', '_')}`;

const databaseVariable = (block: string): string =>
  `GOVSTACK_${block.replaceAll('-', '_').toUpperCase()}_DATABASE_URL`;

const noMediator: MediatorPort = {
  exchange: () => Promise.reject(new Error('this node has no information mediator to call through')),
  publish: () => Promise.reject(new Error('this node has no information mediator to publish through')),
};

/** Calls of one application through the node's mediator, whichever that is at the time of the call. */
export function mediationFor(own: ApplicationId, mediator: () => MediatorPort): Mediation {
  const as = (other: ApplicationId | undefined): { client: ApplicationId; operator?: ApplicationId } =>
    other === undefined || other === own ? { client: own } : { client: other, operator: own };
  return {
    client: (surface, service, options = {}) =>
      createClient(surface, { ...as(options.as), service }, (request) => mediator().exchange(request)),
    request({ as: other, timeout, ...request }) {
      const { headers, remaining } = outgoingHeaders(timeout);
      const signals = [
        request.signal,
        remaining === undefined ? undefined : AbortSignal.timeout(Math.ceil(remaining)),
      ];
      const present = signals.filter((signal) => signal !== undefined);
      return mediator().exchange({
        ...request,
        ...as(other),
        headers: { ...headers, ...request.headers },
        ...(present.length === 0 ? {} : { signal: AbortSignal.any(present) }),
      });
    },
  };
}

/** Starts the blocks of one process: databases, migrations, surfaces, jobs, events; the mediator first. */
export async function startNode(options: NodeOptions): Promise<GovstackNode> {
  const log = options.log ?? createLogger('info');
  const metrics = createMetrics(options.processMetrics ?? false);
  const profile = options.profile ?? 'standard';
  const drainMs = options.drainMs ?? 30_000;
  if (profile === 'compliance') {
    log.warn(
      'COMPLIANCE PROFILE: seeded test data, operations open to everyone. Never use this with real data.',
    );
  }
  const mounted = new Map<string, Mounted>();
  let mediator: MediatorPort = options.mediator ?? noMediator;
  let stopping = false;
  let allReady = false;
  const personOf: PersonVerifier = options.identity
    ? personVerifier(options.identity)
    : async (): Promise<Person | undefined> => undefined;
  const callerOf = callerVerifier(options.mediatorKeys ?? []);
  const names = options.blocks.map((setup) => setup.block.name);

  const localProviders: LocalProviders = {
    async dispatch(blockName, surface, request, caller) {
      const target = mounted.get(blockName);
      if (!target?.runtime.surfaces.some((one) => one.surface.name === surface)) return undefined;
      const response = await withLocalCall(
        { caller, surface, signal: request.signal },
        async () =>
          // Awaited in here: an injection starts only when it is awaited.
          await target.server.inject({
            method: request.method as 'GET',
            url: `/${surface}${request.path}`,
            headers: request.headers,
            ...(request.body === undefined ? {} : { payload: Buffer.from(request.body as Uint8Array) }),
          }),
      );
      const headers: Record<string, string> = {};
      for (const [name, value] of Object.entries(response.headers)) {
        if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : String(value);
      }
      return { status: response.statusCode, headers, body: response.rawPayload };
    },
  };

  const isReady = (one: Mounted): Promise<void> => {
    const checks = async (): Promise<void> => {
      await sql`select 1`.execute(one.db);
      await one.runtime.health?.();
    };
    return within(healthPatience, checks(), `the health of ${one.setup.block.name}`);
  };

  async function mount(setup: BlockSetup): Promise<void> {
    const { block } = setup;
    const config = readConfig(block.name, block.config, setup.config, process.env, names);
    const secret = (purpose: string): Buffer =>
      createHmac('sha256', options.secret).update(`${block.name}/${purpose}`).digest();
    const url =
      setup.databaseUrl ??
      process.env[databaseVariable(block.name)] ??
      (await provision(block.name, secret('database').toString('base64url')));
    await migrate({ url, history: 'platform', directory: new URL('../../migrations/', import.meta.url) });
    if (block.migrations) await migrate({ url, history: block.name, directory: block.migrations });
    const connection = connect<unknown>(url, { max: 12, applicationName: block.name });
    const blockLog = log.child({ block: block.name });
    const jobs = createJobs(url, blockLog);
    const context: BlockContext = {
      config,
      application: setup.application,
      profile,
      log: blockLog,
      metrics: metrics.registry,
      database: <DB>() => connection.db as unknown as Kysely<DB>,
      pool: connection.pool,
      jobs,
      mediation: mediationFor(setup.application, () => mediator),
      secret,
      personOf,
      now: () => new Date(),
      newId,
      localProviders: block.mediator ? localProviders : undefined,
    };
    let started: BlockRuntime | undefined;
    try {
      started = await block.start(context as never);
      await serve(started);
    } catch (error) {
      await releaseAll([() => jobs.stop(0), () => started?.stop?.(), connection.close]).catch((failure) =>
        blockLog.warn({ err: failure }, 'not everything could be released'),
      );
      throw error;
    }

    async function serve(runtime: BlockRuntime): Promise<void> {
      await jobs.prepare(runtime.jobs ?? []);
      const surfaces = runtime.hears?.length
        ? [...runtime.surfaces, implementEvents(connection.db, runtime.hears)]
        : runtime.surfaces;
      const whole: BlockRuntime = { ...runtime, surfaces };
      const answersAs = setup.answersAs === '*' ? undefined : new Set(setup.answersAs ?? [setup.application]);
      const server = await createBlockServer(block, whole, {
        callerOf,
        personOf,
        ...(answersAs ? { answersAs } : {}),
        strictResponses: options.strictResponses ?? false,
        log: blockLog,
        metrics,
        profile,
        ready: () => node.ready(),
        metricsAnywhere: options.metricsAnywhere ?? false,
      });
      mounted.set(block.name, {
        setup,
        db: connection.db,
        close: connection.close,
        jobs,
        runtime: whole,
        server,
      });
      if (runtime.mediator) mediator = runtime.mediator;
      options.onProgress?.(`${block.title} is up`);
    }
  }

  async function provision(block: string, secret: string): Promise<string> {
    if (!options.adminUrl)
      throw new Error(`no database for ${block}: set ${databaseVariable(block)} or DATABASE_URL`);
    return provisionDatabase({
      adminUrl: options.adminUrl,
      name: databaseName(options.databasePrefix ?? '', block),
      secret,
    });
  }

  const listeners: Listener[] = [];
  let stopped: Promise<void> | undefined;
  const node: GovstackNode = {
    log,
    get mediator() {
      return mediator;
    },
    localProviders,
    async listen({ all, ...listenOptions }) {
      const mounts: Mount[] = [];
      for (const one of mounted.values()) {
        const paths = all === one.setup.block.name ? ['/'] : (one.setup.block.publicPaths ?? []);
        for (const prefix of paths) mounts.push({ prefix, fastify: one.server });
      }
      const first = mounted.values().next().value;
      if (first) for (const prefix of ['/health', '/metrics']) mounts.push({ prefix, fastify: first.server });
      const listener = await listen(mounts, listenOptions);
      listeners.push(listener);
      return listener.url;
    },
    mediation: (application) => mediationFor(application, () => mediator),
    server: (name) => find(name).server,
    database: (name) => find(name).db,
    async ready() {
      if (!allReady || stopping) throw new Error(stopping ? 'stopping' : 'starting');
      await Promise.all([...mounted.values()].map(isReady));
    },
    stop() {
      stopping = true;
      stopped ??= stop();
      return stopped;
    },
  };
  async function stop(): Promise<void> {
    const deadline = Date.now() + drainMs;
    const left = (): number => Math.max(0, deadline - Date.now());
    const all = [...mounted.values()].reverse();
    await releaseAll([
      () => Promise.all(listeners.map((listener) => listener.close(drainMs))),
      ...all.map((one) => () => one.relay?.stop()),
      () => Promise.all(all.map((one) => one.jobs.stop(left()))),
      ...all.map((one) => () => one.server.close()),
      ...all.map((one) => () => one.runtime.stop?.()),
      ...all.map((one) => () => one.close()),
    ]);
  }
  const find = (name: string): Mounted => {
    const one = mounted.get(name);
    if (!one) throw new Error(`block ${name} is not mounted in this node`);
    return one;
  };

  try {
    const ordered = [...options.blocks].sort(
      (a, b) => Number(b.block.mediator ?? false) - Number(a.block.mediator ?? false),
    );
    await outsideLocalCall(async () => {
      for (const setup of ordered) await mount(setup);
      for (const one of mounted.values()) await one.runtime.ready?.();
      for (const one of mounted.values()) {
        await one.jobs.work(one.runtime.jobs ?? []);
        if (one.setup.block.emits?.length) {
          one.relay = startOutboxRelay(
            one.db,
            one.setup.application,
            { publish: (from, event) => mediator.publish(from, event) },
            log,
          );
        }
      }
    });
    allReady = true;
  } catch (error) {
    await node.stop().catch((failure) => log.warn({ err: failure }, 'not everything could be released'));
    throw error;
  }
  return node;
}

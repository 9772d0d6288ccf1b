import { checkedConnections, defineBlock, eventsSurface, implement } from '@govstack/platform';
import { Type } from '@govstack/platform/operation';
import { Gauge } from 'prom-client';
import { adminHandlers } from './api/admin-handlers.ts';
import { answerSuite } from './api/compliance/handlers.ts';
import { workflowSuite } from './api/compliance/operations.ts';
import { seedSuite } from './api/compliance/seed.ts';
import { eventHandlers } from './api/event-handlers.ts';
import { instanceHandlers } from './api/instance-handlers.ts';
import {
  incidentRaised,
  instanceEnded,
  instanceOverdue,
  scimApi,
  userTaskCreated,
  userTaskWithdrawn,
  workflowAdmin,
  workflowApi,
} from './api/operations.ts';
import { processHandlers } from './api/process-handlers.ts';
import { scimHandlers } from './api/scim-handlers.ts';
import { taskHandlers } from './api/task-handlers.ts';
import { createAuthenticator } from './calls/authenticate.ts';
import { createDescriptions } from './calls/descriptions.ts';
import { performCall } from './calls/perform.ts';
import { createModels } from './definitions/definitions.ts';
import { createDrawings } from './drawing/drawings.ts';
import type { Engine } from './instances/apply.ts';
import { createEnds } from './instances/ends.ts';
import { createWorker } from './jobs/worker.ts';
import { tidyMessages } from './messages/messages.ts';
import { createDelivery } from './notices/delivery.ts';
import { withRights } from './provisioning/acting-person.ts';
import { createVault } from './provisioning/vault.ts';
import { removeExpired } from './retention/retention.ts';
import { createScripts } from './scripts/scripts.ts';
import { sealingWith } from './sealing.ts';
import type { WorkflowService } from './service.ts';
import { startDue } from './starts/schedule.ts';
import type { WorkflowTables } from './tables.ts';

const config = Type.Object({
  /** Calls of service tasks under way at the same time in this process. */
  concurrency: Type.Integer({ default: 20, minimum: 1, maximum: 500 }),
  /** Longest wait for an answer of a service, in milliseconds, where a task says nothing else. */
  callTimeoutMs: Type.Integer({ default: 30_000, minimum: 100, maximum: 600_000 }),
  /** Pauses before further attempts of a call, where a task says nothing else (ISO 8601). */
  retries: Type.Array(Type.String(), { default: ['PT1S', 'PT5S', 'PT30S', 'PT5M', 'PT30M'] }),
  /** Longest wait of a synchronous start, in milliseconds. */
  longestWaitMs: Type.Integer({ default: 30_000, minimum: 0, maximum: 110_000 }),
  /** Largest answer of a service, in bytes. */
  maxAnswerBytes: Type.Integer({ default: 16_777_216, minimum: 1024 }),
  /** Most elements an instance passes without waiting. */
  maxMoves: Type.Integer({ default: 1000, minimum: 10 }),
  /** Most runs of a multi-instance activity. */
  maxIterations: Type.Integer({ default: 1000, minimum: 1 }),
  /** Most instances that stand above one another, each called or started by the one before. */
  maxDepth: Type.Integer({ default: 10, minimum: 1, maximum: 100 }),
  /** Most signals and messages between instances that follow from one another at once. */
  maxHops: Type.Integer({ default: 16, minimum: 1, maximum: 1000 }),
  /** Milliseconds between looks for timers that come due and for jobs of other nodes. */
  pollMs: Type.Integer({ default: 500, minimum: 10 }),
  /** Networks (CIDR) besides the Internet to which connections may lead; private and local addresses are refused. */
  outsideNetworks: Type.Array(Type.String({ pattern: '^[0-9a-fA-F.:]+/[0-9]{1,3}$' }), { default: [] }),
  /** Threads of this process that run scripts. */
  scriptThreads: Type.Integer({ default: 2, minimum: 1, maximum: 64 }),
  /** Longest run of a script, in milliseconds. */
  scriptTimeMs: Type.Integer({ default: 2_000, minimum: 10, maximum: 60_000 }),
  /** Most memory of a script, in bytes. */
  scriptMemoryBytes: Type.Integer({ default: 67_108_864, minimum: 1_048_576, maximum: 1_073_741_824 }),
  /** Pauses before a state of an instance that was not taken is told again (ISO 8601); then it is given up. */
  noticeRetries: Type.Array(Type.String(), {
    default: ['PT5S', 'PT30S', 'PT5M', 'PT30M', 'PT2H', 'PT6H', 'PT12H', 'PT24H'],
  }),
  /** Roles whose holders supervise all processes of their agency. */
  administratorRoles: Type.Array(Type.String(), { default: ['administrator'] }),
  /** Roles whose holders draw, try and deploy processes of their agency; the administrators' where none are given. */
  designerRoles: Type.Optional(Type.Array(Type.String())),
  /** Applications that may provision persons and roles over SCIM, each for its own agency. */
  provisioners: Type.Array(Type.String(), { default: [] }),
  /** Roles whose holders see the processes of their agency and where each instance stands, and change nothing. */
  observerRoles: Type.Array(Type.String(), { default: ['process-observer'] }),
  /** Roles whose holders may also read the values of variables in the processes of their agency that they supervise. */
  dataRoles: Type.Array(Type.String(), { default: ['process-data-reader'] }),
});

/** Interprets BPMN processes: calls services, waits for people, timers and messages, and survives every crash. */
export const workflow = defineBlock({
  name: 'workflow',
  title: 'Workflow',
  version: '0.1.0',
  surfaces: [workflowApi, workflowAdmin, scimApi, eventsSurface, workflowSuite],
  config,
  migrations: new URL('../migrations/', import.meta.url),
  emits: [instanceEnded, instanceOverdue, userTaskCreated, userTaskWithdrawn, incidentRaised],
  async start(ctx) {
    const db = ctx.database<WorkflowTables>();
    const { maxMoves, maxIterations, maxDepth, maxHops, retries } = ctx.config;
    const engine: Engine = {
      application: ctx.application,
      models: createModels(),
      now: ctx.now,
      newId: ctx.newId,
      limits: { maxMoves, maxIterations, maxDepth, maxHops, retries },
    };
    const ends = createEnds(500);
    const stopping = new AbortController();
    const places = { networks: ctx.config.outsideNetworks };
    const dispatcher = checkedConnections(places);
    const sealing = sealingWith(ctx.secret('connections'));
    const outside = {
      db,
      sealing,
      places,
      dispatcher,
      authenticator: createAuthenticator(dispatcher),
      timeoutMs: ctx.config.callTimeoutMs,
      maxAnswerBytes: ctx.config.maxAnswerBytes,
      signal: stopping.signal,
    };
    const scripts = createScripts(ctx.config.scriptThreads, {
      timeMs: ctx.config.scriptTimeMs,
      memoryBytes: ctx.config.scriptMemoryBytes,
      resultBytes: ctx.config.maxAnswerBytes,
    });
    const delivery = createDelivery({
      db,
      calls: outside,
      log: ctx.log,
      now: ctx.now,
      retries: ctx.config.noticeRetries,
      pollMs: ctx.config.pollMs,
    });
    const calls = {
      outside,
      scripts,
      mediation: ctx.mediation,
      descriptions: createDescriptions(ctx.mediation, () => ctx.now().getTime()),
      timeoutMs: ctx.config.callTimeoutMs,
      maxAnswerBytes: ctx.config.maxAnswerBytes,
      signal: stopping.signal,
    };
    const worker = createWorker({
      db,
      pool: ctx.pool,
      engine,
      log: ctx.log,
      concurrency: ctx.config.concurrency,
      pollMs: ctx.config.pollMs,
      leaseMs: 660_000,
      perform: (job) => performCall(job, calls),
      onEnded(instanceId) {
        ends.ended(instanceId);
        delivery.wake();
      },
      deliverMessages: () => tidyMessages(db, engine, worker.took, ctx.log),
      startDue: () => startDue(db, engine, ctx.log, worker.took),
      async upkeep() {
        await tidyMessages(db, engine, worker.took, ctx.log);
        await removeExpired(db, engine);
      },
    });
    const service: WorkflowService = {
      db,
      engine,
      worker,
      ends,
      delivery,
      sealing,
      scripts,
      log: ctx.log,
      longestWaitMs: ctx.config.longestWaitMs,
      administratorRoles: ctx.config.administratorRoles,
      designerRoles: ctx.config.designerRoles ?? ctx.config.administratorRoles,
      observerRoles: ctx.config.observerRoles,
      dataRoles: ctx.config.dataRoles,
      drawings: createDrawings(),
    };
    new Gauge({
      name: 'govstack_workflow_open_incidents',
      help: 'Places where instances cannot go on without an operator',
      registers: [ctx.metrics],
      async collect() {
        const { open } = await db
          .selectFrom('incident')
          .select((count) => count.fn.countAll<string>().as('open'))
          .where('resolved_at', 'is', null)
          .executeTakeFirstOrThrow();
        this.set(Number(open));
      },
    });
    if (ctx.profile === 'compliance') await seedSuite(service);
    return {
      surfaces: [
        ...(ctx.profile === 'compliance' ? [answerSuite(service)] : []),
        implement(
          workflowApi,
          withRights(db, {
            ...processHandlers(service),
            ...instanceHandlers(service),
            ...taskHandlers(service),
          }),
        ),
        implement(workflowAdmin, withRights(db, adminHandlers(service))),
        implement(
          scimApi,
          scimHandlers({
            db,
            vault: createVault(ctx.secret('provisioned-profiles')),
            provisioners: ctx.config.provisioners,
            now: ctx.now,
            newId: ctx.newId,
          }),
        ),
        implement(eventsSurface, eventHandlers(service)),
      ],
      async ready() {
        await worker.start();
        delivery.start();
      },
      async stop() {
        // Calls get a little time; one that is cut off is made again under the same key.
        const timer = setTimeout(() => stopping.abort(), 5_000);
        await Promise.all([worker.stop(), delivery.stop()]);
        clearTimeout(timer);
        await Promise.all([scripts.stop(), dispatcher.destroy()]);
      },
    };
  },
});

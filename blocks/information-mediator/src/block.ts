import { generateKeyPairSync } from 'node:crypto';
import {
  type Caller,
  defineBlock,
  forbidden,
  implement,
  type MediatedRequest,
  type MediatedResponse,
  type MediatorPort,
  memberOf,
  newId,
} from '@govstack/platform';
import { Type } from '@govstack/platform/operation';
import type { JWK } from 'jose';
import { Histogram } from 'prom-client';
import { createAuthentication } from './api/client-authentication.ts';
import { mediatorAdmin, mediatorLog } from './api/operations.ts';
import { registerRoutes } from './api/routes.ts';
import {
  grantRight,
  putApplication,
  putMember,
  putService,
  putSubscription,
  withdrawRight,
} from './directory/administration.ts';
import { openDirectory } from './directory/directory.ts';
import type { MediatorTables } from './directory/tables.ts';
import { startDelivery, storeEvent } from './events/publish.ts';
import { openMessageLog } from './evidence/message-log.ts';
import { exchangesOf, trafficByService, verifyChain } from './evidence/read-log.ts';
import { createDescriptions } from './exchange/describe.ts';
import { errorResponse } from './exchange/errors.ts';
import { createExchange } from './exchange/exchange.ts';
import { openHttpProviders } from './exchange/http-provider.ts';

const config = Type.Object({
  /** Application that may write the directory and read the log. */
  governance: Type.String({ default: '' }),
  /** Further applications that may read the log. */
  logReaders: Type.Array(Type.String(), { default: [] }),
  /** Answer 403, 404, 503, 504 instead of X-Road's 400 and 500; the type is the same. */
  strictHttp: Type.Boolean({ default: true }),
  /** Keep message contents, sealed, in the log. Without, digests and signatures only. */
  logContents: Type.Boolean({ default: true }),
  bodyLimit: Type.Integer({ default: 67_108_864, minimum: 1024 }),
  /** Base URLs under which this mediator is known; client assertions must name one. */
  audiences: Type.Array(Type.String(), { default: [] }),
});

const metaService = (request: MediatedRequest): string | undefined =>
  request.method === 'GET' && request.service.endsWith('/getOpenAPI')
    ? (new URLSearchParams(request.path.split('?')[1] ?? '').get('serviceCode') ?? undefined)
    : undefined;

/** The information mediator: directory, rights, evidence, dispatch, events. */
export const informationMediator = defineBlock({
  name: 'information-mediator',
  title: 'Information mediator',
  version: '0.1.0',
  surfaces: [mediatorAdmin, mediatorLog],
  config,
  migrations: new URL('../migrations/', import.meta.url),
  publicPaths: ['/r1', '/listClients', '/node'],
  mediator: true,
  async start(ctx) {
    if (!ctx.localProviders)
      throw new Error('the information mediator must be mounted as the mediator of its node');
    const db = ctx.database<MediatorTables>();
    const sealingKey = ctx.secret('signing-keys');
    const governance = ctx.config.governance || ctx.application;

    for (const application of new Set([governance, ctx.application])) {
      await putMember(db, sealingKey, { id: memberOf(application), name: memberOf(application) });
      await putApplication(db, { id: application, name: application.split('/')[3] as string });
    }
    for (const surface of [mediatorAdmin, mediatorLog]) {
      const id = `${ctx.application}/${surface.name}`;
      await putService(db, {
        id,
        title: surface.title,
        target: `local:information-mediator/${surface.name}`,
      });
      for (const reader of surface === mediatorLog ? [governance, ...ctx.config.logReaders] : [governance]) {
        if (reader !== governance) {
          await putMember(db, sealingKey, { id: memberOf(reader), name: memberOf(reader) });
          await putApplication(db, { id: reader, name: reader.split('/')[3] as string });
        }
        await grantRight(db, { service: id, subject: reader }, ctx.application);
      }
    }

    const directory = await openDirectory(db, sealingKey);
    const log = openMessageLog(ctx.pool);
    const http = openHttpProviders();
    const nodeKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
      format: 'jwk',
    }) as JWK;
    const durations = new Histogram({
      name: 'govstack_exchange_duration_seconds',
      help: 'Time of an exchange including its evidence',
      labelNames: ['service', 'status'] as const,
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
      registers: [ctx.metrics],
    });
    const carry = createExchange({
      directory,
      log,
      local: ctx.localProviders,
      http,
      logger: ctx.log,
      nodeKey,
      contentKey: ctx.config.logContents ? ctx.secret('message-contents') : undefined,
      strictHttp: ctx.config.strictHttp,
      observe: (service, status, seconds) => durations.observe({ service, status: String(status) }, seconds),
    });
    const describe = createDescriptions(directory, ctx.localProviders, http);
    const exchange = async (request: MediatedRequest): Promise<MediatedResponse> => {
      const code = metaService(request);
      if (code === undefined) return carry(request);
      const document = await describe(request.service.replace(/\/getOpenAPI$/, `/${code}`));
      if (!document)
        return errorResponse(
          'unknownService',
          'There is no description of this service',
          newId(),
          ctx.config.strictHttp,
        );
      return {
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: Buffer.from(JSON.stringify(document)),
      };
    };

    let delivery: ReturnType<typeof startDelivery> | undefined;
    const mediator: MediatorPort = {
      exchange,
      async publish(_from, event) {
        await storeEvent(db, event);
        delivery?.wake();
      },
    };

    const administrate = (caller: Caller): void => {
      if (caller.application !== governance)
        throw forbidden('Only the governance application writes the directory');
    };
    const readLog = (caller: Caller): void => {
      if (caller.application !== governance && !ctx.config.logReaders.includes(caller.application)) {
        throw forbidden('This application may not read the message log');
      }
    };
    const written = async (work: Promise<void>): Promise<{ readonly status: 204 }> => {
      await work;
      await directory.refresh();
      return { status: 204 };
    };

    return {
      mediator,
      surfaces: [
        implement(mediatorAdmin, {
          putMember: async ({ body, caller }) => {
            administrate(caller);
            return written(putMember(db, sealingKey, body));
          },
          putApplication: async ({ body, caller }) => {
            administrate(caller);
            return written(putApplication(db, body));
          },
          putService: async ({ body, caller }) => {
            administrate(caller);
            return written(putService(db, body));
          },
          grantRight: async ({ body, caller }) => {
            administrate(caller);
            return written(grantRight(db, body, caller.application));
          },
          withdrawRight: async ({ body, caller }) => {
            administrate(caller);
            return written(withdrawRight(db, body));
          },
          putSubscription: async ({ body, caller }) => {
            administrate(caller);
            return written(putSubscription(db, body));
          },
          readDirectory: async ({ caller }) => {
            administrate(caller);
            return {
              status: 200,
              body: {
                members: [...directory.members()],
                applications: directory.applications().map(({ id, name }) => ({ id, name })),
                services: directory
                  .services()
                  .map(({ id, title, target, enabled }) => ({ id, title, target, enabled })),
              },
            };
          },
        }),
        implement(mediatorLog, {
          listExchanges: async ({ query, caller }) => {
            readLog(caller);
            return {
              status: 200,
              body: { exchanges: await exchangesOf(db, query.correlationId, query.limit ?? 200) },
            };
          },
          verifyLog: async ({ query, caller }) => {
            readLog(caller);
            return {
              status: 200,
              body: await verifyChain(db, BigInt(query.from ?? '1'), query.limit ?? 100_000),
            };
          },
          listTraffic: async ({ caller }) => {
            readLog(caller);
            return { status: 200, body: { services: await trafficByService(db) } };
          },
        }),
      ],
      routes: (fastify) =>
        registerRoutes(fastify, {
          directory,
          authenticate: createAuthentication(directory, () => ctx.config.audiences),
          exchange: carry,
          publish: (event) => mediator.publish(event.source, event),
          describe,
          strictHttp: ctx.config.strictHttp,
          bodyLimit: ctx.config.bodyLimit,
        }),
      async ready() {
        delivery = startDelivery(db, exchange, ctx.log);
      },
      async stop() {
        await delivery?.stop();
        await log.close();
        directory.close();
        await http.close();
      },
    };
  },
});

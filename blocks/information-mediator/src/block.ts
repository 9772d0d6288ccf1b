import { createSecretKey } from 'node:crypto';
import {
  applicationOf,
  callerSigner,
  defineBlock,
  forbidden,
  type MediatorPort,
  newId,
} from '@govstack/platform';
import type { JWK } from 'jose';
import { administer } from './api/admin/handlers.ts';
import type { Governance } from './api/authority.ts';
import { centreOf } from './api/centre/handlers.ts';
import { answerSuite } from './api/compliance/handlers.ts';
import { directorySuite } from './api/compliance/operations.ts';
import { seedSuite } from './api/compliance/seed.ts';
import { configurationPaths, registerConfigurationRoutes } from './api/configuration/direct.ts';
import { manageConfiguration } from './api/configuration/handlers.ts';
import { administerGateway } from './api/gateway/handlers.ts';
import { keysOf } from './api/keys/handlers.ts';
import { readMessageLog } from './api/message-log/handlers.ts';
import { giveMonitoring } from './api/monitoring/handlers.ts';
import {
  mediatorAdmin,
  mediatorCentre,
  mediatorConfig,
  mediatorGateway,
  mediatorKeys,
  mediatorLog,
  mediatorMonitoring,
  mediatorRegistration,
  mediatorRooms,
  roomApi,
  roomPub,
  roomPull,
} from './api/operations.ts';
import { registerOnRequest } from './api/registration/handlers.ts';
import { createAuthentication } from './api/rest/client-authentication.ts';
import { type ClientListener, openClientListener } from './api/rest/client-listener.ts';
import { registerRestInterface } from './api/rest/routes.ts';
import { openSpentAssertions } from './api/rest/spent-assertions.ts';
import { administerRooms } from './api/rooms/administration.ts';
import { serveRooms } from './api/rooms/handlers.ts';
import { archiveLog, eraseArchived } from './archive/archive.ts';
import { auditing } from './audit/audit.ts';
import { config } from './config.ts';
import { createPageTokens } from './configuration/page-token.ts';
import { openDescriptions } from './descriptions/descriptions.ts';
import { createMetaServices } from './descriptions/meta-services.ts';
import { bootstrapDirectory } from './directory/bootstrap.ts';
import { openDirectory } from './directory/directory.ts';
import { type Delivery, startDelivery } from './events/delivery.ts';
import { storeEvent } from './events/publish.ts';
import { eraseOldEvents } from './events/retention.ts';
import { openMessageLog } from './evidence/message-log.ts';
import { eraseOldContents } from './evidence/retention.ts';
import { openSignatures } from './evidence/signature.ts';
import type { Wording } from './exchange/errors.ts';
import { createEvidence } from './exchange/evidence.ts';
import { createExchange } from './exchange/exchange.ts';
import { openHttpProviders } from './exchange/http-provider.ts';
import type { ObservedExchange } from './exchange/observation.ts';
import type { Obstacle } from './exchange/obstacles.ts';
import type { Providers } from './exchange/provide.ts';
import { fromMediated, toMediated } from './exchange/request.ts';
import { createServe } from './exchange/serve.ts';
import { createServePeer } from './exchange/serve-peer.ts';
import { openCredentials } from './gateway/credentials.ts';
import { createGateway } from './gateway/gateway.ts';
import { eraseOldCounts, openLimits } from './gateway/limits.ts';
import { endPlans } from './gateway/plans.ts';
import { openUpstreams } from './gateway/upstreams.ts';
import { openValidation } from './gateway/validation.ts';
import { openKeyring } from './keys/keyring.ts';
import { open, seal } from './keys/sealed-box.ts';
import { createMediatorMetrics } from './metrics.ts';
import { openMonitoring } from './monitoring/monitoring.ts';
import { openSecurityServer } from './peers/security-server.ts';
import type { MediatorTables } from './tables.ts';
import { openStamping } from './time-stamps/stamping.ts';

const version = '0.1.0';

/** What the mediator itself offers to applications, each a service of its own. */
const ownSurfaces = [
  mediatorAdmin,
  mediatorLog,
  mediatorMonitoring,
  mediatorConfig,
  mediatorCentre,
  mediatorKeys,
  mediatorRegistration,
  mediatorRooms,
  mediatorGateway,
] as const;

/** What applications in other processes use. */
const exchangePaths = ['/r1', '/listClients', '/node'];

/** Milliseconds that requests in flight on the clients' own listener get to finish. */
const patienceMs = 10_000;

/** The information mediator: directory, rights, evidence, dispatch, events. */
export const informationMediator = defineBlock({
  name: 'information-mediator',
  title: 'Information mediator',
  version,
  surfaces: [...ownSurfaces, roomApi, roomPub, roomPull, directorySuite],
  config,
  migrations: new URL('../migrations/', import.meta.url),
  publicPaths: [...exchangePaths, ...configurationPaths, '/configuration', '/trust'],
  mediator: true,
  async start(ctx) {
    const { config: settings, localProviders: local, application: own } = ctx;
    if (!local) throw new Error('the information mediator must be mounted as the mediator of its node');
    const db = ctx.database<MediatorTables>();
    const governance: Governance = {
      application: settings.bootstrap.governance ?? own,
      logReaders: settings.logReaders,
    };
    const instance = settings.bootstrap.instance ?? (own.split('/')[0] as string);
    await bootstrapDirectory(
      db,
      {
        instance,
        own,
        governance: governance.application,
        governanceKey: settings.bootstrap.governanceKey,
        logReaders: governance.logReaders,
      },
      ownSurfaces.map(({ name, title }) => ({
        code: name,
        title,
        target: `local:information-mediator/${name}`,
      })),
    );

    const keyring = openKeyring(db, createSecretKey(ctx.secret('signing-keys')));
    // A centre elsewhere is known only later.
    let globalGroupsOf: (application: string) => readonly string[] = () => [];
    const directory = await openDirectory(db, ctx.log, (application) => globalGroupsOf(application));
    const metrics = createMediatorMetrics(ctx.metrics, db);
    const log = openMessageLog(ctx.pool, metrics.batch);
    metrics.watch(log);
    const monitoring = await openMonitoring({
      db,
      pool: ctx.pool,
      own,
      version,
      settings: settings.monitoring,
      listenerCertificate: settings.clientListener?.certificateFile,
      registry: ctx.metrics,
      log: ctx.log,
      now: ctx.now,
      secret: ctx.secret,
      messageLogWaiting: log.waiting,
    });
    const http = openHttpProviders(settings.bodyLimit);
    const descriptions = openDescriptions(directory, local, http);
    const tokenKey = await keyring.current(own, 'caller');
    const tokenJwk = { ...tokenKey.privateKey.export({ format: 'jwk' }), kid: tokenKey.keyId } as JWK;

    const meta = createMetaServices(directory, descriptions);
    if (ctx.profile === 'compliance') {
      await seedSuite(db);
      await directory.refresh();
    }

    const wording: Wording = { strictHttp: settings.strictHttp, errorCodes: settings.errorCodes };
    const providers: Providers = {
      local,
      http,
      meta,
      callerToken: callerSigner(tokenJwk),
    };
    const server = await openSecurityServer({
      db,
      directory,
      keyring,
      settings,
      own,
      instance,
      now: ctx.now,
      log: ctx.log,
    });
    const signatures = openSignatures(keyring, server.trust);
    const webhookKey = createSecretKey(ctx.secret('webhook-secrets'));
    const contentKey = createSecretKey(ctx.secret('message-contents'));
    globalGroupsOf = server.globalGroupsOf;
    const stamping = await openStamping({
      db,
      authorities: server.stampingAuthorities,
      seconds: server.stampingSeconds,
      records: settings.timeStamps.records,
      patienceSeconds: settings.timeStamps.patienceSeconds,
      now: ctx.now,
      log: ctx.log,
    });
    metrics.stamping(stamping.waitingSince);
    const containers = { db, trust: server.trust, stamping, key: contentKey };
    const evidence = createEvidence(
      db,
      signatures,
      log,
      { key: settings.keepContents ? contentKey : undefined, bodyLimit: settings.keepBodyLimit },
      { services: new Set(settings.timeStamps.atOnce), stamped: stamping.stamped },
    );
    const obstacle = (service: string): Obstacle | undefined => {
      if (server.configuration.outdated()) return 'outdatedConfiguration';
      // Its own services stay: through them one sees why.
      return stamping.overdue() && applicationOf(service) !== own ? 'timestampingFailed' : undefined;
    };
    const observe = (exchange: ObservedExchange): void => {
      metrics.exchange(exchange);
      monitoring.observe(exchange);
    };
    const upstreams = openUpstreams(http, ctx.log);
    const credentialKey = createSecretKey(ctx.secret('gateway-credentials'));
    const gateway = createGateway({
      limits: openLimits(db, ctx.now),
      upstreams,
      validation: openValidation(descriptions),
      headersFor: openCredentials(),
      open: (sealed, service) => JSON.parse(open(credentialKey, sealed, service).toString('utf8')),
      mismatches: metrics.mismatches,
      now: ctx.now,
      log: ctx.log,
    });
    const serve = createServe({ directory, providers, own, gateway, log: ctx.log });
    const carry = createExchange({
      directory,
      evidence,
      serve,
      peers: server.peers,
      own,
      wording,
      obstacle,
      log: ctx.log,
      observe,
    });
    const servePeer = createServePeer({
      evidence,
      own,
      wording,
      serve,
      trust: server.peerTrust,
      obstacle,
      serves: (application) => server.peers.route(application) === undefined,
      known: (service) => directory.service(service) !== undefined,
      observe,
      log: ctx.log,
    });

    let clientListener: ClientListener | undefined;
    let delivery: Delivery | undefined;
    const mediator: MediatorPort = {
      async exchange(request) {
        return toMediated(await carry(fromMediated(request)));
      },
      async publish(from, event) {
        if (event.source !== from) throw forbidden('An application announces only its own events');
        if (!directory.application(from)?.enabled)
          throw forbidden(`${from} is not registered, so it cannot announce events`);
        if (await storeEvent(db, event)) delivery?.wake();
      },
    };

    return {
      mediator,
      surfaces: [
        ...[
          administer({
            db,
            directory,
            governance,
            wakeDelivery: () => delivery?.wake(),
            knows: server.knows,
            tries: settings.tryOut ? carry : undefined,
          }),
          administerGateway({
            db,
            directory,
            governance,
            own,
            upstreams,
            seal: (credential, service) =>
              seal(credentialKey, Buffer.from(JSON.stringify(credential)), service),
          }),
          administerRooms({
            db,
            directory,
            governance,
            policy: settings.delivery,
            wake: () => delivery?.wake(),
          }),
          registerOnRequest({ db, directory, governance, instance, knows: server.knows }),
          readMessageLog(db, signatures, keyring, server.trust, governance, {
            masking: settings.masking,
            containers,
          }),
          giveMonitoring({ db, monitoring, governance, own, now: ctx.now }),
          manageConfiguration({
            db,
            directory,
            governance,
            instance,
            own,
            tokens: createPageTokens(ctx.secret('page-tokens')),
          }),
          centreOf({ ...server, db, directory, governance }),
          keysOf({ db, governance, keyring, trust: server.trust, server: server.id, nameOf: server.nameOf }),
        ].map((surface) => ({ ...surface, witness: auditing(db, ctx.now) })),
        ...serveRooms({
          db,
          directory,
          elsewhere: (application) => server.peers.route(application) !== undefined,
          seal: (plain, context) => seal(webhookKey, plain, context),
          wake: () => delivery?.wake(),
        }),
        answerSuite(directory, meta),
      ],
      jobs: [
        ...monitoring.jobs,
        {
          name: 'end-plans',
          schedule: { cron: '3 * * * *', timeZone: 'UTC' },
          async handle() {
            if (await endPlans(db, ctx.now())) await directory.refresh();
          },
        },
        {
          name: 'archive-message-log',
          schedule: { cron: '47 */6 * * *', timeZone: 'UTC' },
          async handle() {
            if (!settings.archive) return;
            const { folder, largest, eraseDays } = settings.archive;
            const records = await archiveLog(containers, folder, largest);
            const erased = eraseDays === undefined ? 0 : await eraseArchived(db, eraseDays, ctx.now());
            ctx.log.info({ records, erased }, 'the message log was archived');
          },
        },
        {
          name: 'erase-old-messages',
          schedule: { cron: '17 3 * * *', timeZone: 'UTC' },
          async handle() {
            const contents = await eraseOldContents(db, settings.contentRetentionDays, ctx.now());
            await eraseOldCounts(db, ctx.now());
            const events = await eraseOldEvents(db, settings.contentRetentionDays, ctx.now());
            ctx.log.info({ contents, events }, 'contents of old messages and delivered events erased');
          },
        },
      ],
      routes: async (fastify) => {
        if (settings.configurationApi) await registerConfigurationRoutes(fastify, own, local, ctx.personOf);
        await registerRestInterface(fastify, {
          directory,
          authenticate: createAuthentication(directory, settings.audiences, openSpentAssertions(ctx.pool)),
          exchange: carry,
          publish: (event) => mediator.publish(event.source, event),
          callerKeys: () => keyring.published('caller'),
          newId,
          wording,
          bodyLimit: settings.bodyLimit,
          instance,
          configurationOf: server.configuration.of,
          servesListClients: ctx.profile !== 'compliance',
        });
        server.registerRoutes(fastify);
        if (settings.clientListener)
          clientListener = await openClientListener(fastify, exchangePaths, settings.clientListener);
      },
      async ready() {
        await server.listen(servePeer);
        delivery = startDelivery(
          db,
          carry,
          settings.delivery,
          ctx.log,
          {
            secretOf: (sealed, context) => open(webhookKey, sealed, context),
            entitled: (room, eventType, subscriber) =>
              directory.rightFor(subscriber, `${room}/api`, 'POST', `/v1/subs/${eventType}`) !== undefined,
          },
          metrics.delivery,
        );
      },
      async stop() {
        await clientListener?.close(patienceMs);
        await server.close();
        await delivery?.stop();
        await directory.close();
        await monitoring.close();
        upstreams.close();
        await stamping.close();
        await log.close();
        await http.close();
      },
    };
  },
});

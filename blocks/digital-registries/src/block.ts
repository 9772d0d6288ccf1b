import { defineBlock, type JobSpec } from '@govstack/platform';
import { Type } from '@govstack/platform/operation';
import { createGate } from './access/access.ts';
import { consentVerifier } from './access/consent.ts';
import { identityLookup, ownIdentifier } from './access/own-identity.ts';
import { openRights } from './access/rights.ts';
import { openStandIns } from './access/stand-ins.ts';
import { serveAutomation } from './api/automation/handlers.ts';
import { dciSuite, seedDciSuite, suiteCaller } from './api/compliance/dci.ts';
import { answerSuite } from './api/compliance/handlers.ts';
import { registriesSuite } from './api/compliance/operations.ts';
import { seedSuite } from './api/compliance/seed.ts';
import { serveData } from './api/data/handlers.ts';
import { serveDatabase } from './api/database/handlers.ts';
import { serveDci } from './api/dci/handlers.ts';
import { serveEvents } from './api/events/handlers.ts';
import { serveFhir } from './api/fhir/handlers.ts';
import { serveInsight } from './api/insight/handlers.ts';
import { serveMappings } from './api/mappings/handlers.ts';
import {
  dciApi,
  fhirApi,
  registryAutomation,
  registryData,
  registryDatabase,
  registryEvents,
  registryEventsSurface,
  registryInsight,
  registryMappings,
  registryRights,
  registryServices,
  registrySharing,
  registryTransfer,
  registryViews,
} from './api/operations.ts';
import { serveRights } from './api/rights/handlers.ts';
import { serveServices } from './api/services/handlers.ts';
import { serveSharing } from './api/sharing/handlers.ts';
import { serveTransfer } from './api/transfer/handlers.ts';
import { serveViews } from './api/views/handlers.ts';
import { hookSecrets } from './automation/hooks.ts';
import { automationJobs } from './automation/jobs.ts';
import { startDci } from './dci/start.ts';
import { removesUnbound } from './documents/documents.ts';
import { announceChanges } from './events/announce.ts';
import { checkpointKey, publishKey } from './history/checkpoints.ts';
import { historyJobs } from './history/jobs.ts';
import { makeMonths } from './history/months.ts';
import { subjectHash } from './history/read-log.ts';
import { type OnSealed, startSealing } from './history/seal-changes.ts';
import { sealingWith } from './history/sealing.ts';
import { openDataRoot } from './open-data/path.ts';
import { openDataRoutes } from './open-data/routes.ts';
import { qualityJobs } from './quality/jobs.ts';
import { wallStands } from './records/wall.ts';
import { openCatalogue } from './schema/catalogue.ts';
import { clientKeyCheck } from './secrets/client-keys.ts';
import { secretKeeping } from './secrets/jobs.ts';
import { createKeyring } from './secrets/keyring.ts';
import { guardServices } from './services/guard.ts';
import { openServices } from './services/services.ts';
import { startUseCounts } from './services/use-counts.ts';
import { linkSender } from './sharing/messaging.ts';
import { countUses } from './statistics/uses.ts';
import type { RegistryTables } from './tables.ts';
import { goOn, transferJobs } from './transfer/jobs.ts';

const config = Type.Object({
  /** Service id of the consent block, asked before data is given under consent; empty: references are required but not verified. */
  consentService: Type.String({ default: '' }),
  /** Longest time in which a withdrawn consent may still be honoured. */
  consentCacheSeconds: Type.Integer({ default: 5, minimum: 0, maximum: 300 }),
  /** Applications through which people work: their calls have the rights of the person who is signed in. */
  consoles: Type.Array(Type.String(), { default: [], maxItems: 20 }),
  /** Service id of the identity block, asked under which number a person is registered; empty: only what agencies register. */
  identityService: Type.String({ default: '' }),
  /** The attribute of a person by which registries know them. */
  identifierAttribute: Type.String({ default: 'national_number' }),
  /** Applications that may say for every agency under which identifiers persons are registered. */
  identityAuthorities: Type.Array(Type.String(), { default: [], maxItems: 20 }),
  /** How long the archive of a deleted registry waits before its records can be deleted, in days. */
  deletionWaitDays: Type.Integer({ default: 30, minimum: 0, maximum: 3650 }),
  /** Whole months for which the read log is kept; 0: for good. */
  readLogMonths: Type.Integer({ default: 0, minimum: 0, maximum: 1200 }),
  /** How long files of imports and exports are kept after the end, in days. */
  transferRetentionDays: Type.Integer({ default: 7, minimum: 0, maximum: 365 }),
  /** Largest file of an import, in megabytes. */
  importMegabytes: Type.Integer({ default: 2048, minimum: 1, maximum: 20_000 }),
  /** Most records of an export. */
  exportRecords: Type.Integer({ default: 2_000_000, minimum: 1, maximum: 50_000_000 }),
  /** Seconds for which a copy of open data counts as fresh. */
  openDataCacheSeconds: Type.Integer({ default: 60, minimum: 0, maximum: 86_400 }),
  /** Requests for open data that one address may make in a minute; 0: any number. */
  openDataRequestsPerMinute: Type.Integer({ default: 60, minimum: 0, maximum: 1_000_000 }),
  /** Where the world sees the public paths of this node, for the catalogue of open data; empty: from the root. */
  publicUrl: Type.String({ default: '' }),
  /** Page that shows what a share link leads to; what opens it is appended behind `#`. Empty: links have no address. */
  shareUrl: Type.String({ default: '' }),
  /** How long share links hold unless they say, and at most, in days. */
  shareDays: Type.Integer({ default: 7, minimum: 1, maximum: 3650 }),
  shareMostDays: Type.Integer({ default: 90, minimum: 1, maximum: 3650 }),
  /** Service id of the messaging block, by which share links are sent; empty: they are not. */
  messagingService: Type.String({ default: '' }),
});

/** Authoritative records of many agencies, each in registries of its own. */
export const digitalRegistries = defineBlock({
  name: 'digital-registries',
  title: 'Digital registries',
  version: '0.1.0',
  surfaces: [
    registryData,
    registryDatabase,
    registryRights,
    registryTransfer,
    registryInsight,
    registryEventsSurface,
    registryAutomation,
    registryServices,
    registryViews,
    registrySharing,
    registryMappings,
    dciApi,
    fhirApi,
    registriesSuite,
    dciSuite,
  ],
  config,
  migrations: new URL('../migrations/', import.meta.url),
  publicPaths: [openDataRoot],
  emits: registryEvents,
  async start(ctx) {
    const { jobs, mediation, application, log, now, config: settings } = ctx;
    const db = ctx.database<RegistryTables>();
    const hash = subjectHash(ctx.secret('subjects'));
    if (settings.consentService === '')
      log.warn(
        'consent references are required where a registry asks for them, but not verified: no consent service is configured',
      );
    const verifyConsent =
      settings.consentService === ''
        ? async () => true
        : consentVerifier(mediation, settings.consentService, settings.consentCacheSeconds * 1000);
    const keyring = createKeyring(ctx.secret('registry-keys'));
    const secrets = secretKeeping({ db, keyring, jobs, now });
    const catalogue = openCatalogue(db, keyring);
    const rights = openRights(db);
    const identifiersOf = identityLookup(mediation, settings.identityService, settings.identifierAttribute);
    const standIns = openStandIns(db, { sealing: ctx.secret('identifiers'), hash, identifiersOf });
    const gate = createGate({
      catalogue,
      rights,
      standIns,
      verifyConsent,
      consoles: new Set(settings.consoles),
      opensSecrets: clientKeyCheck(db),
      pseudonymKey: ctx.secret('pseudonyms'),
      now,
    });
    if (!(await wallStands(db)))
      log.warn('there is no role for row-level security: rights are held by the query builder alone');
    await makeMonths(db, now());
    if (ctx.profile === 'compliance') {
      await seedSuite(db, catalogue, hash, application);
      await seedDciSuite({ db, catalogue }, application);
    }

    const parts = { db, catalogue, gate, hash, jobs, log, now };
    const own = ownIdentifier(identifiersOf);
    const key = await checkpointKey(ctx.secret('checkpoints'));
    await publishKey(db, key);
    const uses = countUses(db, log, now);
    const services = openServices(db);
    const serviceUses = startUseCounts(db, log);
    const guarded = { catalogue, gate, services, uses: serviceUses };
    const automation = { ...parts, mediation, application, secretOf: hookSecrets(ctx.secret('hooks')) };
    const following = automationJobs(automation);
    const onSealed: OnSealed = async (trx, changes) => {
      await announceChanges(trx, changes);
      await following.wake(trx, changes);
    };
    const dci = startDci(ctx, { db, catalogue, gate, hash });
    const transfer = { ...parts, pool: ctx.pool, retentionDays: settings.transferRetentionDays };
    const { shareUrl, shareDays, shareMostDays, messagingService } = settings;
    const send = messagingService === '' ? undefined : linkSender(mediation, messagingService);
    const sharing = { shareUrl, shareDays, shareMostDays, send };
    let sealing: { stop(): Promise<void> } | undefined;

    return {
      surfaces: [
        ...[
          guardServices(
            serveData({ ...parts, services, ownIdentifier: own, digestKey: ctx.secret('requests') }),
            guarded,
          ),
          serveDatabase({ ...parts, rights, secrets, deletionWaitDays: settings.deletionWaitDays }),
          serveTransfer({ ...transfer, mostBytes: settings.importMegabytes * 1024 * 1024 }),
          serveInsight({
            ...parts,
            keyring,
            ownIdentifier: own,
            checkpointKey: key,
            sealing: sealingWith(ctx.secret('questions')),
            onSealed,
            uses,
          }),
        ].map((surface) => ({ ...surface, witness: uses.witness })),
        serveServices({ db, ...guarded, secrets }),
        serveViews(parts),
        serveSharing({ ...parts, ...sharing, verifyConsent }),
        serveRights({
          ...parts,
          rights,
          standIns,
          identityAuthorities: new Set(settings.identityAuthorities),
        }),
        serveEvents({ db, gate, mediation, jobs, source: application }),
        serveAutomation(automation),
        serveMappings({ db, catalogue, gate }),
        serveDci(dci.parts, dciApi as never, dci.callerOf),
        serveDci(dci.parts, dciSuite as never, suiteCaller(application)),
        serveFhir({ db, gate, hash, vault: dci.parts.vault, now }),
        answerSuite({ db, catalogue, hash, owner: application, now }),
      ],
      jobs: [
        ...historyJobs({ ...parts, application, checkpointKey: key, readLogMonths: settings.readLogMonths }),
        ...qualityJobs(parts),
        ...secrets.jobs,
        removesUnbound(db, now),
        ...following.jobs,
        ...dci.jobs,
        ...transferJobs({ ...transfer, mostRows: settings.exportRecords }),
      ] satisfies JobSpec[],
      routes: openDataRoutes({
        db,
        catalogue,
        hash,
        cacheSeconds: settings.openDataCacheSeconds,
        requestsPerMinute: settings.openDataRequestsPerMinute,
        publicUrl: settings.publicUrl,
      }),
      async ready() {
        sealing = startSealing(db, log, onSealed);
        dci.ready();
        await goOn(db, jobs);
      },
      async stop() {
        // Jobs are not taken any more: what is sealed from here on is found by the next sweep.
        following.stop();
        await dci.stop();
        await uses.stop();
        await sealing?.stop();
        await serviceUses.stop();
        await uses.stop();
      },
    };
  },
});

import { defineBlock } from '@govstack/platform';
import { Type } from '@govstack/platform/operation';
import { createGate } from './access/access.ts';
import { consentVerifier } from './access/consent.ts';
import { answerSuite } from './api/compliance/handlers.ts';
import { registriesSuite } from './api/compliance/operations.ts';
import { seedSuite } from './api/compliance/seed.ts';
import { serveData } from './api/data/handlers.ts';
import { serveDatabase } from './api/database/handlers.ts';
import {
  recordCreated,
  recordDeleted,
  recordUpdated,
  registryData,
  registryDatabase,
} from './api/operations.ts';
import { startSealing } from './history/change-log.ts';
import { makeMonths } from './history/months.ts';
import { subjectHash } from './history/read-log.ts';
import { openCatalogue } from './schema/catalogue.ts';
import type { RegistryTables } from './tables.ts';

const config = Type.Object({
  /** Service id of the consent block, asked before data is given under consent; empty: references are required but not verified. */
  consentService: Type.String({ default: '' }),
  /** Longest time in which a withdrawn consent may still be honoured. */
  consentCacheSeconds: Type.Integer({ default: 5, minimum: 0, maximum: 300 }),
  /** Applications through which people work: their calls have the rights of the person who is signed in. */
  consoles: Type.Array(Type.String(), { default: [], maxItems: 20 }),
  /** How long the archive of a deleted registry waits before its records can be deleted, in days. */
  deletionWaitDays: Type.Integer({ default: 30, minimum: 0, maximum: 3650 }),
});

/** Authoritative records of many agencies, each in registries of its own. */
export const digitalRegistries = defineBlock({
  name: 'digital-registries',
  title: 'Digital registries',
  version: '0.1.0',
  surfaces: [registryData, registryDatabase, registriesSuite],
  config,
  migrations: new URL('../migrations/', import.meta.url),
  emits: [recordCreated, recordUpdated, recordDeleted],
  async start(ctx) {
    const db = ctx.database<RegistryTables>();
    const hash = subjectHash(ctx.secret('subjects'));
    const { consentService, consentCacheSeconds, consoles, deletionWaitDays } = ctx.config;
    if (consentService === '')
      ctx.log.warn(
        'consent references are required where a registry asks for them, but not verified: no consent service is configured',
      );
    const verifyConsent =
      consentService === ''
        ? async () => true
        : consentVerifier(ctx.mediation, consentService, consentCacheSeconds * 1000);
    const catalogue = openCatalogue(db);
    const gate = createGate({ catalogue, verifyConsent, consoles: new Set(consoles) });
    await makeMonths(db, ctx.now());
    if (ctx.profile === 'compliance') await seedSuite(db, catalogue, hash, ctx.application);
    let sealing: { stop(): Promise<void> } | undefined;

    return {
      surfaces: [
        serveData({ db, catalogue, hash, gate, log: ctx.log }),
        serveDatabase({ db, catalogue, gate, deletionWaitDays, now: ctx.now }),
        answerSuite({ db, catalogue, hash, owner: ctx.application, now: ctx.now }),
      ],
      jobs: [
        {
          name: 'make-months-of-logs',
          schedule: { cron: '23 2 * * *', timeZone: 'UTC' },
          handle: () => makeMonths(db, ctx.now()),
        },
      ],
      async ready() {
        sealing = startSealing(db, ctx.log);
      },
      async stop() {
        await sealing?.stop();
      },
    };
  },
});

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Parties, startParties } from '@govstack/country/parties';
import { applications, type PartyAddress, seedCountry, seedPortalClient } from '@govstack/country/seed';
import { type InstalledService, installService } from '@govstack/installer';
import {
  claimDataDirectory,
  createLogger,
  type GovstackNode,
  type Mediation,
  reservePort,
  startEmbeddedPostgres,
  startNode,
} from '@govstack/platform';
import pino from 'pino';
import { lumoraBlocks, lumoraPortal } from './lumora-node.ts';
import { installationSecret } from './secret.ts';

export interface StackOptions {
  readonly dataDir: string;
  /** Project folder, in which `services/` lies. */
  readonly root: string;
  /** 0: any free port. */
  readonly port: number;
  readonly households: number;
  /** Enrol heads of households and personas, offer one-click sign-in. */
  readonly demonstration: boolean;
  /** Mount the portal. */
  readonly portal?: boolean;
  /** A PostgreSQL that runs, instead of `DATABASE_URL` or one of the stack's own; its databases begin with `prefix`. */
  readonly databases?: { readonly adminUrl: string; readonly prefix: string };
  readonly progress: (message: string) => void;
}

export interface Stack {
  readonly url: string;
  readonly node: GovstackNode;
  readonly parties: Parties;
  readonly service: InstalledService;
  /** Installs the service again: what has not changed stays as it is. */
  readonly install: () => Promise<InstalledService>;
  readonly as: (application: string) => Mediation;
  stop(): Promise<void>;
}

const publicKeyOf = async (url: string): Promise<Record<string, unknown>> => {
  const { keys } = (await (await fetch(`${url}/.well-known/jwks.json`)).json()) as {
    keys: Record<string, unknown>[];
  };
  return keys[0] as Record<string, unknown>;
};

const addressOf = async (party: { url: string }): Promise<PartyAddress> => ({
  url: party.url,
  publicKey: await publicKeyOf(party.url),
});

/** Starts everything: database, outside parties, all blocks in one node, the country, the service. Safe to repeat. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { dataDir, progress } = options;
  const directory = claimDataDirectory(dataDir);
  const undo: (() => Promise<void>)[] = [async () => directory.release()];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const reserved = await reservePort(options.port);
    undo.push(async () => reserved.release());
    let adminUrl = options.databases?.adminUrl ?? process.env.DATABASE_URL;
    if (!adminUrl) {
      progress('starting PostgreSQL');
      const postgres = await startEmbeddedPostgres({ dataDir, log: progress });
      undo.push(() => postgres.stop());
      adminUrl = postgres.adminUrl;
    }
    const publicUrl = `http://localhost:${reserved.port}`;
    const mediator = `http://127.0.0.1:${reserved.port}/r1`;

    progress('starting the outside parties: bank, mobile money, mail, SMS, revenue');
    const parties = await startParties({
      dataDir: join(dataDir, 'parties'),
      callbackUrls: {
        bank: `${mediator}/${applications.payments}/payments-rail-callback-v1/transfer-results`,
        mobileMoney: `${mediator}/{service}/transfer-results`,
        sms: `${mediator}/${applications.messaging}/messaging-receipts-v1/receipts`,
        bankBills: `${mediator}/${applications.payments}/payments-p2g-v1/rtpResponse`,
      },
    });
    undo.push(() => parties.stop());

    mkdirSync(join(dataDir, 'log'), { recursive: true });
    const log = createLogger(
      process.env.LOG_LEVEL ?? 'info',
      pino.destination({ dest: join(dataDir, 'log', 'govstack.jsonl'), sync: false }),
    );
    const node = await startNode({
      adminUrl,
      databasePrefix: options.databases?.prefix ?? 'govstack_',
      secret: installationSecret(dataDir),
      identity: { issuer: `${publicUrl}/id`, audience: 'govstack', jwks: new URL(`${publicUrl}/id/jwks`) },
      log,
      processMetrics: true,
      metricsAnywhere: process.env.GOVSTACK_METRICS === 'anywhere',
      onProgress: progress,
      blocks: [
        ...lumoraBlocks({
          publicUrl,
          smtpUrl: `smtp://127.0.0.1:${parties.smtp.port}`,
          smsApiKey: parties.sms.apiKey,
          demonstration: options.demonstration,
        }),
        ...(options.portal ? [lumoraPortal(publicUrl)] : []),
      ],
    });
    undo.push(() => node.stop());
    await node.listen({ port: reserved });
    directory.announceUrl(publicUrl);

    const as = (application: string): Mediation => node.mediation(application);
    await seedCountry(as, {
      parties: {
        bank: await addressOf(parties.bank),
        mobileMoney: await addressOf(parties.mobileMoney),
        sms: await addressOf(parties.sms),
        revenue: { url: parties.revenue.url },
        bankBills: await addressOf(parties.bankBills),
      },
      households: options.households,
      people: options.demonstration,
      progress,
    });
    progress('installing the social cash transfer');
    const install = (): Promise<InstalledService> =>
      installService({
        folder: join(options.root, 'services/cash-transfer'),
        instance: 'LUMORA',
        blocks: {
          consent: `${applications.consent}/consent-v1`,
          registration: `${applications.registration}/registration-design-v1`,
          workflow: `${applications.workflow}/workflow-v1`,
          messaging: `${applications.messaging}/messaging-v1`,
        },
        as,
      });
    const service = await install();
    if (options.portal) {
      const { keys } = (await (await fetch(`${publicUrl}/openid-client/jwks.json`)).json()) as {
        keys: Record<string, unknown>[];
      };
      await seedPortalClient(as, publicUrl, keys[0] as Record<string, unknown>);
    }
    return { url: publicUrl, node, parties, service, install, as, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

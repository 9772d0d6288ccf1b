import { type Kysely, sql } from 'kysely';
import type { Logger } from 'pino';
import { request } from 'undici';
import type { Anchor } from '../centre/centre.ts';
import type { MediatorTables } from '../tables.ts';
import type { GlobalConfiguration, InstanceConfiguration } from './configuration.ts';
import { readConfiguration } from './document.ts';
import { type Held, holdConfigurations } from './held.ts';

export interface AnchoredOptions {
  readonly db: Kysely<MediatorTables>;
  readonly anchor: Anchor;
  /** Anchors of partner instances that this server allows. */
  readonly partners: readonly Anchor[];
  readonly server: string;
  readonly refreshSeconds: number;
  readonly now: () => Date;
  readonly log: Logger;
}

const patienceMs = 10_000;
const largestDocument = 64 * 1024 * 1024;

async function fetchText(url: string): Promise<string> {
  const response = await request(url, { signal: AbortSignal.timeout(patienceMs) });
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += (chunk as Buffer).length;
    if (size > largestDocument) throw new Error('the configuration is too large');
    chunks.push(chunk as Buffer);
  }
  if (response.statusCode !== 200) throw new Error(`the centre answered ${response.statusCode}`);
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * The configuration of an instance whose centre is elsewhere, recognised by its anchor and fetched again and again.
 * The last good one survives a restart, until it expires; then nothing is exchanged any more.
 */
export async function openAnchored(options: AnchoredOptions): Promise<GlobalConfiguration> {
  const { db, anchor, partners, now, log } = options;
  const known = new Map<string, InstanceConfiguration>();
  let held: Held = holdConfigurations([]);
  const inForce = (configuration: InstanceConfiguration | undefined): boolean =>
    configuration !== undefined && Date.parse(configuration.expiresAt) > now().getTime();

  function takeOver(configuration: InstanceConfiguration): void {
    known.set(configuration.instance, configuration);
    held = holdConfigurations([...known.values()]);
  }

  async function fetchOne(one: Anchor): Promise<void> {
    const before = known.get(one.instance)?.version ?? 0;
    let failure: unknown;
    for (const url of one.urls) {
      try {
        const document = await fetchText(url);
        const configuration = await readConfiguration(document, one, before, now());
        await sql`
          insert into received_configuration as known (instance, version, document)
          values (${one.instance}, ${configuration.version}, ${document})
          on conflict on constraint received_configuration_pkey do update
          set version = excluded.version, document = excluded.document, received_at = now()
          where excluded.version >= known.version`.execute(db);
        takeOver(configuration);
        return;
      } catch (error) {
        failure = error;
      }
    }
    throw failure ?? new Error('the anchor names no address');
  }

  for (const one of [anchor, ...partners]) {
    const row = await db
      .selectFrom('received_configuration')
      .select('document')
      .where('instance', '=', one.instance)
      .executeTakeFirst();
    if (row) await readConfiguration(row.document, one, 0, now()).then(takeOver, () => undefined);
  }
  const refresh = async (): Promise<void> => {
    const outcomes = await Promise.allSettled([anchor, ...partners].map(fetchOne));
    const [own] = outcomes;
    for (const outcome of outcomes)
      if (outcome.status === 'rejected')
        log.warn({ err: outcome.reason }, 'the configuration of an instance could not be renewed');
    if (own?.status === 'rejected') throw own.reason;
  };
  await refresh().catch(() => undefined);
  let looking: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    looking = looking.then(refresh).catch(() => undefined);
  }, options.refreshSeconds * 1000);
  timer.unref();

  const currentOf = (instance: string): InstanceConfiguration | undefined => {
    const configuration = known.get(instance);
    return inForce(configuration) ? configuration : undefined;
  };
  return {
    server: options.server,
    of: currentOf,
    outdated: () => currentOf(anchor.instance) === undefined,
    serversOf: (application) =>
      currentOf(application.split('/')[0] as string) ? held.serversOf(application) : [],
    serverWith(certificate) {
      const server = held.serverWith(certificate);
      return server && currentOf(server.id.split('/')[0] as string) ? server : undefined;
    },
    refresh,
    async close() {
      clearInterval(timer);
      await looking;
    },
  };
}

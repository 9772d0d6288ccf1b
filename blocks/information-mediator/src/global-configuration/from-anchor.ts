import { type Kysely, sql } from 'kysely';
import type { Logger } from 'pino';
import { request } from 'undici';
import type { Anchor } from '../centre/centre.ts';
import type { MediatorTables } from '../tables.ts';
import type { GlobalConfiguration, InstanceConfiguration } from './configuration.ts';
import { readConfiguration } from './document.ts';
import { type Held, holdConfigurations } from './held.ts';

export interface ReceivedOptions {
  readonly db: Kysely<MediatorTables>;
  /** Of the instances whose configurations are received here; no others are. */
  readonly anchors: readonly Anchor[];
  readonly refreshSeconds: number;
  readonly now: () => Date;
  readonly log: Logger;
}

/** Configurations that other centres publish, as this server holds them. */
export type Received = Omit<GlobalConfiguration, 'server' | 'outdated'>;

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
 * Configurations of instances whose centres are elsewhere, recognised by their anchors and fetched again and again. The
 * last good one survives a restart, until it expires; then nothing is exchanged with that instance any more.
 */
export async function openReceived({
  db,
  anchors,
  refreshSeconds,
  now,
  log,
}: ReceivedOptions): Promise<Received> {
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

  for (const one of anchors) {
    const row = await db
      .selectFrom('received_configuration')
      .select('document')
      .where('instance', '=', one.instance)
      .executeTakeFirst();
    if (row) await readConfiguration(row.document, one, 0, now()).then(takeOver, () => undefined);
  }
  const refresh = async (): Promise<void> => {
    const outcomes = await Promise.allSettled(anchors.map(fetchOne));
    for (const outcome of outcomes)
      if (outcome.status === 'rejected')
        log.warn({ err: outcome.reason }, 'the configuration of an instance could not be renewed');
    const [first] = outcomes;
    if (first?.status === 'rejected') throw first.reason;
  };
  await refresh().catch(() => undefined);
  let looking: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    looking = looking.then(refresh).catch(() => undefined);
  }, refreshSeconds * 1000);
  timer.unref();

  const currentOf = (instance: string): InstanceConfiguration | undefined => {
    const configuration = known.get(instance);
    return inForce(configuration) ? configuration : undefined;
  };
  return {
    of: currentOf,
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

/** The configuration of a server whose centre is elsewhere, with those of the partners it allows. */
export async function openAnchored({
  anchor,
  partners,
  server,
  ...options
}: Omit<ReceivedOptions, 'anchors'> & {
  readonly anchor: Anchor;
  readonly partners: readonly Anchor[];
  readonly server: string;
}): Promise<GlobalConfiguration> {
  const received = await openReceived({ ...options, anchors: [anchor, ...partners] });
  return { ...received, server, outdated: () => received.of(anchor.instance) === undefined };
}

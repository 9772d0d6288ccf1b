import type { KeyObject } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { Logger } from 'pino';
import type { CollectorFormat, CollectorShips } from '../api/monitoring/collector-operations.ts';
import { assertTarget, targetOf } from '../directory/target.ts';
import { bodyOf } from '../exchange/body.ts';
import { openHttpProviders } from '../exchange/http-provider.ts';
import { open, seal } from '../keys/sealed-box.ts';
import type { MediatorTables } from '../tables.ts';
import { openBacklog } from './backlog.ts';
import { type Observation, type Shipper, shipments } from './shipment.ts';

/** Where observations are shipped to. */
export interface Destination {
  readonly url: string;
  readonly format: CollectorFormat;
  readonly ships: readonly CollectorShips[];
  readonly authorization: string | undefined;
}

export interface CollectorDependencies {
  readonly db: Kysely<MediatorTables>;
  readonly key: KeyObject;
  readonly shipper: Shipper;
  /** What holds as long as nothing has been set over the API. */
  readonly initial: Destination | undefined;
  readonly log: Logger;
}

export interface CollectorState {
  readonly destination: Destination | undefined;
  readonly waiting: number;
  readonly lost: number;
  readonly shipped: number;
  readonly lastShippedAt: number | undefined;
  readonly lastFailure: string | undefined;
}

export interface Collector {
  /** Whether observations of a kind are wanted. */
  wants(kind: CollectorShips): boolean;
  add(observation: Observation): void;
  state(): CollectorState;
  /** Ships to another place from now on; undefined: nowhere. */
  redirect(destination: Destination | undefined, by: string): Promise<void>;
  close(): Promise<void>;
}

const context = 'monitoring-collector';
/** Milliseconds after which another node's change is known here. */
const lookMs = 5000;
const answerMs = 10_000;
const largestAnswer = 1_048_576;
const kinds = { records: 'record', log: 'log', indicators: 'indicators' } as const;

/** Refuses what no collector could have as its address; the same rules as for providers (CFR-SEC-1). */
export function assertCollectorUrl(url: string): void {
  assertTarget(/^https?:/.test(url) ? url : `refused:${url}`);
}

/** Ships observations to an external service, off the path of the exchanges (IM-5.2-e). */
export async function openCollector(deps: CollectorDependencies): Promise<Collector> {
  const { db, key, shipper, initial, log } = deps;
  if (initial) assertCollectorUrl(initial.url);
  const http = openHttpProviders(largestAnswer);
  let destination: Destination | undefined;
  let shipped = 0;
  let lastShippedAt: number | undefined;
  let lastFailure: string | undefined;

  async function load(): Promise<void> {
    const row = await db
      .selectFrom('monitoring_collector')
      .select(['url', 'format', 'ships', 'secret'])
      .executeTakeFirst();
    if (!row) destination = initial;
    else if (row.url === null) destination = undefined;
    else
      destination = {
        url: row.url,
        format: row.format,
        ships: row.ships,
        authorization: row.secret === null ? undefined : open(key, row.secret, context).toString('utf8'),
      };
  }

  async function post({ url, authorization }: Destination, path: string, document: object): Promise<void> {
    const target = targetOf(url);
    if (target?.kind !== 'http') throw new Error('the collector has no address');
    const { status, body } = await http.call(target, {
      method: 'POST',
      path: path === '' && target.basePath === '' ? '/' : path,
      headers: [
        ['Content-Type', 'application/json'],
        ...(authorization === undefined ? [] : [['Authorization', authorization] as const]),
      ],
      body: bodyOf(Buffer.from(JSON.stringify(document))),
      signal: AbortSignal.timeout(answerMs),
    });
    body.release();
    if (status < 200 || status >= 300) throw new Error(`the collector answered ${status}`);
  }

  const queue = openBacklog<Observation>({
    capacity: 10_000,
    batch: 500,
    everyMs: 1000,
    longestPauseMs: 300_000,
    async write(batch) {
      const to = destination;
      if (!to) return;
      const wanted = new Set<string>(to.ships.map((one) => kinds[one]));
      const chosen = batch.filter(({ kind }) => wanted.has(kind));
      for (const { path, document } of shipments(to.format, chosen, shipper)) await post(to, path, document);
      if (chosen.length === 0) return;
      shipped += chosen.length;
      lastShippedAt = Date.now();
      lastFailure = undefined;
    },
    onFailure(error) {
      const said = (error as Error).message;
      // Once per kind of failure: a line about it would be one more to ship.
      if (said !== lastFailure) log.warn({ err: error }, 'observations could not be shipped yet');
      lastFailure = said;
    },
  });

  await load();
  let looking: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    looking = looking
      .then(load)
      .catch((error: unknown) => log.warn({ err: error }, 'the collector’s address could not be read'));
  }, lookMs);
  timer.unref();

  return {
    wants: (kind) => destination?.ships.includes(kind) ?? false,
    add: (observation) => queue.add(observation),
    state: () => ({
      destination,
      waiting: queue.waiting(),
      lost: queue.lost(),
      shipped,
      lastShippedAt,
      lastFailure,
    }),
    async redirect(to, by) {
      if (to) assertCollectorUrl(to.url);
      const row = {
        url: to?.url ?? null,
        format: to?.format ?? ('otlp' as const),
        ships: [...(to?.ships ?? [])],
        secret: to?.authorization === undefined ? null : seal(key, Buffer.from(to.authorization), context),
        changed_by: by,
        changed_at: new Date(),
      };
      await db
        .insertInto('monitoring_collector')
        .values(row)
        .onConflict((conflict) => conflict.constraint('monitoring_collector_pkey').doUpdateSet(row))
        .execute();
      await load();
    },
    async close() {
      clearInterval(timer);
      await looking;
      await queue.close();
      await http.close();
    },
  };
}

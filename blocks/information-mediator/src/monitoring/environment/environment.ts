import { readFile } from 'node:fs/promises';
import type { Kysely } from 'kysely';
import type { Logger } from 'pino';
import type { SnapshotPart } from '../../api/monitoring/environment-schema.ts';
import type { MediatorTables } from '../../tables.ts';
import { type Entry, keepSample, keepSnapshot } from './history.ts';
import { installedPackages, orNothing, runningProcesses } from './proc.ts';
import { type CertificateState, certificateState, openSampler } from './sample.ts';

export interface EnvironmentDependencies {
  readonly db: Kysely<MediatorTables>;
  readonly node: string;
  readonly version: string;
  readonly sampleSeconds: number;
  /** PEM file of the certificate of the clients' own listener. */
  readonly listenerCertificate: string | undefined;
  readonly log: Logger;
  readonly now: () => Date;
}

export interface Environment {
  /** Looks now. */
  sample(): Promise<Entry>;
  /** Looks at a whole part now and keeps it; undefined: this system does not say. */
  snapshot(part: SnapshotPart): Promise<Entry | undefined>;
  close(): Promise<void>;
}

const snapshotMs = 3_600_000;

/** Looks at the machine again and again (IM-6.7-e) and keeps what it finds. */
export function openEnvironment(deps: EnvironmentDependencies): Environment {
  const { db, node, log, now } = deps;
  const sampleMs = deps.sampleSeconds * 1000;

  async function certificates(): Promise<CertificateState[]> {
    const file = deps.listenerCertificate;
    const own = file === undefined ? undefined : await orNothing(() => readFile(file, 'utf8'));
    const rows = await db
      .selectFrom('application')
      .select(['id', 'tls_certificates'])
      .where('status', '=', 'registered')
      .orderBy('id')
      .execute();
    return [
      ...(own === undefined ? [] : [certificateState(own, 'listener for applications', node, now())]),
      ...rows.flatMap(({ id, tls_certificates }) =>
        tls_certificates.map((pem) => certificateState(pem, 'TLS of an application', id, now())),
      ),
    ];
  }
  const look = openSampler({ db, version: deps.version, certificates });
  const entry = (data: unknown, at = now()): Entry => ({ node, at: at.toISOString(), data });

  async function snapshot(part: SnapshotPart): Promise<Entry | undefined> {
    const data = part === 'processes' ? await runningProcesses() : await installedPackages();
    if (!data) return undefined;
    const found = entry(data);
    await keepSnapshot(db, part, found);
    return found;
  }

  let snapshotAt = 0;
  async function tick(): Promise<void> {
    try {
      const time = now().getTime();
      // The full minute: several processes of one machine leave one sample.
      await keepSample(db, entry(await look(), new Date(time - (time % sampleMs))));
      if (time - snapshotAt < snapshotMs) return;
      snapshotAt = time;
      await snapshot('processes');
      await snapshot('packages');
    } catch (error) {
      log.warn({ err: error }, 'the environment could not be sampled');
    }
  }
  let ticking: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    ticking = ticking.then(tick);
  }, sampleMs);
  timer.unref();

  return {
    sample: async () => entry(await look()),
    snapshot,
    async close() {
      clearInterval(timer);
      await ticking;
    },
  };
}

import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import { type Kysely, sql } from 'kysely';
import type { MediatorTables } from '../../tables.ts';
import {
  availableMemory,
  diskSpace,
  fileDescriptors,
  networkTraffic,
  orNothing,
  processCount,
} from './proc.ts';

const release = (): Promise<string | undefined> =>
  orNothing(async () => {
    const name = /^PRETTY_NAME="?([^"\n]+)"?$/m.exec(await readFile('/etc/os-release', 'utf8'))?.[1];
    if (name === undefined) throw new Error('not said');
    return name;
  });

interface Cpus {
  readonly busy: number;
  readonly all: number;
}

function cpuTimes(): Cpus {
  let [busy, all] = [0, 0];
  for (const { times } of os.cpus()) {
    const total = times.user + times.nice + times.sys + times.idle + times.irq;
    all += total;
    busy += total - times.idle;
  }
  return { busy, all };
}

const round = (value: number): number => Math.round(value * 100) / 100;

/** How busy the processors were between two looks, in percent. */
const busyPercent = (before: Cpus, now: Cpus): number | null =>
  now.all > before.all ? round((100 * (now.busy - before.busy)) / (now.all - before.all)) : null;

export interface CertificateState {
  /** What it is used for, and by whom. */
  readonly use: string;
  readonly holder: string;
  readonly subject: string;
  readonly notAfter: string;
  readonly daysLeft: number;
}

export function certificateState(pem: string, use: string, holder: string, now: Date): CertificateState {
  const { subject, validToDate } = new X509Certificate(pem);
  return {
    use,
    holder,
    subject: subject.replaceAll('\n', ', '),
    notAfter: validToDate.toISOString(),
    daysLeft: Math.floor((validToDate.getTime() - now.getTime()) / 86_400_000),
  };
}

export interface Surroundings {
  readonly db: Kysely<MediatorTables>;
  readonly version: string;
  /** Certificates of this server and of those who reach it. */
  readonly certificates: () => Promise<CertificateState[]>;
}

/** Looks at the machine, and remembers how busy it was the last time. */
export function openSampler({ db, version, certificates }: Surroundings) {
  let cpu = cpuTimes();
  let usage = process.cpuUsage();
  let looked = performance.now();
  return async () => {
    const [cpuNow, usageNow, lookedNow] = [cpuTimes(), process.cpuUsage(), performance.now()];
    const busy = busyPercent(cpu, cpuNow);
    const microseconds = usageNow.user + usageNow.system - usage.user - usage.system;
    const ownPercent = round(microseconds / (lookedNow - looked) / 10);
    [cpu, usage, looked] = [cpuNow, usageNow, lookedNow];
    const memory = process.memoryUsage();
    const postgres = await sql<{ server_version: string; size: string }>`
      select current_setting('server_version') as server_version,
        pg_database_size(current_database())::text as size`.execute(db);
    const [load1 = 0, load5 = 0, load15 = 0] = os.loadavg();
    return {
      os: {
        platform: os.platform(),
        name: (await release()) ?? os.version(),
        kernel: os.release(),
        architecture: os.arch(),
        uptimeSeconds: Math.floor(os.uptime()),
      },
      versions: {
        mediator: version,
        node: process.versions.node,
        openssl: process.versions.openssl,
        postgresql: postgres.rows[0]?.server_version ?? '',
      },
      cpu: {
        processors: os.cpus().length,
        model: os.cpus()[0]?.model.trim() ?? '',
        busyPercent: busy,
        mediatorPercent: ownPercent,
        load: [round(load1), round(load5), round(load15)],
      },
      memory: {
        totalBytes: os.totalmem(),
        availableBytes: (await availableMemory()) ?? os.freemem(),
        mediatorBytes: memory.rss,
        mediatorHeapBytes: memory.heapUsed,
      },
      disks: await diskSpace([...new Set(['/', process.cwd(), os.tmpdir()])]),
      database: { bytes: Number(postgres.rows[0]?.size ?? 0) },
      network: (await networkTraffic()) ?? null,
      fileDescriptors: (await fileDescriptors()) ?? null,
      processCount: (await processCount()) ?? null,
      certificates: await certificates(),
    };
  };
}

export type EnvironmentSample = Awaited<ReturnType<ReturnType<typeof openSampler>>>;

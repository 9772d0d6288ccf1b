import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { commandOf, isRunning, isZombie } from './process.ts';

/** What `postmaster.pid` says of the server that works, or worked, on a cluster. */
export interface Postmaster {
  readonly pid: number;
  /** Not yet written in the first moments of a start. */
  readonly port: number | undefined;
  readonly sharedMemory: string | undefined;
}

const fileIn = (cluster: string): string => join(cluster, 'postmaster.pid');

/** Undefined when there is none, which is how a server that was stopped properly leaves its cluster. */
export function readPostmaster(cluster: string): Postmaster | undefined {
  let lines: string[];
  try {
    lines = readFileSync(fileIn(cluster), 'utf8').split('\n');
  } catch {
    return undefined;
  }
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  return { pid, port: Number(lines[3]) || undefined, sharedMemory: lines[6]?.trim().split(/\s+/)[1] };
}

/** Whether this very server runs: a number that now belongs to some other process does not count. */
export const postmasterRuns = (cluster: string, { pid }: Postmaster): boolean =>
  isRunning(pid) && (commandOf(pid) ?? cluster).includes(cluster);

/**
 * Ends connections and stops the server that works on a cluster, if any. By a signal and not by `pg_ctl`, which a
 * second, impatient Ctrl-C would end before the server has stopped.
 */
export async function stopPostmaster(cluster: string, patience: number): Promise<void> {
  const running = readPostmaster(cluster);
  if (!running || !postmasterRuns(cluster, running)) return;
  // PostgreSQL's "fast shutdown".
  process.kill(running.pid, 'SIGINT');
  const deadline = Date.now() + patience;
  while (isRunning(running.pid)) {
    if (Date.now() > deadline)
      throw new Error(`PostgreSQL (process ${running.pid}) on ${cluster} did not stop`);
    await delay(20);
  }
}

/** Processes attached to a server's shared memory; undefined where the system does not tell. */
const attachedTo = (sharedMemory: string): number | undefined => {
  let table: string;
  try {
    table = readFileSync('/proc/sysvipc/shm', 'utf8');
  } catch {
    return undefined;
  }
  const rows = table.split('\n').map((line) => line.trim().split(/\s+/));
  return Number(rows.find((fields) => fields[1] === sharedMemory)?.[6] ?? 0);
};

/**
 * Clears the way for a start after a server was killed. PostgreSQL itself overrules the file of a process that is gone,
 * but not one whose number is a zombie (in a container without an init it stays one) or was given to another process.
 * Children of the dead server may write for a moment longer; the file is their only warning sign to the next server,
 * so it goes when they are gone.
 */
export async function clearDeadPostmaster(cluster: string, dead: Postmaster): Promise<void> {
  if (!isRunning(dead.pid) && !isZombie(dead.pid)) return;
  const inUse = (): boolean => {
    const attached = dead.sharedMemory === undefined ? undefined : attachedTo(dead.sharedMemory);
    return attached === undefined ? (commandOf(dead.pid) ?? '').includes('postgres') : attached > 0;
  };
  const deadline = Date.now() + 30_000;
  while (inUse()) {
    if (Date.now() > deadline)
      throw new Error(`processes of a killed PostgreSQL still use ${cluster}; end them and start again`);
    await delay(50);
  }
  rmSync(fileIn(cluster), { force: true });
}

/** Whether the server answers to its administrator. Throws when it answers, but not to us. */
export async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === '28P01')
      throw new Error('the PostgreSQL of this data directory refuses the password kept there', {
        cause: error,
      });
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

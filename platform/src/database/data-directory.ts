import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRunning, processState } from './process.ts';

interface Owner {
  readonly pid: number;
  readonly startedAt: string | undefined;
  readonly url?: string;
}

/** Another living process of the stack works on the same data directory. */
export class AlreadyRunning extends Error {
  readonly pid: number;
  readonly url: string | undefined;

  constructor(directory: string, owner: Owner) {
    const where = owner.url === undefined ? '' : ` at ${owner.url}`;
    super(
      `already running${where} (process ${owner.pid}) on ${directory}; stop it first or give another --data directory`,
    );
    this.name = 'AlreadyRunning';
    this.pid = owner.pid;
    this.url = owner.url;
  }
}

export interface DataDirectory {
  readonly path: string;
  /** Tells others where this process can be reached. */
  announceUrl(url: string): void;
  release(): void;
}

const readOwner = (file: string): Owner | undefined => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Owner;
  } catch {
    return undefined;
  }
};

const isAlive = (owner: Owner): boolean => {
  if (!isRunning(owner.pid)) return false;
  const state = processState(owner.pid);
  return state === undefined || owner.startedAt === undefined || state.startedAt === owner.startedAt;
};

/** The process that holds a data directory now, if any. */
export function dataDirectoryOwner(path: string): { pid: number; url: string | undefined } | undefined {
  const owner = readOwner(join(path, 'govstack.lock'));
  return owner && isAlive(owner) ? { pid: owner.pid, url: owner.url } : undefined;
}

/**
 * Takes a data directory for this process. A lock left behind by a dead process (or by another process that now has
 * its number) is taken over; a living owner is reported with `AlreadyRunning`.
 */
export function claimDataDirectory(path: string): DataDirectory {
  mkdirSync(path, { recursive: true });
  const file = join(path, 'govstack.lock');
  const own: Owner = { pid: process.pid, startedAt: processState(process.pid)?.startedAt };
  for (let attempt = 0; ; attempt += 1) {
    try {
      writeFileSync(file, JSON.stringify(own), { flag: 'wx' });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt > 3) throw error;
      const owner = readOwner(file);
      if (owner && isAlive(owner)) throw new AlreadyRunning(path, owner);
      rmSync(file, { force: true });
    }
  }
  return {
    path,
    announceUrl: (url) => writeFileSync(file, JSON.stringify({ ...own, url })),
    release: () => {
      if (readOwner(file)?.pid === process.pid) rmSync(file, { force: true });
    },
  };
}

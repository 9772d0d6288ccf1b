import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isRunning, startOf } from './process.ts';

interface Owner {
  readonly pid: number;
  /** Tells this process from a later one with the same number. */
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

const fileIn = (path: string): string => join(path, 'govstack.lock');

const read = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};

const parse = (text: string | undefined): Owner | undefined => {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as Owner);
  } catch {
    return undefined;
  }
};

const isAlive = (owner: Owner): boolean =>
  isRunning(owner.pid) && (owner.startedAt === undefined || startOf(owner.pid) === owner.startedAt);

/** A file of our own with the whole text, to be linked or renamed to its place: nobody reads half a lock. */
const draft = (file: string, owner: Owner): string => {
  const own = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(own, JSON.stringify(owner));
  return own;
};

/** Puts a file in its place unless there is one. */
const place = (from: string, file: string): boolean => {
  try {
    linkSync(from, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(from, { force: true });
  }
};

/** Takes a dead owner's lock away, and nobody else's who took it over in the meantime. */
const removeStale = (file: string, stale: string): void => {
  const aside = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (read(aside) === stale) rmSync(aside);
  else place(aside, file);
};

/** The process that holds a data directory now, if any. */
export function dataDirectoryOwner(path: string): { pid: number; url: string | undefined } | undefined {
  const owner = parse(read(fileIn(path)));
  return owner && isAlive(owner) ? { pid: owner.pid, url: owner.url } : undefined;
}

/**
 * Takes a data directory for this process. A lock left behind by a dead process (or by another process that now has
 * its number) is taken over; a living owner is reported with `AlreadyRunning`.
 */
export function claimDataDirectory(directory: string): DataDirectory {
  const path = resolve(directory);
  mkdirSync(path, { recursive: true });
  const file = fileIn(path);
  const own: Owner = { pid: process.pid, startedAt: startOf(process.pid) };
  while (!place(draft(file, own), file)) {
    const text = read(file);
    const owner = parse(text);
    if (owner && isAlive(owner)) throw new AlreadyRunning(path, owner);
    if (text !== undefined) removeStale(file, text);
  }
  return {
    path,
    announceUrl: (url) => renameSync(draft(file, { ...own, url }), file),
    release: () => {
      const owner = parse(read(file));
      if (owner?.pid === own.pid && owner.startedAt === own.startedAt) rmSync(file, { force: true });
    },
  };
}

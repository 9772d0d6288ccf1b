import { randomBytes } from 'node:crypto';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { mayEnter, type ServerUser } from './server-user.ts';

/**
 * Where root puts what the server's unprivileged user must reach when project and data lie in a folder closed to
 * others: `/root`, or the `mktemp -d` of a build.
 */
const openHome = '/var/lib/govstack';

function prepareHome(home: string, user: ServerUser): void {
  mkdirSync(home, { recursive: true, mode: 0o755 });
  const { uid, mode } = statSync(home);
  if (uid !== process.getuid?.() || (mode & 0o022) !== 0 || !mayEnter(user, home)) {
    throw new Error(
      `running as root, PostgreSQL needs an unprivileged user, who may enter neither the data directory nor ${home}: ` +
        'use a --data directory that others may enter, run as an ordinary user, or set DATABASE_URL',
    );
  }
}

/** The server's programs where its user can run them: as installed, or a copy (about 60 MB, once a version). */
export function reachableServer(installed: string, user: ServerUser | undefined, home = openHome): string {
  if (!user || mayEnter(user, join(installed, 'bin'))) return installed;
  prepareHome(home, user);
  const { version } = JSON.parse(readFileSync(join(dirname(installed), 'package.json'), 'utf8')) as {
    version: string;
  };
  const copy = join(home, `postgresql-${version}`);
  if (existsSync(copy)) return copy;
  const staging = `${copy}.${randomBytes(4).toString('hex')}`;
  cpSync(installed, staging, { recursive: true, verbatimSymlinks: true });
  try {
    renameSync(staging, copy);
  } catch (error) {
    // Another process was quicker.
    rmSync(staging, { recursive: true, force: true });
    if (!existsSync(copy)) throw error;
  }
  return copy;
}

/**
 * The folder of the cluster, existing or not: `postgres/` in the data directory, or what the link of that name points
 * to, when the server's user may not enter the data directory.
 */
export function reachableCluster(
  dataDir: string,
  user: ServerUser | undefined,
  log: (message: string) => void,
  home = openHome,
): string {
  const path = join(dataDir, 'postgres');
  const entry = lstatSync(path, { throwIfNoEntry: false });
  if (entry?.isSymbolicLink() && existsSync(path)) return realpathSync(path);
  if (!user || mayEnter(user, dataDir)) {
    // A link to a cluster that is gone would lead initialisation astray.
    if (entry?.isSymbolicLink()) rmSync(path);
    return path;
  }
  if (entry?.isDirectory())
    throw new Error(`${path} cannot be used as root: others may not enter ${dataDir}`);
  prepareHome(home, user);
  const folder = join(home, `data-${randomBytes(6).toString('hex')}`);
  mkdirSync(folder, { mode: 0o755 });
  if (entry) rmSync(path);
  const cluster = join(folder, 'postgres');
  symlinkSync(cluster, path);
  log(`others may not enter ${dataDir}: the database is kept in ${cluster}`);
  return cluster;
}

import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';

/** Numeric ids of the user the server runs as. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

const idOf = (flag: '-u' | '-g', user: string): number | undefined => {
  try {
    return Number(execFileSync('id', [flag, user], { stdio: ['ignore', 'pipe', 'ignore'] }).toString());
  } catch {
    return undefined;
  }
};

/**
 * PostgreSQL refuses to run as root; then it runs as the owner of the existing cluster, or for a new one as an
 * existing unprivileged user. Undefined: as ourselves.
 */
export function serverUser(cluster: string): ServerUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const existing = statSync(cluster, { throwIfNoEntry: false });
  if (existing && existing.uid !== 0) return { uid: existing.uid, gid: existing.gid };
  for (const user of ['postgres', 'nobody']) {
    const uid = idOf('-u', user);
    const gid = idOf('-g', user);
    if (uid !== undefined && gid !== undefined) return { uid, gid };
  }
  return { uid: 65534, gid: 65534 };
}

/** Whether a user may enter a folder, asked of the system itself: modes, access lists and mounts all count. */
export function mayEnter(user: ServerUser, folder: string): boolean {
  try {
    execFileSync('/bin/sh', ['-c', 'cd -- "$1"', 'sh', folder], { cwd: '/', stdio: 'ignore', ...user });
    return true;
  } catch {
    return false;
  }
}

import { randomBytes } from 'node:crypto';
import { chownSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { runServerProgram } from './binaries.ts';
import type { ServerUser } from './server-user.ts';

// Sorting by code point is the same on every machine and needs none of its locales.
const locale = ['-E', 'UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'];

/**
 * Makes a new cluster, its superuser's password in `passwordFile`. All or nothing: a start that was killed half-way
 * begins anew.
 */
export async function initialise(
  server: string,
  cluster: string,
  passwordFile: string,
  user: ServerUser | undefined,
): Promise<void> {
  const parent = dirname(cluster);
  removeUnfinished(cluster);
  const staging = `${cluster}.new-${randomBytes(4).toString('hex')}`;
  const handedOver = join(parent, 'postgres.initial-password');
  const password = randomBytes(24).toString('base64url');
  rmSync(handedOver, { force: true });
  mkdirSync(staging, { mode: 0o700 });
  writeFileSync(handedOver, password, { mode: 0o600 });
  if (user) for (const path of [staging, handedOver]) chownSync(path, user.uid, user.gid);
  try {
    await runServerProgram(
      server,
      'initdb',
      [
        '-D',
        staging,
        '-U',
        'postgres',
        '-A',
        'scram-sha-256',
        `--pwfile=${handedOver}`,
        '--no-instructions',
        ...locale,
      ],
      user,
    );
  } finally {
    rmSync(handedOver, { force: true });
  }
  rmSync(passwordFile, { force: true });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  renameSync(staging, cluster);
}

/** What killed starts left behind; an `initdb` that still runs there is left to finish for nothing. */
function removeUnfinished(cluster: string): void {
  const parent = dirname(cluster);
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(`${basename(cluster)}.new-`)) continue;
    try {
      rmSync(join(parent, name), { recursive: true, force: true });
    } catch {
      // The next initialisation finds it again.
    }
  }
}

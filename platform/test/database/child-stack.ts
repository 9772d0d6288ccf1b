import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { mayEnter } from '../../src/database/server-user.ts';

const program = fileURLToPath(new URL('fixtures/stack.ts', import.meta.url));

export interface Said {
  readonly adminUrl?: string;
  readonly port?: number;
  readonly attached?: boolean;
  readonly directory?: string;
  readonly error?: string;
  readonly name?: string;
}

export interface ChildStack extends Said {
  readonly process: ChildProcess;
  readonly exited: Promise<unknown>;
  /** Ends the process without a chance to tidy up; its database runs on. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

export const asRoot = process.getuid?.() === 0;

/** An unprivileged user that root can become; undefined when we are ordinary ourselves. */
export const ordinary = asRoot ? { uid: 65534, gid: 65534 } : undefined;

/** Root in a closed folder has nobody to hand the programs to. */
export const canBeOrdinary = !ordinary || (mayEnter(ordinary, process.cwd()) && mayEnter(ordinary, tmpdir()));

/** Starts the fixture and waits for its one line. */
export async function startStack(
  dataDir: string,
  options: { readonly port?: number; readonly user?: typeof ordinary } = {},
): Promise<ChildStack> {
  const child = spawn(
    process.execPath,
    [program, dataDir, ...(options.port === undefined ? [] : [String(options.port)])],
    { stdio: ['pipe', 'pipe', 'inherit'], env: { PATH: process.env.PATH }, detached: true, ...options.user },
  );
  const exited = once(child, 'exit');
  const line = createInterface({ input: child.stdout });
  const said = await Promise.race([
    once(line, 'line').then(([text]) => JSON.parse(text as string) as Said),
    exited.then(([code]) => ({ error: `ended with ${code} and said nothing` }) as Said),
  ]);
  if (said.error !== undefined) await exited;
  return {
    ...said,
    process: child,
    exited,
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    async stop() {
      child.stdin.end();
      await exited;
    },
  };
}

/** A folder for one test; `open` to the user the server runs as, or closed as `mktemp -d` makes it. */
export function newDataDir(access: 'open' | 'closed' = 'open'): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'govstack-data-')));
  if (access === 'open') chmodSync(folder, 0o755);
  return folder;
}

export const ownedByOrdinary = (folder: string): string => {
  if (ordinary) chownSync(folder, ordinary.uid, ordinary.gid);
  return folder;
};

export const postmasterPid = (directory: string): number =>
  Number(readFileSync(join(directory, 'postmaster.pid'), 'utf8').split('\n')[0]);

export const remove = (...folders: (string | undefined)[]): void => {
  for (const folder of folders) if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
};

/** Polls a condition; fails after ten seconds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('the condition did not come true in ten seconds');
    await new Promise((done) => setTimeout(done, 20));
  }
}

export async function query(url: string | undefined, sql: string): Promise<Record<string, unknown>[]> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

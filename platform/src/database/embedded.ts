import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  accessSync,
  chownSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { binariesFolder, type ServerUser, serverUser } from './binaries.ts';
import { isRunning, processState } from './process.ts';

const run = promisify(execFile);

export interface EmbeddedOptions {
  /** The stack's data directory; the server keeps its files in `postgres/` below it. */
  readonly dataDir: string;
  /** Server settings on top of the defaults, for example `{ fsync: 'off' }` in tests. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly log?: (message: string) => void;
}

export interface EmbeddedPostgres {
  /** URL of the superuser; only used to make databases and roles. */
  readonly adminUrl: string;
  readonly port: number;
  /** A server of an earlier, killed process was still running and is used again. */
  readonly attached: boolean;
  stop(): Promise<void>;
}

const defaults: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '300',
  shared_buffers: '256MB',
  wal_compression: 'on',
  max_wal_size: '2GB',
  timezone: 'UTC',
  log_timezone: 'UTC',
  password_encryption: 'scram-sha-256',
};

const freePort = (): Promise<number> =>
  new Promise((done, fail) => {
    const probe = createServer();
    probe.once('error', fail);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => done(typeof address === 'object' && address ? address.port : 0));
    });
  });

const isFree = (port: number): Promise<boolean> =>
  new Promise((done) => {
    const probe = createServer();
    probe.once('error', () => done(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => done(true)));
  });

/** First folder on the way to `path` that others may not enter. */
const closedTo = (path: string): string | undefined => {
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    if (existsSync(folder) && (statSync(folder).mode & 0o001) === 0) return folder;
    if (folder === dirname(folder)) return undefined;
  }
};

function assertReachable(user: ServerUser, binaries: string, cluster: string): void {
  const closed = closedTo(binaries) ?? closedTo(dirname(cluster));
  if (closed !== undefined && statSync(closed).uid !== user.uid) {
    throw new Error(
      `running as root, PostgreSQL needs an unprivileged user, who may not enter ${closed}: ` +
        'move the project and its data to a folder that others may enter, run as an ordinary user, or set DATABASE_URL',
    );
  }
}

interface Postmaster {
  readonly pid: number;
  readonly port: number;
}

function readPostmaster(cluster: string): Postmaster | undefined {
  try {
    const lines = readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n');
    return { pid: Number(lines[0]), port: Number(lines[3]) };
  } catch {
    return undefined;
  }
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function untilAnswers(url: string, seconds: number): Promise<boolean> {
  const deadline = Date.now() + seconds * 1000;
  while (Date.now() < deadline) {
    if (await answers(url)) return true;
    await new Promise((done) => setTimeout(done, 100));
  }
  return false;
}

async function initialise(
  binaries: string,
  cluster: string,
  password: string,
  user: ServerUser | undefined,
): Promise<void> {
  const staging = `${cluster}.new`;
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(staging, { recursive: true, mode: 0o700 });
  const passwordFile = `${cluster}.initial-password`;
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (user) {
    chownSync(staging, user.uid, user.gid);
    chownSync(passwordFile, user.uid, user.gid);
  }
  const options = ['-E', 'UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'];
  await run(
    join(binaries, 'initdb'),
    [
      '-D',
      staging,
      '-U',
      'postgres',
      '-A',
      'scram-sha-256',
      `--pwfile=${passwordFile}`,
      '--no-instructions',
      ...options,
    ],
    { cwd: '/', ...user },
  );
  rmSync(passwordFile);
  // A rename makes initialisation all or nothing: a start that was killed half-way begins anew.
  renameSync(staging, cluster);
}

/**
 * Starts the native PostgreSQL of the npm package on 127.0.0.1, or attaches to the one a killed process left running.
 * Works as root (the server runs as an unprivileged user) and as an ordinary user.
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const binaries = binariesFolder();
  const user = serverUser();
  const base = resolve(options.dataDir);
  mkdirSync(base, { recursive: true });
  const cluster = join(base, 'postgres');
  if (user) assertReachable(user, binaries, cluster);
  else accessSync(base, constants.W_OK);

  const passwordFile = join(base, 'postgres.password');
  if (!existsSync(passwordFile)) {
    if (existsSync(cluster))
      throw new Error(`${passwordFile} is missing, the database ${cluster} cannot be opened without it`);
    writeFileSync(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600 });
  }
  const password = readFileSync(passwordFile, 'utf8').trim();
  const urlAt = (port: number): string => `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  const stop = async (): Promise<void> => {
    await run(join(binaries, 'pg_ctl'), ['-D', cluster, '-w', '-t', '60', '-m', 'fast', 'stop'], {
      cwd: '/',
      ...user,
    });
  };

  const left = readPostmaster(cluster);
  if (left && isRunning(left.pid)) {
    if (await untilAnswers(urlAt(left.port), 30)) {
      options.log?.(`using the PostgreSQL that still runs on port ${left.port}`);
      return { adminUrl: urlAt(left.port), port: left.port, attached: true, stop };
    }
    throw new Error(
      `process ${left.pid} holds ${cluster} but no database of ours answers on port ${left.port}`,
    );
  }
  // A killed server whose process entry nobody has collected yet still blocks its own lock file.
  if (left && processState(left.pid)?.state === 'Z') rmSync(join(cluster, 'postmaster.pid'), { force: true });

  if (!existsSync(join(cluster, 'PG_VERSION'))) {
    options.log?.('making a new database');
    await initialise(binaries, cluster, password, user);
  }

  const portFile = join(base, 'postgres.port');
  const remembered = existsSync(portFile) ? Number(readFileSync(portFile, 'utf8')) : 0;
  const logFile = join(cluster, 'server.log');
  for (let attempt = 1; ; attempt += 1) {
    const port =
      attempt === 1 && remembered > 0 && (await isFree(remembered)) ? remembered : await freePort();
    const settings = Object.entries({ ...defaults, ...options.settings, port: String(port) });
    const flags = settings.map(([name, value]) => `-c ${name}='${value}'`).join(' ');
    try {
      await run(
        join(binaries, 'pg_ctl'),
        ['-D', cluster, '-w', '-t', '60', '-l', logFile, '-o', flags, 'start'],
        {
          cwd: '/',
          ...user,
        },
      );
      writeFileSync(portFile, String(port));
      if (!(await untilAnswers(urlAt(port), 30))) throw new Error('PostgreSQL started but does not answer');
      return { adminUrl: urlAt(port), port, attached: false, stop };
    } catch (error) {
      if (attempt >= 5) {
        const tail = existsSync(logFile)
          ? readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-5).join('\n')
          : '';
        throw new Error(`PostgreSQL could not be started:\n${tail || (error as Error).message}`, {
          cause: error,
        });
      }
    }
  }
}

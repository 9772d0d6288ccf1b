import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { installedServer, runServerProgram } from './binaries.ts';
import { initialise } from './initialise.ts';
import { reachableCluster, reachableServer } from './placement.ts';
import { freePort } from './port.ts';
import {
  answers,
  clearDeadPostmaster,
  postmasterRuns,
  readPostmaster,
  stopPostmaster,
} from './postmaster.ts';
import { serverUser } from './server-user.ts';
import { asFlags, serverSettings } from './settings.ts';

export interface EmbeddedOptions {
  /** The stack's data directory, claimed by the caller; the server keeps its files in `postgres/` below it. */
  readonly dataDir: string;
  /** Where to listen if the port is free; otherwise the port of the last time, or any free one. */
  readonly port?: number;
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
  /** Folder of the database's files; outside the data directory when that is closed to the server's user. */
  readonly directory: string;
  /** Ends connections and stops the server. Does nothing when it no longer runs. */
  stop(): Promise<void>;
}

/** Milliseconds. */
const patience = 60_000;

/** Why a start may fail now and succeed a moment later. */
const passing = [
  // Somebody took the port between our look and the server's.
  'could not create any TCP/IP sockets',
  // The last processes of a killed server are still ending.
  'pre-existing shared memory block',
];

/**
 * Starts the native PostgreSQL of the npm package on 127.0.0.1, or attaches to the one a killed process left running.
 * Works as root (the server runs as an unprivileged user) and as an ordinary user. The server is in a process group
 * of its own: Ctrl-C reaches the stack, which stops the server last.
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const log = options.log ?? (() => undefined);
  mkdirSync(options.dataDir, { recursive: true });
  const base = realpathSync(options.dataDir);
  accessSync(base, constants.W_OK);
  const user = serverUser(join(base, 'postgres'));
  const server = reachableServer(installedServer(), user);
  const cluster = reachableCluster(base, user, log);
  const passwordFile = join(base, 'postgres.password');
  const run = (program: 'pg_ctl' | 'postgres', args: readonly string[]): Promise<string> =>
    runServerProgram(server, program, args, user);

  if (!existsSync(join(cluster, 'PG_VERSION'))) {
    await run('postgres', ['--version']).catch((error: Error) => {
      throw new Error(
        `PostgreSQL cannot run on this machine; set DATABASE_URL to a server of your own\n${error.message}`,
        {
          cause: error,
        },
      );
    });
    log('making a new database');
    await initialise(server, cluster, passwordFile, user);
  }
  if (!existsSync(passwordFile))
    throw new Error(`${passwordFile} is missing, the database ${cluster} cannot be opened without it`);
  const password = readFileSync(passwordFile, 'utf8');

  const started = (port: number, attached: boolean): EmbeddedPostgres => ({
    adminUrl: urlAt(port),
    port,
    attached,
    directory: cluster,
    stop: () => stopPostmaster(cluster, patience),
  });
  const urlAt = (port: number): string => `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;

  const left = await findRunning(cluster, urlAt);
  if (left !== undefined) {
    log(`using the PostgreSQL that still runs on port ${left}`);
    return started(left, true);
  }

  const logFile = join(cluster, 'server.log');
  if ((statSync(logFile, { throwIfNoEntry: false })?.size ?? 0) > 10_000_000)
    renameSync(logFile, `${logFile}.1`);
  const portFile = join(base, 'postgres.port');
  const remembered = existsSync(portFile) ? Number(readFileSync(portFile, 'utf8')) : undefined;
  const deadline = Date.now() + patience;
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort(attempt === 1 ? (options.port ?? remembered) : undefined);
    const flags = asFlags(serverSettings({ ...options.settings, port: String(port) }));
    const before = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0;
    try {
      await run('pg_ctl', [
        '-D',
        cluster,
        '-w',
        '-t',
        String(patience / 1000),
        '-l',
        logFile,
        '-o',
        flags,
        'start',
      ]);
    } catch (error) {
      const said = existsSync(logFile) ? readFileSync(logFile).subarray(before).toString().trim() : '';
      if (Date.now() < deadline && passing.some((reason) => said.includes(reason))) {
        await delay(100);
        continue;
      }
      throw new Error(
        `PostgreSQL could not be started on ${dirname(cluster)}:\n${said || (error as Error).message}`,
        {
          cause: error,
        },
      );
    }
    writeFileSync(portFile, String(port));
    if (!(await answers(urlAt(port))))
      throw new Error(`PostgreSQL started on port ${port} but does not answer`);
    return started(port, false);
  }
}

/** Port of the server that an earlier process left running on a cluster, once it answers; undefined if none runs. */
async function findRunning(cluster: string, urlAt: (port: number) => string): Promise<number | undefined> {
  const deadline = Date.now() + patience;
  for (;;) {
    const left = readPostmaster(cluster);
    if (!left) return undefined;
    if (!postmasterRuns(cluster, left)) {
      await clearDeadPostmaster(cluster, left);
      return undefined;
    }
    if (left.port !== undefined && (await answers(urlAt(left.port)))) return left.port;
    if (Date.now() > deadline)
      throw new Error(
        `PostgreSQL (process ${left.pid}) runs on ${cluster} but does not answer; stop it and start again`,
      );
    await delay(100);
  }
}

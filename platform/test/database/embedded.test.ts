import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { installedServer, runServerProgram } from '../../src/database/binaries.ts';
import { reachableServer } from '../../src/database/placement.ts';
import {
  asRoot,
  type ChildStack,
  canBeOrdinary,
  newDataDir,
  ordinary,
  ownedByOrdinary,
  query,
  remove,
  startStack,
} from './child-stack.ts';

const stacks: ChildStack[] = [];
const folders: string[] = [];

const dataDir = (access?: 'open' | 'closed'): string => {
  const folder = newDataDir(access);
  folders.push(folder);
  return folder;
};
const start = async (...args: Parameters<typeof startStack>): Promise<ChildStack> => {
  const stack = await startStack(...args);
  stacks.push(stack);
  return stack;
};

afterEach(async () => {
  for (const stack of stacks.splice(0)) await stack.stop();
  remove(...folders.splice(0));
});

describe('the embedded PostgreSQL', () => {
  it('starts, keeps what was written over a restart, and stays on its port', async () => {
    const folder = dataDir();
    const first = await start(folder);
    expect(first).toMatchObject({ attached: false });
    await query(first.adminUrl, "create table kept as select 'naïve 数据 بيانات' as text");
    await first.stop();
    const second = await start(folder);
    expect(second).toMatchObject({ attached: false, port: first.port, adminUrl: first.adminUrl });
    expect(await query(second.adminUrl, 'select text, length(text) from kept')).toEqual([
      { text: 'naïve 数据 بيانات', length: 15 },
    ]);
  });

  it('[CFR-DAT-1] holds UTF-8 and refuses bytes that are not', async () => {
    const stack = await start(dataDir());
    const [row] = await query(
      stack.adminUrl,
      `select datlocprovider as provider, pg_encoding_to_char(encoding) as encoding, datlocale as locale
         from pg_database where datname = current_database()`,
    );
    expect(row).toEqual({ provider: 'b', encoding: 'UTF8', locale: 'C.UTF-8' });
    await expect(query(stack.adminUrl, "select convert_from('\\xe9'::bytea, 'UTF8')")).rejects.toMatchObject({
      code: '22021',
    });
  });

  it('listens on the loop-back address only and asks for the generated password', async () => {
    const folder = dataDir();
    const stack = await start(folder);
    const [row] = await query(
      stack.adminUrl,
      `select current_setting('listen_addresses') as tcp, current_setting('unix_socket_directories') as sockets,
              current_setting('max_connections')::int as connections, current_setting('timezone') as zone,
              left(rolpassword, 14) as verifier
         from pg_authid where rolname = 'postgres'`,
    );
    expect(row).toEqual({
      tcp: '127.0.0.1',
      sockets: '',
      connections: 300,
      zone: 'UTC',
      verifier: 'SCRAM-SHA-256$',
    });
    expect(statSync(join(folder, 'postgres.password')).mode & 0o777).toBe(0o600);
    const wrong = new URL(stack.adminUrl as string);
    wrong.password = 'guess';
    await expect(query(wrong.toString(), 'select 1')).rejects.toMatchObject({ code: '28P01' });
  });

  it('takes another port when the wanted one is busy, and keeps that one', async () => {
    const folder = dataDir();
    const busy = createServer();
    await new Promise<void>((done) => busy.listen(0, '127.0.0.1', done));
    const { port } = busy.address() as { port: number };
    const first = await start(folder, { port });
    expect(first.port).toBeGreaterThan(0);
    expect(first.port).not.toBe(port);
    await first.stop();
    await new Promise((done) => busy.close(done));
    expect((await start(folder)).port).toBe(first.port);
  });

  it('is out of reach of Ctrl-C: the stack stops it itself, to the end', async () => {
    const stack = await start(dataDir());
    const pidFile = join(stack.directory as string, 'postmaster.pid');
    // A terminal sends the signal to the whole group; the impatient press again and again.
    const again = setInterval(() => process.kill(-(stack.process.pid as number), 'SIGINT'), 5);
    await stack.exited.finally(() => clearInterval(again));
    expect(stack.process.exitCode).toBe(0);
    expect(existsSync(pidFile)).toBe(false);
    expect(readFileSync(join(stack.directory as string, 'server.log'), 'utf8')).toContain(
      'received fast shutdown request',
    );
  });

  it('writes neither statements nor the values of rows to its log', async () => {
    const stack = await start(dataDir());
    await query(stack.adminUrl, 'create table person (id text primary key)');
    await query(stack.adminUrl, "insert into person values ('199001019999')");
    await expect(query(stack.adminUrl, "insert into person values ('199001019999')")).rejects.toMatchObject({
      code: '23505',
    });
    const log = readFileSync(join(stack.directory as string, 'server.log'), 'utf8');
    expect(log).toContain('duplicate key value');
    expect(log).not.toContain('199001019999');
  });

  it('says what is wrong when a data directory has lost its password', async () => {
    const folder = dataDir();
    await (await start(folder)).stop();
    remove(join(folder, 'postgres.password'));
    expect((await start(folder)).error).toContain('postgres.password is missing');
  });

  if (canBeOrdinary) {
    it('runs as an ordinary user', async () => {
      const folder = ownedByOrdinary(dataDir());
      const stack = await start(folder, { user: ordinary });
      expect(stack.error).toBeUndefined();
      const owner = ordinary?.uid ?? process.getuid?.();
      expect(statSync(stack.directory as string)).toMatchObject({ uid: owner });
      expect(await query(stack.adminUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
    });
  }

  if (asRoot) {
    it('runs as an unprivileged user when started by root', async () => {
      const stack = await start(dataDir());
      const pid = readFileSync(join(stack.directory as string, 'postmaster.pid'), 'utf8').split('\n')[0];
      expect(Number(execFileSync('ps', ['-o', 'uid=', '-p', String(pid)]).toString())).not.toBe(0);
    });

    it('started by root in a folder closed to others, keeps its files where its user can reach them', async () => {
      const folder = dataDir('closed');
      const first = await start(folder);
      expect(first.error).toBeUndefined();
      expect(first.directory).not.toContain(folder);
      folders.push(dirname(first.directory as string));
      await query(first.adminUrl, 'create table kept (id int)');
      await first.stop();
      const second = await start(folder);
      expect(second.directory).toBe(first.directory);
      expect(await query(second.adminUrl, 'select count(*)::int as rows from kept')).toEqual([{ rows: 0 }]);
    });

    it('started by root from a project closed to others, runs a copy of its programs, made once', async () => {
      const project = dataDir('closed');
      const home = dataDir();
      const user = { uid: 65534, gid: 65534 };
      cpSync(dirname(installedServer()), project, { recursive: true, verbatimSymlinks: true });
      const server = reachableServer(join(project, 'native'), user, home);
      expect(dirname(server)).toBe(home);
      expect(await runServerProgram(server, 'postgres', ['--version'], user)).toContain('PostgreSQL');
      expect(reachableServer(join(project, 'native'), user, home)).toBe(server);
      expect(readdirSync(home)).toHaveLength(1);
    });

    it('trusts no folder for its programs that others may write to', () => {
      const project = dataDir('closed');
      const home = dataDir();
      chmodSync(home, 0o777);
      expect(() => reachableServer(project, { uid: 65534, gid: 65534 }, home)).toThrow('unprivileged user');
      expect(readdirSync(home)).toEqual([]);
    });
  }
});

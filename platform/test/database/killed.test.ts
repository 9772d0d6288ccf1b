import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { isRunning, isZombie } from '../../src/database/process.ts';
import { stopAbandonedServers } from '../../src/testing/run-server.ts';
import {
  type ChildStack,
  newDataDir,
  postmasterPid,
  query,
  remove,
  startStack,
  until,
} from './child-stack.ts';

const testRun = fileURLToPath(new URL('fixtures/test-run.ts', import.meta.url));

const stacks: ChildStack[] = [];
const folders: string[] = [];

const dataDir = (): string => {
  const folder = newDataDir();
  folders.push(folder);
  return folder;
};
const start = async (folder: string): Promise<ChildStack> => {
  const stack = await startStack(folder);
  stacks.push(stack);
  return stack;
};

afterEach(async () => {
  for (const stack of stacks.splice(0)) await stack.stop();
  remove(...folders.splice(0));
});

describe('a data directory', () => {
  it('started twice: the second start says who runs, where, and leaves the first alone', async () => {
    const folder = dataDir();
    const first = await start(folder);
    const second = await start(folder);
    expect(second.name).toBe('AlreadyRunning');
    expect(second.error).toBe(
      `already running at http://127.0.0.1:8080 (process ${first.process.pid}) on ${folder}; ` +
        'stop it first or give another --data directory',
    );
    expect(await query(first.adminUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('started by several at the same moment has one owner', async () => {
    const folder = dataDir();
    writeFileSync(join(folder, 'govstack.lock'), JSON.stringify({ pid: 2 ** 22 + 1, startedAt: '1' }));
    const all = await Promise.all(Array.from({ length: 5 }, () => start(folder)));
    expect(all.map((stack) => stack.name).sort()).toEqual([
      'AlreadyRunning',
      'AlreadyRunning',
      'AlreadyRunning',
      'AlreadyRunning',
      undefined,
    ]);
  });

  it('whose lock names a number that now belongs to another process is free', async () => {
    const folder = dataDir();
    writeFileSync(
      join(folder, 'govstack.lock'),
      JSON.stringify({ pid: process.pid, startedAt: 'another time' }),
    );
    expect((await start(folder)).error).toBeUndefined();
  });

  it('is released by a proper stop', async () => {
    const folder = dataDir();
    await (await start(folder)).stop();
    expect(existsSync(join(folder, 'govstack.lock'))).toBe(false);
  });
});

describe('after kill -9', () => {
  it('of the stack: the next start uses the database that still runs', async () => {
    const folder = dataDir();
    const first = await start(folder);
    await query(first.adminUrl, 'create table kept as select 42 as answer');
    const pid = postmasterPid(first.directory as string);
    await first.kill();
    expect(isRunning(pid)).toBe(true);
    const second = await start(folder);
    expect(second).toMatchObject({ attached: true, port: first.port });
    expect(postmasterPid(second.directory as string)).toBe(pid);
    expect(await query(second.adminUrl, 'select answer from kept')).toEqual([{ answer: 42 }]);
    await second.stop();
    expect(isRunning(pid)).toBe(false);
  });

  it('of the stack and the database: the next start recovers what was committed', async () => {
    const folder = dataDir();
    const first = await start(folder);
    await query(first.adminUrl, 'create table kept as select n from generate_series(1, 1000) as n');
    await first.kill();
    process.kill(postmasterPid(first.directory as string), 'SIGKILL');
    const second = await start(folder);
    expect(second).toMatchObject({ attached: false });
    expect(await query(second.adminUrl, 'select count(*)::int as rows from kept')).toEqual([{ rows: 1000 }]);
  });

  it('of the database alone: stopping the stack is quiet, and it starts again', async () => {
    const folder = dataDir();
    const first = await start(folder);
    const pid = postmasterPid(first.directory as string);
    process.kill(pid, 'SIGKILL');
    await until(() => !isRunning(pid));
    await first.stop();
    expect(first.process.exitCode).toBe(0);
    expect(await start(folder)).toMatchObject({ attached: false });
  });

  it.each([
    'living',
    'zombie',
  ] as const)('starts although the number of the dead server is that of a %s process', async (state) => {
    const folder = dataDir();
    const first = await start(folder);
    const pidFile = join(first.directory as string, 'postmaster.pid');
    const dead = postmasterPid(first.directory as string);
    await first.kill();
    process.kill(dead, 'SIGKILL');
    await until(() => !isRunning(dead));
    const { uid, gid } = statSync(first.directory as string);
    const other = spawn('/bin/sh', ['-c', 'sleep 0.2 & echo $!; exec sleep 60'], {
      cwd: '/',
      stdio: ['ignore', 'pipe', 'ignore'],
      ...(process.getuid?.() === 0 ? { uid, gid } : {}),
    });
    // The shell became a program that never collects its children: the first one stays a zombie.
    const [line] = await once(other.stdout, 'data');
    const zombie = Number(String(line));
    await until(() => isZombie(zombie));
    const number = state === 'zombie' ? zombie : (other.pid as number);
    writeFileSync(pidFile, readFileSync(pidFile, 'utf8').replace(String(dead), String(number)));
    const second = await start(folder);
    other.kill();
    expect(second.error).toBeUndefined();
    expect(second).toMatchObject({ attached: false });
  });

  it('of a test run: the next run clears its server and its folder away, and no living one', async () => {
    const parent = dataDir();
    const run = async (): Promise<{ child: ChildProcess; pid: number }> => {
      const child = spawn(process.execPath, [testRun, parent], { stdio: ['ignore', 'pipe', 'inherit'] });
      const [line] = await once(child.stdout as Readable, 'data');
      return { child, pid: postmasterPid(String(line).trim()) };
    };
    const killed = await run();
    const living = await run();
    killed.child.kill('SIGKILL');
    await once(killed.child, 'exit');
    await stopAbandonedServers(parent);
    expect(isRunning(killed.pid)).toBe(false);
    expect(isRunning(living.pid)).toBe(true);
    expect(readdirSync(parent)).toHaveLength(1);
    living.child.kill('SIGKILL');
    await once(living.child, 'exit');
    await stopAbandonedServers(parent);
    expect(isRunning(living.pid)).toBe(false);
    expect(readdirSync(parent)).toEqual([]);
  });
});

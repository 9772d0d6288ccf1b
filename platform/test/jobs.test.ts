import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import {
  currentContext,
  type JobSpec,
  type Jobs,
  newContext,
  transaction,
  withContext,
} from '@govstack/platform';
import { newDatabaseName, startTestNode, type TestNode, testAdminUrl } from '@govstack/platform/testing';
import { sql } from 'kysely';
import { describe, it, type TestContext } from 'vitest';
import { workerBlock } from './fixtures/worker-block.ts';

const secret = randomBytes(32);

interface Worker {
  readonly node: TestNode;
  send(name: string, data: object, options?: Parameters<Jobs['send']>[3]): Promise<void>;
}

/** Starts a node with these jobs; stops it with the test. */
async function work(
  context: Pick<TestContext, 'onTestFinished'>,
  jobs: readonly JobSpec[],
  databasePrefix?: string,
): Promise<Worker & { readonly queue: Jobs }> {
  const worker = workerBlock(...jobs);
  const node = await startTestNode({
    blocks: [{ block: worker.block }],
    ...(databasePrefix === undefined ? {} : { databasePrefix }),
    node: { secret, drainMs: 1_000 },
  });
  context.onTestFinished(() => node.stop());
  return {
    node,
    queue: worker.queue(),
    send: (name, data, options) =>
      transaction(node.database('worker'), (trx) => worker.queue().send(trx, name, data, options)),
  };
}

const patient = { timeout: 20_000 };

const states = async (node: TestNode, name: string) =>
  (
    await sql<{ state: string }>`select state from jobs.job where name = ${name}`.execute(
      node.database('worker'),
    )
  ).rows.map(({ state }) => state);

// Each waits for the clock of the queue most of the time.
describe.concurrent('a job', () => {
  it('of a committed change runs once, of a change taken back never', async (context) => {
    const { expect } = context;
    const ran: object[] = [];
    const record: JobSpec = { name: 'record', handle: async (data) => void ran.push(data) };
    const { node, queue, send } = await work(context, [record]);
    const takenBack = transaction(node.database('worker'), async (trx) => {
      await queue.send(trx, 'record', { kept: false });
      throw new Error('taken back');
    });
    await expect(takenBack).rejects.toThrow('taken back');
    await send('record', { kept: true });
    await expect.poll(() => states(node, 'record'), patient).toEqual(['completed']);
    expect(ran).toEqual([{ kept: true }]);
  });

  it('that fails is tried again', async (context) => {
    const { expect } = context;
    let attempts = 0;
    const { node, send } = await work(context, [
      {
        name: 'stumble',
        retryLimit: 2,
        handle: async () => {
          attempts += 1;
          if (attempts === 1) throw new Error('not this time');
        },
      },
    ]);
    await send('stumble', {});
    await expect.poll(() => states(node, 'stumble'), patient).toEqual(['completed']);
    expect(attempts).toBe(2);
  });

  it('that never succeeds is given up after its retries', async (context) => {
    const { expect } = context;
    let attempts = 0;
    const { node, send } = await work(context, [
      {
        name: 'fail',
        retryLimit: 0,
        handle: async () => {
          attempts += 1;
          throw new Error('never');
        },
      },
    ]);
    await send('fail', {});
    await expect.poll(() => states(node, 'fail'), patient).toEqual(['failed']);
    expect(attempts).toBe(1);
  });

  it('waits at most once per key, for as long as it waits', async (context) => {
    const { expect } = context;
    const ran: object[] = [];
    const { node, send } = await work(context, [
      { name: 'sum', handle: async (data) => void ran.push(data) },
    ]);
    const startAfter = new Date(Date.now() + 3_000);
    await Promise.all(
      Array.from({ length: 5 }, (_, n) => send('sum', { n }, { singletonKey: 'account-1', startAfter })),
    );
    await send('sum', { other: 'key' }, { singletonKey: 'account-2' });
    await send('sum', { other: 'none' });
    await send('sum', { other: 'none' });
    expect(await states(node, 'sum')).toHaveLength(4);
    await expect.poll(() => ran.length, patient).toBe(4);
    await send('sum', { again: true }, { singletonKey: 'account-1' });
    await expect.poll(() => ran.length, patient).toBe(5);
  });

  it('does not start before its time', async (context) => {
    const { expect } = context;
    const started: number[] = [];
    const { send } = await work(context, [
      { name: 'later', handle: async () => void started.push(Date.now()) },
    ]);
    const startAfter = new Date(Date.now() + 2_000);
    await send('later', {}, { startAfter });
    await expect.poll(() => started.length, patient).toBe(1);
    expect(started[0]).toBeGreaterThanOrEqual(startAfter.getTime());
  });

  it('[CFR-ARC-13] runs under the correlation id and trace of who sent it', async (context) => {
    const { expect } = context;
    const contexts: ReturnType<typeof currentContext>[] = [];
    const { send } = await work(context, [
      { name: 'follow', handle: async () => void contexts.push(currentContext()) },
    ]);
    const sender = newContext({ correlationId: 'case-12', authorization: 'Bearer of-the-sender' });
    await withContext(sender, () => send('follow', {}));
    await expect.poll(() => contexts.length, patient).toBe(1);
    expect(contexts[0]).toMatchObject({ correlationId: 'case-12', traceparent: sender.traceparent });
    // A person's token is for the request it came with, not for work that is done later.
    expect(contexts[0]?.authorization).toBeUndefined();
  });

  it('works on as many at a time as it says', async (context) => {
    const { expect } = context;
    let running = 0;
    let most = 0;
    let done = 0;
    const { send } = await work(context, [
      {
        name: 'parallel',
        concurrency: 3,
        handle: async () => {
          running += 1;
          most = Math.max(most, running);
          await expect.poll(() => most, patient).toBe(3);
          running -= 1;
          done += 1;
        },
      },
    ]);
    for (let n = 0; n < 6; n += 1) await send('parallel', { n });
    await expect.poll(() => done, patient).toBe(6);
    expect(most).toBe(3);
  });

  it('under way when the node stops may finish', async (context) => {
    const { expect } = context;
    let release: () => void = () => undefined;
    let taken = false;
    const { node, send } = await work(context, [
      {
        name: 'finish',
        retryLimit: 0,
        handle: async () => {
          taken = true;
          await new Promise<void>((resolve) => {
            release = resolve;
          });
        },
      },
    ]);
    await send('finish', {});
    await expect.poll(() => taken, patient).toBe(true);
    const stopped = node.stop();
    release();
    await stopped;
    const again = await work(
      context,
      [{ name: 'other', handle: async () => undefined }],
      node.databasePrefix,
    );
    expect(await states(again.node, 'finish')).toEqual(['completed']);
  });

  it('that takes too long to finish is told to end and handed back to the next node', async (context) => {
    const { expect } = context;
    let taken: AbortSignal | undefined;
    const long: JobSpec = {
      name: 'long',
      retryLimit: 0,
      handle: (_data, signal) => {
        taken = signal;
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('stopped')));
        });
      },
    };
    const { node, send } = await work(context, [long]);
    await send('long', { some: 'data' });
    await expect.poll(() => taken !== undefined, patient).toBe(true);
    await node.stop();
    expect(taken?.aborted).toBe(true);
    const finished: object[] = [];
    await work(context, [{ ...long, handle: async (data) => void finished.push(data) }], node.databasePrefix);
    await expect.poll(() => finished, patient).toEqual([{ some: 'data' }]);
  });

  it('held by a process that was killed runs again in another', async (context) => {
    const { expect } = context;
    const databasePrefix = `${newDatabaseName()}_`;
    const program = fileURLToPath(new URL('fixtures/crash/holder.ts', import.meta.url));
    const child = spawn(process.execPath, [program, testAdminUrl(), databasePrefix, secret.toString('hex')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await exited;
    const ran: object[] = [];
    await work(context, [{ name: 'hold', handle: async (data) => void ran.push(data) }], databasePrefix);
    await expect.poll(() => ran, { timeout: 28_000 }).toEqual([{ left: 'behind' }]);
  });

  it('that comes back by the clock is scheduled in its time zone, and no longer once it is not', async (context) => {
    const { expect } = context;
    const schedules = async (node: TestNode) =>
      (await sql`select name, cron, timezone from jobs.schedule`.execute(node.database('worker'))).rows;
    const handle = async (): Promise<void> => undefined;
    const daily = { cron: '0 6 * * *', timeZone: 'Africa/Kigali' };
    const first = await work(context, [{ name: 'report', handle, schedule: daily }]);
    expect(await schedules(first.node)).toEqual([
      { name: 'report', cron: '0 6 * * *', timezone: 'Africa/Kigali' },
    ]);
    await first.node.stop();
    const second = await work(context, [{ name: 'report', handle }], first.node.databasePrefix);
    expect(await schedules(second.node)).toEqual([]);
  });

  it('follows the settings of the newest version of its block', async (context) => {
    const { expect } = context;
    const handle = async (): Promise<void> => undefined;
    const first = await work(context, [{ name: 'tuned', handle, retryLimit: 1, expireInSeconds: 60 }]);
    await first.node.stop();
    const second = await work(
      context,
      [{ name: 'tuned', handle, retryLimit: 7, expireInSeconds: 30 }],
      first.node.databasePrefix,
    );
    const { rows } = await sql`
      select retry_limit, expire_seconds from jobs.queue where name = 'tuned'`.execute(
      second.node.database('worker'),
    );
    expect(rows).toEqual([{ retry_limit: 7, expire_seconds: 30 }]);
  });
});

describe('a queue', () => {
  it('that does not exist is an error for who sends, and takes the change back', async (context) => {
    const { expect } = context;
    const { node, queue } = await work(context, [{ name: 'known', handle: async () => undefined }]);
    const db = node.database('worker');
    await sql`create table change (n integer)`.execute(db);
    const sent = transaction(db, async (trx) => {
      await sql`insert into change (n) values (1)`.execute(trx);
      await queue.send(trx, 'unknown', {});
    });
    await expect(sent).rejects.toThrow(/unknown/);
    expect((await sql`select n from change`.execute(db)).rows).toEqual([]);
  });
});

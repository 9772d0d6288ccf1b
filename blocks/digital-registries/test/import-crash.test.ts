import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { testAdminUrl } from '@govstack/platform/testing';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { at, query, startAgency } from './fixtures/agency.ts';
import { begin, settled } from './fixtures/imports.ts';

const secret = randomBytes(32);
const program = fileURLToPath(new URL('fixtures/worker.ts', import.meta.url));
const records = 22_000;

interface Progress {
  readonly state: string;
  readonly read: number;
  readonly written: number;
}

/** How far the only import of a database is. */
async function progressOf(client: pg.Client): Promise<Progress> {
  const { rows } = await client.query('select state, rows_read, rows_created from transfer_import');
  return { state: rows[0].state, read: Number(rows[0].rows_read), written: Number(rows[0].rows_created) };
}

/** Works in a process of its own, which is killed as soon as the import is so far. */
async function workUntil(databasePrefix: string, far: (progress: Progress) => boolean): Promise<Progress> {
  const url = new URL(testAdminUrl());
  url.pathname = `/${databasePrefix}digital_registries`;
  const client = new pg.Client({ connectionString: url.toString() });
  await client.connect();
  const child = spawn(process.execPath, [program, testAdminUrl(), databasePrefix, secret.toString('hex')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  try {
    await once(child.stdout, 'data');
    for (;;) {
      const progress = await progressOf(client);
      if (far(progress) || progress.state === 'finished') return progress;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  } finally {
    child.kill('SIGKILL');
    await exited;
    await client.end();
  }
}

describe('a power cut', () => {
  it.each([
    'good-rows',
    'all-or-nothing',
  ] as const)('[REG-6.1-24] at any moment of an import (%s) leaves every record there once, with its history', async (mode) => {
    const node = { node: { secret } };
    const first = await startAgency({}, node);
    const code = await first.publish({
      type: 'object',
      properties: { ID: { type: 'string', id: 1 }, Name: { type: 'string', id: 2 } },
    });
    const lines = Array.from({ length: records }, (_, index) => `R${index},Name ${index}\n`);
    const { id, parts } = await begin(first, { registry: code, mode }, `ID,Name\n${lines.join('')}`, 300_000);
    await first.transfer.startImport({ params: { importId: id }, headers: {}, body: { parts } });
    await first.node.stop();
    const { databasePrefix } = first.node;
    await workUntil(databasePrefix, ({ read }) => read > 4000);
    await workUntil(databasePrefix, ({ read }) => read > 12_000);
    await workUntil(databasePrefix, ({ written }) => written > 0);
    const last = await startAgency({}, { ...node, databasePrefix });
    try {
      expect(await settled(last, id)).toMatchObject({
        state: 'finished',
        rows: { read: records, valid: records, faulty: 0, created: records },
      });
      const db = last.node.database('digital-registries');
      const { rows } = await db.executeQuery<Record<string, string>>({
        sql: `select
              (select count(*) from reg.r_1) as records, (select count(distinct f_1) from reg.r_1) as different,
              (select count(*) from change_log) as changes, (select count(distinct record) from change_log) as changed`,
        parameters: [],
      } as never);
      const all = String(records);
      expect(rows[0]).toEqual({ records: all, different: all, changes: all, changed: all });
      const one = await last.data.readRecord({
        params: at(code),
        headers: {},
        body: query({ ID: 'R21999' }),
      });
      expect(one.body.content).toEqual({ ID: 'R21999', Name: 'Name 21999' });
    } finally {
      await last.node.stop();
    }
  }, 300_000);
});

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { startTestNode, type TestNode, testAdminUrl, testApplication } from '@govstack/platform/testing';
import { sql } from 'kysely';
import { afterAll, expect, it } from 'vitest';
import { registryAutomation, registryData, registryDatabase } from '../src/api/operations.ts';
import { digitalRegistries } from '../src/block.ts';
import { at, agency as owner } from './fixtures/agency.ts';

const secret = randomBytes(32);
let node: TestNode | undefined;
afterAll(() => node?.stop());

const start = async (databasePrefix?: string): Promise<TestNode> => {
  node = await startTestNode({
    ...(databasePrefix ? { databasePrefix } : {}),
    blocks: [{ block: digitalRegistries }],
    node: { secret },
  });
  return node;
};
const clients = (of: TestNode) => ({
  data: of.client(registryData, { as: owner, service: `${owner}/registry-data-v1` }),
  database: of.client(registryDatabase, { as: owner, service: `${owner}/registry-database-v1` }),
  automation: of.client(registryAutomation, { as: owner, service: `${owner}/registry-automation-v1` }),
});
const records = 1200;

it('[REG-6.1-19-b] a run whose process is killed goes on elsewhere, and every record is done once', async () => {
  const before = await start();
  const { databasePrefix } = before;
  const { data, database, automation } = clients(before);
  for (const code of ['source', 'target']) {
    const schema = { type: 'object', properties: { Name: { type: 'string', id: 1 } } };
    await database.putDraft({ params: { code }, body: { schema } });
    await database.publishDraft({ params: { code }, body: {} });
  }
  for (let made = 0; made < records; made += 300)
    await data.createRecords({
      params: at('source'),
      body: { write: Array.from({ length: 300 }, (_, index) => ({ content: { Name: `n${made + index}` } })) },
    });
  const definition = {
    name: 'Copy',
    source: 'source',
    when: { manual: true },
    targets: [{ registry: 'target', input: [{ to: 'Name', value: { field: 'Name' } }] }],
  };
  await automation.putAutomation({ params: { code: 'copy' }, body: { definition } });
  const { run } = (await automation.runAutomation({ params: { code: 'copy' } })).body;
  await before.stop();

  const doomed = spawn(
    process.execPath,
    [fileURLToPath(new URL('fixtures/doomed-registries.ts', import.meta.url))],
    {
      env: {
        ...process.env,
        ADMIN_URL: testAdminUrl(),
        DATABASE_PREFIX: databasePrefix,
        SECRET: secret.toString('hex'),
        APPLICATION: testApplication(digitalRegistries as never),
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  await once(doomed, 'exit');
  const after = await start(databasePrefix);
  const db = after.database('digital-registries');
  const made = async (): Promise<{ all: number; different: number }> => {
    const { rows } = await sql<{ id: string }>`select id from registry where code = 'target'`.execute(db);
    const counted = await sql<{ all: string; different: string }>`
      select count(*) as all, count(distinct f_1) as different from ${sql.id('reg', `r_${rows[0]?.id}`)}`.execute(
      db,
    );
    return { all: Number(counted.rows[0]?.all), different: Number(counted.rows[0]?.different) };
  };
  expect((await made()).all).toBeLessThan(records);
  const { automation: later } = clients(after);
  await expect
    .poll(
      async () =>
        (await later.listRuns({ params: { code: 'copy' }, query: {} })).body.find(({ id }) => id === run)
          ?.state,
      { timeout: 90_000, interval: 200 },
    )
    .toBe('done');
  expect(await made()).toEqual({ all: records, different: records });
}, 120_000);

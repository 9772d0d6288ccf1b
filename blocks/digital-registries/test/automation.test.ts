import { createHmac } from 'node:crypto';
import type { Client } from '@govstack/platform';
import { jsonResponse, startTestNode, type TestProvider } from '@govstack/platform/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { registryAutomation, registryData, registryDatabase } from '../src/api/operations.ts';
import { digitalRegistries } from '../src/block.ts';
import { type Agency, at, agency as owner, query, refusal, stranger, write } from './fixtures/agency.ts';

const service = 'TEST/GOV/MSP/benefits/intake-v1';
let answer: TestProvider;
let agency: Pick<Agency, 'node' | 'data' | 'database'>;
let automations: Client<typeof registryAutomation.operations>;
beforeAll(async () => {
  const node = await startTestNode({
    blocks: [{ block: digitalRegistries }],
    providers: { [service]: (request, caller) => answer(request, caller) },
  });
  agency = {
    node,
    data: node.client(registryData, { as: owner, service: `${owner}/registry-data-v1` }),
    database: node.client(registryDatabase, { as: owner, service: `${owner}/registry-database-v1` }),
  };
  automations = as(owner);
});
afterAll(() => agency.node.stop());
beforeEach(() => {
  answer = async () => jsonResponse(200, {});
});

const as = (application: string) =>
  agency.node.client(registryAutomation, { as: application, service: `${owner}/registry-automation-v1` });
const eventually = <T>(read: () => T | Promise<T>) => expect.poll(read, { timeout: 30_000, interval: 50 });

let made = 0;
const publish = async (properties: object): Promise<string> => {
  const code = `registry-${++made}`;
  await agency.database.putDraft({ params: { code }, body: { schema: { type: 'object', properties } } });
  await agency.database.publishDraft({ params: { code }, body: {} });
  return code;
};
const text = (id: number, extra: object = {}) => ({ type: 'string', id, ...extra });
/** A registry of births, and one of people. */
const births = () =>
  publish({
    'Full name': text(1, { personal: true }),
    Born: { type: 'string', format: 'date', id: 2 },
    Village: text(3),
    Status: text(4),
    Weight: { type: 'number', id: 5 },
    Reference: text(6),
  });
const people = () =>
  publish({
    'First name': text(1),
    'Last name': text(2),
    Label: text(3),
    Born: text(4),
    Grams: { type: 'integer', id: 5 },
    District: text(6),
    Source: text(7, { unique: true }),
  });
const create = async (code: string, content: Record<string, unknown>) =>
  (await agency.data.createRecord({ params: at(code), body: write(content) })).body.uuid;
const createMany = async (code: string, contents: Record<string, unknown>[]) =>
  (
    await agency.data.createRecords({
      params: at(code),
      body: { write: contents.map((content) => ({ content })) },
    })
  ).body.uuids;
const all = async (code: string) =>
  (await agency.data.searchRecords({ params: at(code), body: { pageSize: 1000 }, headers: {} })).body.results;
const contents = async (code: string) => (await all(code)).map(({ content }) => content);
const put = async (definition: object, code = `automation-${++made}`) =>
  (await automations.putAutomation({ params: { code }, body: { definition } })).body.code;
const runs = async (code: string) => (await automations.listRuns({ params: { code }, query: {} })).body;
const failures = async (code: string, state: 'waiting' | 'dead' = 'dead') =>
  (await automations.listFailures({ params: { code }, query: { state } })).body;
const copy = (registry: string, extra: object = {}) => ({
  registry,
  action: 'create',
  input: [
    { to: 'First name', value: { split: { field: 'Full name' }, by: ' ', take: 0 } },
    { to: 'Source', value: { record: 'uuid' } },
  ],
  ...extra,
});

describe('an automation between registries', () => {
  it('[REG-6.1-19-a][REG-6.1-19-b][REG-6.1-19-c] maps what matches, one to many and many to one, and goes on with what comes', async () => {
    const [source, target, districts] = [
      await births(),
      await people(),
      await publish({ Code: text(1), District: text(2) }),
    ];
    await create(districts, { Code: 'N', District: 'North district' });
    await createMany(source, [
      { 'Full name': 'Ana Li', Born: '2026-02-03', Village: 'N', Status: 'approved', Weight: 3.2 },
      { 'Full name': 'Bo Wu', Born: '2026-01-01', Village: 'S', Status: 'refused', Weight: 3 },
      { 'Full name': 'Cy Mo', Born: '2025-12-31', Village: 'S', Status: 'open', Weight: 4.5 },
      { 'Full name': 'Di No', Born: '2026-05-06', Village: 'N', Status: 'open', Weight: 2 },
    ]);
    const code = await put({
      name: 'Births become people',
      source,
      condition: {
        all: [
          { field: 'Village', operator: 'in', value: ['N', 'S'] },
          {
            any: [
              { field: 'Status', operator: 'eq', value: 'approved' },
              { field: 'Weight', operator: 'gt', value: 4 },
            ],
          },
        ],
      },
      when: { every: 1 },
      targets: [
        {
          registry: target,
          input: [
            { to: 'First name', value: { upper: { split: { field: 'Full name' }, by: ' ', take: 0 } } },
            { to: 'Last name', value: { split: { field: 'Full name' }, by: ' ', take: -1 } },
            { to: 'Label', value: { template: '{Full name} of {Village}' } },
            { to: 'Born', value: { date: { field: 'Born' }, to: 'DD.MM.YYYY' } },
            {
              to: 'Grams',
              value: {
                number: {
                  concat: [{ split: { text: { field: 'Weight' } }, by: '.', take: 0 }, { constant: '000' }],
                },
              },
            },
            {
              to: 'District',
              value: {
                lookup: { field: 'Village' },
                registry: districts,
                by: 'Code',
                give: 'District',
                otherwise: { lookup: { field: 'Village' }, in: { S: 'South' } },
              },
            },
            { to: 'Source', value: { record: 'uuid' } },
          ],
        },
      ],
      output: [
        { to: 'Status', value: { constant: 'registered' } },
        { to: 'Reference', value: { result: '/number' } },
      ],
    });
    await eventually(async () => (await contents(target)).length).toBe(2);
    const [ana, cy] = await contents(target);
    expect(ana).toMatchObject({
      'First name': 'ANA',
      'Last name': 'Li',
      Label: 'Ana Li of N',
      Born: '03.02.2026',
      Grams: 3000,
      District: 'North district',
    });
    expect(cy).toMatchObject({ 'Last name': 'Mo', Grams: 4000, District: 'South' });
    const [first] = await all(target);
    expect((await contents(source))[0]).toMatchObject({ Status: 'registered', Reference: first?.number });
    await eventually(async () => (await runs(code)).at(-1)).toMatchObject({
      cause: 'interval',
      state: 'done',
      done: 2,
      failed: 0,
    });
    // What comes later is found by a later run, and nothing twice.
    await create(source, { 'Full name': 'Eve Za', Born: '2026-03-03', Village: 'N', Status: 'approved' });
    await eventually(async () => (await contents(target)).length).toBe(3);
    await eventually(async () => (await runs(code)).length).toBeGreaterThan(2);
    expect(await contents(target)).toHaveLength(3);
    // It acts for the owner, under its name, and its looks at personal data are on record.
    const db = agency.node.database('digital-registries');
    const { rows } = await sql<{ application: string; operator: string; exchange_id: string }>`
      select application, operator, exchange_id from change_log where record = ${first?.uuid}::uuid`.execute(
      db,
    );
    expect(rows[0]).toMatchObject({ application: owner, operator: 'TEST/GOV/BLOCKS/digital-registries' });
    expect(rows[0]?.exchange_id).toContain(`automation ${code} `);
    const { rows: reads } = await sql<{ purpose: string }>`
      select purpose from read_log where records @> array[${(await all(source))[0]?.uuid}]::uuid[]`.execute(
      db,
    );
    expect(reads.some(({ purpose }) => purpose === `Automation ${code}`)).toBe(true);
    await automations.putAutomationState({ params: { code }, body: { state: 'paused' } });
  });

  it('[REG-6.1-19-b] works on each record once, however many workers and runs there are', async () => {
    const [source, target] = [await births(), await people()];
    await createMany(
      source,
      Array.from({ length: 120 }, (_, index) => ({ 'Full name': `N${index} X` })),
    );
    const code = await put({ name: 'Copy', source, when: { manual: true }, targets: [copy(target)] });
    await Promise.all(Array.from({ length: 5 }, () => automations.runAutomation({ params: { code } })));
    await eventually(
      async () => (await runs(code)).filter(({ state }) => state === 'done').length,
    ).toBeGreaterThan(0);
    await automations.runAutomation({ params: { code } });
    await eventually(async () => (await runs(code)).every(({ state }) => state === 'done')).toBe(true);
    expect((await contents(target)).length).toBe(120);
    expect((await runs(code)).reduce((sum, { done }) => sum + done, 0)).toBe(120);
  });

  it('listens to changes, again for each where that counts, and stops when it is paused', async () => {
    const [source, target] = [await births(), await people()];
    const before = await create(source, { 'Full name': 'Before it was there' });
    const db = agency.node.database('digital-registries');
    await eventually(async () => {
      const { rows } = await sql`
        select from change_seal s join change_log c on c.seq = s.change_seq where c.record = ${before}::uuid`.execute(
        db,
      );
      return rows.length;
    }).toBe(1);
    const code = await put({
      name: 'Follow',
      source,
      when: { on: ['create', 'update'] },
      repeat: 'change',
      targets: [copy(target, { action: 'updateOrCreate', match: ['Source'] })],
    });
    const uuid = await create(source, { 'Full name': 'Ana Li' });
    await eventually(() => contents(target)).toEqual([{ 'First name': 'Ana', Source: uuid }]);
    const rename = (from: string, to: string) =>
      agency.data.updateRecord({
        params: at(source),
        headers: {},
        body: { ...query({ 'Full name': from }), ...write({ 'Full name': to }) },
      });
    await rename('Ana Li', 'Bea Li');
    await eventually(() => contents(target)).toEqual([{ 'First name': 'Bea', Source: uuid }]);
    await automations.putAutomationState({ params: { code }, body: { state: 'paused' } });
    await rename('Bea Li', 'Cia Li');
    expect((await refusal(automations.runAutomation({ params: { code } }))).status).toBe(409);
    expect((await contents(target))[0]?.['First name']).toBe('Bea');
    // It goes on where it was.
    await automations.putAutomationState({ params: { code }, body: { state: 'active' } });
    await eventually(async () => (await contents(target))[0]?.['First name']).toBe('Cia');
  });

  it('sets aside what cannot be done, and tries it again when asked; nothing of it is half done', async () => {
    const [source, target] = [await births(), await people()];
    const [good, bad] = await createMany(source, [
      { 'Full name': 'Ana Li', Weight: 3 },
      { 'Full name': 'Bo Wu' },
    ]);
    const code = await put({
      name: 'Weigh',
      source,
      when: { manual: true },
      targets: [
        copy(target),
        {
          registry: target,
          input: [{ to: 'Grams', value: { number: { first: [{ field: 'Weight' }, { constant: 'none' }] } } }],
        },
      ],
    });
    await automations.runAutomation({ params: { code } });
    await eventually(async () => (await failures(code)).map(({ record }) => record)).toEqual([bad]);
    const [failure] = await failures(code);
    expect(failure?.error).toContain('/definition/targets/1/input/0');
    expect(failure?.error).not.toContain('Bo');
    expect((await contents(target)).map((one) => one.Source).filter(Boolean)).toEqual([good]);
    await agency.data.updateRecord({
      params: at(source),
      headers: {},
      body: { ...query({ 'Full name': 'Bo Wu' }), ...write({ Weight: 2 }) },
    });
    expect((await automations.retryFailures({ params: { code }, body: {} })).body.count).toBe(1);
    await eventually(async () => (await contents(target)).length).toBe(4);
    expect(await failures(code)).toEqual([]);
    expect((await automations.getAutomation({ params: { code } })).body.failures).toEqual({
      waiting: 0,
      dead: 0,
    });
  });

  it('shows what it would do, and does nothing', async () => {
    const [source, target] = [await births(), await people()];
    const [first, second] = await createMany(source, [{ 'Full name': 'Ana Li' }, { 'Full name': 'Bo Wu' }]);
    await create(target, { Source: second });
    const definition = {
      name: 'Trial',
      source,
      when: { manual: true },
      targets: [copy(target)],
      output: [{ to: 'Status', value: { constant: 'x' } }],
    };
    const tried = (await automations.tryAutomation({ body: { definition } })).body;
    expect(tried[0]).toEqual({
      record: first,
      error: null,
      sent: [{ target, content: { 'First name': 'Ana', Source: first } }],
    });
    expect(tried[1]?.error).toContain('409');
    expect(await contents(target)).toHaveLength(1);
    expect((await contents(source)).every(({ Status }) => Status === undefined)).toBe(true);
  });
});

describe('an automation towards another application', () => {
  it('[REG-6.1-19-a][REG-6.1-19-c] calls it through the mediator, again under the same key when that fails, and keeps what it answers', async () => {
    const source = await births();
    const uuid = await create(source, { 'Full name': 'Ana Li', Weight: 3 });
    const asked: { key: string | undefined; body: unknown; path: string; client: string }[] = [];
    answer = async (request, caller) => {
      asked.push({
        key: request.headers['idempotency-key'],
        body: JSON.parse(String(request.body)),
        path: request.path,
        client: caller.application,
      });
      return asked.length < 3 ? jsonResponse(503, {}) : jsonResponse(201, { case: { id: 'C-1' } });
    };
    const code = await put({
      name: 'Tell benefits',
      source,
      when: { every: 60 },
      retry: { attempts: 5, delaySeconds: 1 },
      targets: [
        {
          service,
          method: 'POST',
          path: '/cases/{uuid}',
          input: [
            { to: '/applicant/name', value: { field: 'Full name' } },
            { to: '/applicant/weight', value: { field: 'Weight' } },
            { to: '/kind', value: { constant: 'birth' } },
          ],
        },
      ],
      output: [{ to: 'Reference', value: { result: '/case/id' } }],
    });
    await eventually(async () => (await contents(source))[0]?.Reference).toBe('C-1');
    expect(asked).toHaveLength(3);
    expect(asked[0]).toMatchObject({
      client: owner,
      path: `/cases/${uuid}`,
      body: { applicant: { name: 'Ana Li', weight: 3 }, kind: 'birth' },
    });
    expect(new Set(asked.map(({ key }) => key)).size).toBe(1);
    await eventually(async () => (await runs(code)).map(({ state }) => state)).not.toContain('running');
    expect(await failures(code, 'waiting')).toEqual([]);
  });

  it('gives up on what is refused, at once', async () => {
    const source = await births();
    await create(source, { 'Full name': 'Ana Li' });
    let asked = 0;
    answer = async () => {
      asked += 1;
      return jsonResponse(422, { detail: 'Ana Li is not welcome' });
    };
    const code = await put({
      name: 'Refused',
      source,
      when: { every: 60 },
      targets: [
        { service, method: 'POST', path: '/x', input: [{ to: '/name', value: { field: 'Full name' } }] },
      ],
    });
    await eventually(async () =>
      (await failures(code)).map(({ attempts, error }) => [attempts, error]),
    ).toEqual([[1, '422: The service answered 422']]);
    expect(asked).toBe(1);
  });
});

describe('a hook', () => {
  const deliver = (
    code: string,
    id: string,
    body: unknown,
    { client = owner, headers = {} }: { client?: string; headers?: Record<string, string> } = {},
  ) => as(client).deliverToHook({ params: { code }, headers: { 'webhook-id': id, ...headers }, body });

  it('[REG-6.1-19-d] writes across registries what is delivered, once for each id, all or nothing', async () => {
    const [first, second] = [await births(), await people()];
    const code = await put({
      name: 'Birth notice',
      when: { hook: { callers: [stranger] } },
      targets: [
        { registry: first, input: [{ to: 'Full name', value: { payload: '/child/name' } }] },
        {
          registry: second,
          input: [
            { to: 'Label', value: { payload: '/child/name' } },
            { to: 'Source', value: { result: '/uuid' } },
            { to: 'District', value: { payload: '/place/0' } },
          ],
        },
      ],
    });
    const notice = { child: { name: 'Ana Li' }, place: ['North'] };
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => deliver(code, 'd1', notice, { client: stranger })),
    );
    expect(new Set(answers.map(({ body }) => body.records.join())).size).toBe(1);
    const [uuid] = answers[0]?.body.records ?? [];
    expect(await contents(first)).toEqual([{ 'Full name': 'Ana Li' }]);
    expect(await contents(second)).toEqual([{ Label: 'Ana Li', Source: uuid, District: 'North' }]);
    expect((await refusal(deliver(code, 'd1', { child: {} }, { client: stranger }))).status).toBe(422);
    expect((await refusal(deliver(code, 'd2', { child: { name: 7 } }, { client: stranger }))).status).toBe(
      400,
    );
    expect(await contents(first)).toHaveLength(1);
    expect((await refusal(deliver(code, 'd3', notice, { client: 'TEST/GOV/XXX/other' }))).status).toBe(404);
    expect((await refusal(deliver('no-such-hook', 'd3', notice))).status).toBe(404);
  });

  it('[REG-6.1-19-d] takes what is signed with its secret, now, and begins a run', async () => {
    const [source, target] = [await births(), await people()];
    const code = await put({
      name: 'Signed',
      source,
      when: { hook: { signed: true } },
      targets: [copy(target)],
    });
    await create(source, { 'Full name': 'Ana Li' });
    const secret = (await automations.getHookSecret({ params: { code } })).body.secret;
    const signed = (id: string, body: string, seconds = Math.floor(Date.now() / 1000), key = secret) => ({
      'webhook-timestamp': String(seconds),
      'webhook-signature': `v1,${createHmac('sha256', Buffer.from(key.slice(6), 'base64'))
        .update(`${id}.${seconds}.${body}`)
        .digest('base64')}`,
    });
    const body = { go: true };
    const text = JSON.stringify(body);
    const refused = async (headers: Record<string, string>) =>
      (await refusal(deliver(code, 's1', body, { headers }))).status;
    expect(await refused({})).toBe(401);
    expect(await refused(signed('other', text))).toBe(401);
    expect(await refused(signed('s1', text, Math.floor(Date.now() / 1000) - 600))).toBe(401);
    expect(await refused(signed('s1', '{"go":false}'))).toBe(401);
    const { run } = (await deliver(code, 's1', body, { headers: signed('s1', text) })).body;
    expect((await deliver(code, 's1', body, { headers: signed('s1', text) })).body.run).toBe(run);
    await eventually(() => contents(target)).toHaveLength(1);
    // Bytes as they are: white space counts.
    const spaced = '{ "go": true }';
    const raw = (await deliver(code, 's2', Buffer.from(spaced), { headers: signed('s2', spaced) })).body;
    expect(raw.run).not.toBeNull();
    const renewed = (await automations.renewHookSecret({ params: { code } })).body.secret;
    expect(renewed).not.toBe(secret);
    expect((await refusal(deliver(code, 's3', body, { headers: signed('s3', text) }))).status).toBe(401);
  });
});

describe('a definition', () => {
  it('is refused with all that is wrong with it', async () => {
    const source = await births();
    const errors = async (definition: object) =>
      (await refusal(put(definition))).problem?.errors?.map(({ pointer }) => pointer);
    const target = { registry: source, input: [{ to: 'Status', value: { constant: 'x' } }] };
    expect(
      await errors({ name: 'x', source, when: { every: 0 }, targets: [], repeat: 'always', more: 1 }),
    ).toEqual(['/definition/more', '/definition/when/every', '/definition/targets', '/definition/repeat']);
    const one = async (extra: object) =>
      errors({ name: 'x', source, when: { manual: true }, targets: [target], ...extra });
    expect(await one({ condition: { field: 'No such', operator: 'eq', value: 1 } })).toEqual(['/definition']);
    expect(await one({ condition: { field: 'Status', operator: 'like' } })).toEqual([
      '/definition/condition',
    ]);
    expect(await one({ when: { cron: '61 * * * *' } })).toEqual(['/definition/when/cron']);
    expect(await one({ when: { cron: '0 0 31 2 *' } })).toEqual(['/definition/when/cron']);
    expect(await one({ when: { cron: '0 0 * * *', timeZone: 'Mars/Base' } })).toEqual([
      '/definition/when/timeZone',
    ]);
    expect(await one({ when: { hook: {} } })).toEqual(['/definition/when/hook']);
    expect(await one({ targets: [{ ...target, registry: 'nowhere' }] })).toEqual([
      '/definition/targets/0/registry',
    ]);
    expect(await one({ targets: [{ ...target, action: 'update' }] })).toEqual([
      '/definition/targets/0/match',
    ]);
    expect(
      await one({ targets: [{ registry: source, input: [{ to: 'Status', value: { run: 'rm' } }] }] }),
    ).toEqual(['/definition/targets/0/input/0/value']);
    for (const path of ['http://169.254.169.254/', '/a/../b', '/{Full name}', '//x'])
      expect(
        (
          await refusal(
            put({ name: 'x', source, when: { manual: true }, targets: [{ service, method: 'POST', path }] }),
          )
        ).status,
      ).toBe(400);
    expect(await one({ targets: [{ service: 'http://localhost/', method: 'POST', path: '/' }] })).toEqual([
      '/definition/targets/0/service',
    ]);
    let deep: object = { constant: 1 };
    for (let level = 0; level < 20; level += 1) deep = { upper: deep };
    expect(
      (await one({ targets: [{ registry: source, input: [{ to: 'Status', value: deep }] }] }))?.length,
    ).toBe(1);
    expect(await errors({ name: 'x', when: { every: 5 }, targets: [target] })).toEqual([
      '/definition/source',
    ]);
  });

  it('is for its owner only', async () => {
    const other = as(stranger);
    expect((await refusal(other.listAutomations({}))).status).toBe(403);
    expect(
      (await refusal(other.putAutomation({ params: { code: 'x' }, body: { definition: {} } }))).status,
    ).toBe(403);
    expect((await refusal(other.getHookSecret({ params: { code: 'x' } }))).status).toBe(403);
    expect((await refusal(automations.getAutomation({ params: { code: 'no-such' } }))).status).toBe(404);
    await automations.deleteAutomation({ params: { code: 'no-such' } });
  });
});

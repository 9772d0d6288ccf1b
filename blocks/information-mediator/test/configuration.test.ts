import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Configured,
  type Given,
  ministry,
  registration,
  small,
  startConfigured,
  withoutOwn,
} from './fixtures/configuration.ts';
import { consumer, refusal } from './fixtures/instance.ts';

let instance: Configured;
beforeAll(async () => {
  instance = await startConfigured();
});
afterAll(() => instance.node.stop());

const version = async (): Promise<string> =>
  (await instance.db.selectFrom('directory_version').select('version').executeTakeFirstOrThrow()).version;

describe('the configuration of an instance', () => {
  it('[IM-8.6.1-b] is missing at first, and the status says so', async () => {
    const status = await instance.ask('GET', '/status');
    expect(status.status).toBe(500);
    expect(status.json()).toEqual({
      status: 'failed',
      version: null,
      failures: ['the instance is not configured'],
    });
  });

  it('[IM-8.6.1-a] is created once, and read as it was given', async () => {
    const created = await instance.api.createIMconf({ query: { init: true }, body: small() });
    expect(created.status).toBe(201);
    expect(created.body).toContain('Version 2 applied: 7 added, 0 changed, 0 removed');
    const read = withoutOwn((await instance.api.listIMconf({})).body);
    expect(read).toEqual({
      domain: 'sample.sandbox.example',
      instance: 'T',
      members: [
        {
          name: 'Ministry of Interior',
          class: 'GOV',
          code: '7001',
          applications: [
            {
              id: 'CitizensRegistry',
              connection: 'https',
              services: [
                {
                  id: 'registration',
                  specUrl: 'https://spec.example/registration.json',
                  serviceUrl: 'https://registry.example/api/v1/registration',
                  rights: [
                    { member: 'LocalMunicipality', application: 'Portal', class: 'GOV', code: '8001' },
                  ],
                },
              ],
            },
          ],
        },
        {
          name: 'LocalMunicipality',
          class: 'GOV',
          code: '8001',
          applications: [{ id: 'Portal', connection: 'https', services: [] }],
        },
      ],
    });
    const other = { ...small(), domain: 'other.example' };
    expect((await refusal(instance.api.createIMconf({ query: {}, body: other }))).status).toBe(409);
    expect((await instance.api.listIMconf({})).body.domain).toBe('sample.sandbox.example');
    const again = await instance.api.createIMconf({ query: {}, body: small() });
    expect(again).toMatchObject({ status: 201, body: 'Nothing to change: version 2 stands' });
  });

  it('[IM-8.6.1-b] is there then, and the status says so until something fails', async () => {
    const status = async () => {
      const { status, text } = await instance.ask('GET', '/status');
      return [status, JSON.parse(text).failures];
    };
    expect(await status()).toEqual([200, []]);
    await instance.admin.putMaintenance({ body: { notice: 'Back at noon' } });
    expect(await status()).toEqual([500, ['the mediator is in maintenance mode']]);
    await instance.admin.putMaintenance({ body: { notice: null } });
    await sql`alter table message_log rename to hidden`.execute(instance.db);
    expect(await status()).toEqual([500, ['evidence cannot be recorded']]);
    await sql`alter table hidden rename to message_log`.execute(instance.db);
    expect(await status()).toEqual([200, []]);
  });
});

describe('PATCH', () => {
  it('[IM-8.6.1-a] merges: what the document leaves out stays', async () => {
    const before = (await instance.api.listIMconf({})).body;
    const { body } = await instance.api.updateIMconf({
      query: {},
      body: {
        instance: 'T',
        members: [
          {
            class: 'GOV',
            code: '7001',
            applications: [
              {
                id: 'CitizensRegistry',
                services: [
                  { id: 'registration', timeoutMs: 900 },
                  { ...registration, id: 'deaths' },
                ],
              },
            ],
          },
        ],
      },
    });
    expect(String(body).split('\n').slice(1)).toEqual([
      '+ service T/GOV/7001/CitizensRegistry/deaths: serviceUrl "https://registry.example/api/v1/registration"; specUrl "https://spec.example/registration.json"',
      '~ service T/GOV/7001/CitizensRegistry/registration: timeoutMs 30000 → 900',
    ]);
    const expected = structuredClone(before);
    const services = expected.members.find(({ code }) => code === '7001')?.applications[0]?.services;
    Object.assign(services?.[0] as object, { timeoutMs: 900 });
    services?.unshift({ ...registration, id: 'deaths', rights: [] });
    expect((await instance.api.listIMconf({})).body).toEqual(expected);
  });

  it('adds to the rights of a service, and changes one by naming its endpoints', async () => {
    const patch = (rights: object[]) =>
      instance.api.updateIMconf({
        query: {},
        body: {
          instance: 'T',
          members: [
            ministry([{ id: 'CitizensRegistry', services: [{ id: 'registration', rights } as never] }]),
          ],
        },
      });
    await patch([{ member: 'Ministry of Interior', application: 'CitizensRegistry' }]);
    await patch([
      { class: 'GOV', code: 8001, application: 'Portal', endpoints: [{ method: 'get', path: '/a' }] },
    ]);
    const { rows } = await sql`
      select subject, method, path
      from access_right
      where service_id = 'T/GOV/7001/CitizensRegistry/registration'
      order by subject`.execute(instance.db);
    expect(rows).toEqual([
      { subject: 'T/GOV/7001/CitizensRegistry', method: '*', path: '**' },
      { subject: 'T/GOV/8001/Portal', method: 'GET', path: '/a' },
    ]);
  });
});

describe('PUT', () => {
  it('[IM-8.6.1-a] replaces: what the document leaves out is deleted, except what the mediator needs', async () => {
    const { body } = await instance.api.replaceIMconf({
      query: {},
      body: { domain: 'new.example', instance: 'T', members: [ministry()] },
    });
    expect(String(body).split('\n').slice(1)).toEqual([
      '~ domain new.example: domain "sample.sandbox.example" → "new.example"',
      '- member T/GOV/8001',
      '- application T/GOV/7001/CitizensRegistry',
      '- application T/GOV/8001/Portal',
      '- service T/GOV/7001/CitizensRegistry/deaths',
      '- service T/GOV/7001/CitizensRegistry/registration',
      '- right of T/GOV/7001/CitizensRegistry to T/GOV/7001/CitizensRegistry/registration',
      '- right of T/GOV/8001/Portal to T/GOV/7001/CitizensRegistry/registration',
    ]);
    const read = (await instance.api.listIMconf({})).body;
    expect(read.members.map(({ code }) => code)).toEqual(['7001', 'DGA']);
    const mediator = read.members[1]?.applications.find(({ id }) => id === 'mediator');
    expect(mediator?.services.map(({ id }) => id)).toContain('mediator-config-v1');
    expect(mediator?.services[0]?.rights).toEqual([
      { member: 'DGA', application: 'governance', class: 'GOV', code: 'DGA' },
    ]);
  });

  it('[IM-5.1.1-a] repeated changes nothing, and nothing is recorded of it', async () => {
    await instance.api.replaceIMconf({ query: {}, body: small() });
    const before = [await version(), (await instance.api.listVersions({ query: {} })).body.items.length];
    const { body } = await instance.api.replaceIMconf({ query: {}, body: small() });
    expect(body).toMatch(/^Nothing to change: version \d+ stands$/);
    expect([await version(), (await instance.api.listVersions({ query: {} })).body.items.length]).toEqual(
      before,
    );
    await instance.api.listIMconf({});
    expect(await version()).toBe(before[0]);
  });

  it('counts at once: a service of this node can be called under the right that was given', async () => {
    const echoing: Given = {
      ...small(),
      members: [
        {
          name: 'Health',
          class: 'GOV',
          code: 'MOH',
          applications: [
            {
              id: 'echo',
              services: [
                {
                  id: 'echo-v1',
                  serviceUrl: 'local:echo/echo-v1',
                  rights: [{ member: 'Social protection', application: 'service' }],
                },
              ],
            },
          ],
        },
        { name: 'Social protection', class: 'GOV', code: 'MSP', applications: [{ id: 'service' }] },
      ],
    };
    await instance.api.replaceIMconf({ query: {}, body: echoing });
    expect((await instance.say('configured')).body.caller).toBe(consumer);
    expect(
      withoutOwn((await instance.api.listIMconf({})).body).members[0]?.applications[0]?.services,
    ).toEqual([
      {
        id: 'echo-v1',
        specUrl: 'local:echo/echo-v1/openapi.json',
        serviceUrl: 'local:echo/echo-v1',
        rights: [{ member: 'Social protection', application: 'service', class: 'GOV', code: 'MSP' }],
      },
    ]);
    await instance.api.replaceIMconf({ query: {}, body: small() });
    expect((await refusal(instance.say('gone'))).mediatorError).toContain('UnknownMember');
  });

  it('has the description of a service read where specUrl says', async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.end('openapi: 3.0.3\ninfo: {title: Births, version: "1"}\npaths: {}\n');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const specUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/spec.yaml?version=1`;
      const body: Given = structuredClone(small());
      Object.assign(body.members?.[0]?.applications?.[0]?.services?.[0] ?? {}, { specUrl });
      await instance.api.replaceIMconf({ query: {}, body });
      const answer = await instance.node.mediator.exchange({
        client: 'T/GOV/8001/Portal',
        service: 'T/GOV/7001/CitizensRegistry/getOpenAPI',
        method: 'GET',
        path: '/?serviceCode=registration',
        headers: {},
      });
      expect(JSON.parse(answer.body.toString('utf8'))).toMatchObject({ info: { title: 'Births' } });
      expect(asked).toEqual(['/spec.yaml?version=1']);
    } finally {
      server.close();
    }
    await instance.api.replaceIMconf({ query: {}, body: small() });
  });

  it('keeps what somebody else still needs: an application that hears events', async () => {
    await instance.admin.putSubscription({
      params: {
        source: 'T/GOV/7001/CitizensRegistry',
        eventType: 'born.v1',
        subscriber: 'T/GOV/8001/Portal',
      },
    });
    const before = (await instance.api.listIMconf({})).body;
    const failed = await refusal(
      instance.api.replaceIMconf({ query: {}, body: { ...small(), members: [ministry()] } }),
    );
    expect(failed.status).toBe(400);
    expect(failed.problem?.errors?.map(({ detail }) => detail)).toEqual([
      'T/GOV/7001/CitizensRegistry cannot go: entries of subscription name it',
      'T/GOV/8001/Portal cannot go: entries of subscription name it',
    ]);
    expect((await instance.api.listIMconf({})).body).toEqual(before);
    await sql`delete from subscription`.execute(instance.db);
  });
});

describe('the form', () => {
  const yaml = `
domain: sample.sandbox.example
instance: T
members:
  - {name: Ministry of Interior, class: GOV, code: 7001, applications: [
      {id: CitizensRegistry, services: [
        {id: registration, spec_url: "https://spec.example/registration.json",
         service_url: "https://registry.example/api/v1/registration",
         rights: [{member: LocalMunicipality, application: Portal}]}]}]}
  - name: LocalMunicipality
    class: GOV
    code: 8001
    applications:
      - id: Portal
`;

  it.each([
    'text/yaml',
    'application/yaml',
  ])('[IM-8.6.1-a] may be %s, with the spelling of the published example, and means the same', async (type) => {
    await instance.api.replaceIMconf({ query: {}, body: { ...small(), members: [] } });
    expect((await instance.ask('PUT', '/config', { body: yaml, type })).status).toBe(201);
    const { body } = await instance.api.replaceIMconf({ query: {}, body: small() });
    expect(body).toContain('Nothing to change');
    const read = await instance.ask('GET', '/config', { headers: { accept: type } });
    expect(read.headers.get('content-type')).toBe(`${type}; charset=utf-8`);
    const again = await instance.ask('PUT', '/config', { body: read.text, type });
    expect(again.json()).toContain('Nothing to change');
  });

  it('keeps the zeros of a code that is written as a number', async () => {
    const body = yaml.replaceAll('code: 8001', 'code: 0081');
    await instance.ask('PUT', '/config', { body, type: 'text/yaml' });
    const { members } = (await instance.api.listIMconf({})).body;
    expect(members.map(({ code }) => code)).toContain('0081');
  });

  it.each([
    ['YAML that is none', 'members: [', 'text/yaml', 400],
    ['JSON that is none', '{', 'application/json', 400],
    ['no body', undefined, 'application/json', 400],
    ['another media type', '<a/>', 'application/xml', 415],
    ['more than can be read', `{"a":"${'a'.repeat(16 * 1024 * 1024)}"}`, 'application/json', 413],
    ['aliases that multiply', bomb(), 'text/yaml', 400],
  ])('%s is refused', async (_what, body, type, status) => {
    const before = await version();
    const answer = await instance.ask('PUT', '/config', { body, type });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(await version()).toBe(before);
  });
});

describe('a change made for another state', () => {
  it('is refused when it says for which: no update is lost', async () => {
    await instance.api.replaceIMconf({ query: {}, body: small() });
    const { etag } = (await instance.api.listIMconf({})).headers;
    expect(etag).toMatch(/^"[\w-]{22}"$/);
    const put = (domain: string, match: string) =>
      instance.ask('PUT', '/config', { body: { ...small(), domain }, headers: { 'if-match': match } });
    const first = await put('first.example', etag as string);
    expect(first.status).toBe(201);
    const second = await put('second.example', etag as string);
    expect(second.status).toBe(412);
    expect(second.headers.get('etag')).toBe(first.headers.get('etag'));
    const patch = await instance.ask('PATCH', '/config', {
      body: { instance: 'T', domain: 'third.example' },
      headers: { 'if-match': etag as string },
    });
    expect(patch.status).toBe(412);
    expect((await instance.api.listIMconf({})).body.domain).toBe('first.example');
    expect((await put('second.example', `"x", ${first.headers.get('etag')}`)).status).toBe(201);
    expect((await put('third.example', '*')).status).toBe(201);
  });

  it('waits for the one before it: documents that come at once are applied one after the other', async () => {
    const other = await startConfigured({ databasePrefix: instance.node.databasePrefix });
    try {
      const numbers = Array.from({ length: 12 }, (_, index) => index);
      const answers = await Promise.all([
        ...numbers.map((index) =>
          (index % 2 === 0 ? instance : other).api.replaceIMconf({
            query: {},
            body: { ...small(), domain: `at${index}.example` },
          }),
        ),
        ...numbers.map((index) =>
          instance.admin.putMember({
            params: { member: `T/NGO/N${index % 3}` },
            body: { name: `N${index}` },
          }),
        ),
      ]);
      expect(answers.map(({ status }) => status)).toEqual([
        ...numbers.map(() => 201),
        ...numbers.map(() => 204),
      ]);
      const { domain } = (await instance.api.listIMconf({})).body;
      const [newest] = (await instance.api.listVersions({ query: {} })).body.items;
      const { body } = await instance.api.readVersion({ params: { version: newest?.version as number } });
      expect(body.domain).toBe(domain);
    } finally {
      await other.node.stop();
    }
  });
});

describe('a dry run', () => {
  it.each(['POST', 'PATCH', 'PUT'])('of %s says what would change, and changes nothing', async (method) => {
    await instance.api.replaceIMconf({ query: {}, body: small() });
    const state = async () => [
      await version(),
      (await instance.api.listIMconf({})).body,
      (await instance.api.listVersions({ query: {} })).body,
    ];
    const before = await state();
    const dry = await instance.ask(method, '/config?dryRun=true', {
      body: { ...small(), domain: 'dry.example' },
    });
    expect(dry.status).toBe(method === 'POST' ? 409 : 200);
    if (method !== 'POST')
      expect(dry.json()).toEqual({
        counts: { added: 0, changed: 1, removed: 0 },
        lines: ['~ domain dry.example: domain "sample.sandbox.example" → "dry.example"'],
        changes: [
          {
            action: 'changed',
            kind: 'domain',
            id: 'dry.example',
            fields: [{ name: 'domain', from: 'sample.sandbox.example', to: 'dry.example' }],
          },
        ],
      });
    expect(await state()).toEqual(before);
  });
});

function bomb(): string {
  const levels = Array.from({ length: 40 }, (_, at) => `a${at + 1}: &a${at + 1} [*a${at}, *a${at}]`);
  return ['a0: &a0 [x]', ...levels].join('\n');
}

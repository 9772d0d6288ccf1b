import type { TestPerson } from '@govstack/platform/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  administrator,
  type Configured,
  configService,
  type Given,
  ministry,
  startConfigured,
} from './fixtures/configuration.ts';
import { governance, refusal } from './fixtures/instance.ts';

let instance: Configured;
const clients = Array.from({ length: 8 }, (_, index) => `client${index + 1}`);
const rightsOf = (names: readonly string[]) =>
  names.map((application) => ({ class: 'GOV', code: '8001', application }));

/** Three services, A, B and C, each of which has the same eight clients. */
const example: Given = {
  domain: 'sample.example',
  instance: 'T',
  members: [
    ministry([
      {
        id: 'registry',
        services: ['A', 'B', 'C'].map((id) => ({
          id,
          serviceUrl: `https://${id}.example`,
          rights: rightsOf(clients),
        })),
      },
    ]),
    { name: 'Municipality', class: 'GOV', code: '8001', applications: clients.map((id) => ({ id })) },
  ],
};

beforeAll(async () => {
  instance = await startConfigured();
});
beforeEach(async () => {
  await instance.api.replaceIMconf({ query: {}, body: example });
});
afterAll(() => instance.node.stop());

type Filter = Parameters<Configured['api']['getAllowed']>[0]['query'];

async function pagesOf(filter: Filter, between: (page: number) => Promise<unknown> = async () => {}) {
  const pages: string[][] = [];
  let nextPageToken: string | undefined;
  do {
    const { body } = await instance.api.getAllowed({
      query: { ...filter, ...(nextPageToken === undefined ? {} : { nextPageToken }) },
    });
    pages.push(
      body.allowList.flatMap(({ serviceId, rights }) =>
        rights.map(({ applicationId }) => `${serviceId} ${applicationId}`),
      ),
    );
    nextPageToken = body.nextPageToken;
    await between(pages.length);
  } while (nextPageToken !== undefined);
  return pages;
}

const ofRegistry = { memberClass: 'GOV', memberCode: '7001', applicationId: 'registry' };
const count = (page: readonly string[], service: string): number =>
  page.filter((pair) => pair.startsWith(`${service} `)).length;
const rowFor = (serviceId: string, names: readonly string[]) => ({
  ...ofRegistry,
  serviceId,
  rights: names.map((applicationId) => ({ memberClass: 'GOV', memberCode: '8001', applicationId })),
});
const everything = async (): Promise<string[]> => (await pagesOf({})).flat();
const version = async (): Promise<string> =>
  (await instance.db.selectFrom('directory_version').select('version').executeTakeFirstOrThrow()).version;

describe('the allow list', () => {
  it('[IM-8.6.2-a] is paged by pairs, as in the published example: 3 services with 8 clients, 10 on a page', async () => {
    const pages = await pagesOf({ ...ofRegistry, pageSize: 10 });
    expect(pages.map((page) => ['A', 'B', 'C'].map((service) => count(page, service)))).toEqual([
      [8, 2, 0],
      [0, 6, 4],
      [0, 0, 4],
    ]);
    expect(new Set(pages.flat()).size).toBe(24);
  });

  it('[IM-8.6.2-a] has 100 pairs on a page unless asked otherwise, and tells who they are by name and by code', async () => {
    const many = Array.from({ length: 101 }, (_, index) => `c${index}`);
    const [registry, municipality] = example.members as NonNullable<Given['members']>;
    await instance.api.replaceIMconf({
      query: {},
      body: {
        ...example,
        members: [
          {
            ...registry,
            applications: [
              {
                id: 'registry',
                services: [{ id: 'A', serviceUrl: 'https://a.example', rights: rightsOf(many) }],
              },
            ],
          } as never,
          { ...municipality, applications: many.map((id) => ({ id })) } as never,
        ],
      },
    });
    expect((await pagesOf(ofRegistry)).map(({ length }) => length)).toEqual([100, 1]);
    const { allowList } = (await instance.api.getAllowed({ query: { ...ofRegistry, pageSize: 1 } })).body;
    expect(allowList).toEqual([
      {
        ...ofRegistry,
        serviceId: 'A',
        rights: [
          {
            member: 'Municipality',
            application: 'c0',
            memberClass: 'GOV',
            memberCode: '8001',
            applicationId: 'c0',
          },
        ],
      },
    ]);
  });

  it.each<[Filter, number]>([
    [{ serviceId: 'B' }, 8],
    [{ memberCode: '7001' }, 24],
    [{ memberClass: 'COM' }, 0],
    [{ applicationId: 'registry', serviceId: 'C' }, 8],
    [{ memberCode: '7001', applicationId: 'mediator' }, 0],
  ])('[IM-8.6.2-a] is filtered by %j', async (filter, pairs) => {
    expect((await pagesOf(filter)).flat()).toHaveLength(pairs);
  });

  it('stays together while it changes: nothing twice, nothing that stays left out', async () => {
    const pages = await pagesOf({ ...ofRegistry, pageSize: 10 }, async (page) => {
      if (page === 1) {
        await instance.api.setDenied({
          body: [rowFor('A', ['client1', 'client2', 'client3']), rowFor('B', ['client1'])],
        });
        await instance.api.setDenied({ body: [rowFor('C', ['client8'])] });
      }
    });
    const seen = pages.flat();
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual(expect.arrayContaining((await pagesOf(ofRegistry)).flat()));
    expect(seen).toHaveLength(23);
  });

  it('[IM-8.6.2-a] gives tokens nobody can read, alter or use for another list', async () => {
    const query = { ...ofRegistry, pageSize: 10 };
    const token = (await instance.api.getAllowed({ query })).body.nextPageToken as string;
    expect(Buffer.from(token, 'base64url').toString('latin1')).not.toMatch(/client|registry/);
    const altered = `${token.slice(0, 20)}${token[20] === 'A' ? 'B' : 'A'}${token.slice(21)}`;
    for (const [filter, nextPageToken] of [
      [query, altered],
      [query, ''],
      [query, 'nonsense'],
      [{ ...query, serviceId: 'B' }, token],
    ] as const) {
      const failed = await refusal(instance.api.getAllowed({ query: { ...filter, nextPageToken } }));
      expect(failed.status).toBe(400);
      expect(failed.problem?.errors?.[0]?.pointer).toBe('/nextPageToken');
    }
    expect((await instance.api.getAllowed({ query: { ...query, nextPageToken: token } })).status).toBe(200);
  });

  it.each([0, 1001, 'ten'])('refuses %s pairs on a page', async (pageSize) => {
    expect((await instance.ask('GET', `/rights/allow?pageSize=${pageSize}`)).status).toBe(400);
  });
});

describe('rights in bulk', () => {
  it('[IM-8.6.2-b][IM-5.1.1-a] are withdrawn and granted together, and a repeat changes nothing', async () => {
    const rows = [rowFor('A', ['client1', 'client2']), rowFor('B', clients)];
    const before = await everything();
    expect((await instance.api.setDenied({ body: rows })).body).toEqual({ changed: true });
    const denied = await everything();
    expect(before.filter((pair) => !denied.includes(pair)).sort()).toEqual(
      ['A client1', 'A client2', ...clients.map((name) => `B ${name}`)].sort(),
    );
    const after = await version();
    expect((await instance.api.setDenied({ body: rows })).body).toEqual({ changed: false });
    expect(await version()).toBe(after);
    expect((await instance.api.setAllowed({ body: rows })).body).toEqual({ changed: true });
    expect(await everything()).toEqual(before);
    const restored = await version();
    expect((await instance.api.setAllowed({ body: rows })).body).toEqual({ changed: false });
    expect(await version()).toBe(restored);
  });

  it('a consumer may be named by its member, and what was some endpoints becomes the service', async () => {
    const service = 'T/GOV/7001/registry/A';
    const subject = 'T/GOV/8001/client1';
    await instance.admin.putRight({
      params: { service, subject },
      body: { endpoints: [{ method: 'GET', path: '/a' }] },
    });
    const rights = [{ member: 'Municipality', application: 'client1' }];
    await instance.api.setAllowed({ body: [{ ...ofRegistry, memberCode: 7001, serviceId: 'A', rights }] });
    const { items } = (await instance.admin.listRights({ query: { service, subject } })).body;
    expect(items.map(({ method, path }) => `${method} ${path}`)).toEqual(['* **']);
  });

  it('may be YAML, or nothing at all', async () => {
    const yaml =
      '- {memberClass: GOV, memberCode: 7001, applicationId: registry, serviceId: A, rights: [{member: Municipality, application: client1}]}';
    const answer = await instance.ask('PATCH', '/rights/deny', { body: yaml, type: 'text/yaml' });
    expect([answer.status, answer.json()]).toEqual([200, { changed: true }]);
    const nothing = await instance.ask('PATCH', '/rights/allow');
    expect([nothing.status, nothing.json()]).toEqual([200, { changed: false }]);
  });

  it.each<[string, object, string[]]>([
    ['an unknown service', rowFor('X', ['client1']), ['/1']],
    ['an unknown consumer', rowFor('A', ['client1', 'nobody']), ['/1/rights/1']],
    [
      'a member nobody is called',
      { ...rowFor('A', []), rights: [{ member: 'x', application: 'y' }] },
      ['/1/rights/0'],
    ],
    [
      'a consumer without a name',
      { ...rowFor('A', []), rights: [{ memberClass: 'GOV', memberCode: '8001' }] },
      ['/1/rights/0/applicationId'],
    ],
    [
      'a consumer without a member',
      { ...rowFor('A', []), rights: [{ applicationId: 'client1' }] },
      ['/1/rights/0'],
    ],
    ['no service', { ...ofRegistry, rights: [] }, ['/1/serviceId']],
    ['a property nobody knows', { ...rowFor('A', []), colour: 'red' }, ['/1/colour']],
    ['several at once', { ...rowFor('X', ['nobody']) }, ['/1', '/1/rights/0']],
  ])('[IM-8.6.2-b] with %s are refused as a whole', async (_what, row, pointers) => {
    await instance.api.setDenied({ body: [rowFor('C', ['client1'])] });
    const before = await everything();
    for (const call of [instance.api.setAllowed, instance.api.setDenied]) {
      const failed = await refusal(call({ body: [rowFor('C', ['client1', 'client2']), row] as never }));
      expect(failed.status).toBe(400);
      expect(failed.problem?.errors?.map(({ pointer }) => pointer).sort()).toEqual(pointers);
      expect(await everything()).toEqual(before);
    }
  });

  it('of the mediator itself cannot be denied to those who govern', async () => {
    const row = {
      memberClass: 'GOV',
      memberCode: 'DGA',
      applicationId: 'mediator',
      serviceId: 'mediator-config-v1',
      rights: [{ memberClass: 'GOV', memberCode: 'DGA', applicationId: 'governance' }],
    };
    expect((await refusal(instance.api.setDenied({ body: [row] }))).status).toBe(400);
    expect((await instance.api.listIMconf({})).status).toBe(200);
  });

  it('asked for at once by many end in one state, without a deadlock', async () => {
    const rows = [rowFor('A', clients), rowFor('B', clients), rowFor('C', clients)];
    const calls = Array.from({ length: 10 }, (_, index) =>
      index % 2 === 0
        ? instance.api.setAllowed({ body: rows })
        : instance.api.setDenied({ body: rows.toReversed() }),
    );
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual(calls.map(() => 200));
    expect([0, 24]).toContain((await pagesOf(ofRegistry)).flat().length);
  });
});

describe('who may', () => {
  const row = [rowFor('A', ['client1'])];
  const requests: [string, string, string, unknown][] = [
    ['read:conf', 'GET', '/config', undefined],
    ['read:conf', 'GET', '/status', undefined],
    ['read:conf', 'GET', '/config/versions', undefined],
    ['read:conf', 'GET', '/config/versions/1', undefined],
    ['read:conf', 'GET', '/config/versions/2/difference', undefined],
    ['write:conf', 'POST', '/config', example],
    ['write:conf', 'PATCH', '/config', example],
    ['create:conf', 'PUT', '/config', example],
    ['create:conf', 'PUT', '/config/versions/2/restoration?dryRun=true', undefined],
    ['read:rights', 'GET', '/rights/allow', undefined],
    ['write:rights', 'PATCH', '/rights/allow', row],
    ['write:rights', 'PATCH', '/rights/deny', row],
  ];
  const everyScope = [...new Set(requests.map(([scope]) => scope))];
  const clerk: TestPerson = { id: 'c1' };

  it.each(
    requests,
  )('[IM-8.6.2-b] %s lets a person %s %s, and no other scope does', async (scope, method, path, body) => {
    const ask = (person: TestPerson | null) => instance.ask(method, path, { person, body });
    const refused = path.startsWith('/rights') ? 401 : 403;
    const others = everyScope.filter((one) => one !== scope);
    expect((await ask(null)).status).toBe(401);
    expect((await ask(clerk)).status).toBe(refused);
    expect((await ask({ ...clerk, scopes: others })).status).toBe(refused);
    expect((await ask({ id: 'o1', roles: ['officer'], agency: 'T/GOV/DGA' })).status).toBe(refused);
    const lacking = await ask(clerk);
    expect(lacking.headers.get('www-authenticate')).toBe(
      `Bearer error="insufficient_scope", scope="${scope}"`,
    );
    expect((await ask({ ...clerk, scopes: [scope] })).status).toBeLessThan(300);
    expect((await ask(administrator)).status).toBeLessThan(300);
  });

  const interior: TestPerson = { id: 'i1', roles: ['administrator'], agency: 'T/GOV/7001' };

  it('an administrator of an agency reads what is of the agency, and gives rights to its services', async () => {
    const config = (await instance.ask('GET', '/config', { person: interior })).json();
    expect(config.members.map(({ code }: { code: string }) => code)).toEqual(['7001']);
    const list = (await instance.ask('GET', '/rights/allow', { person: interior })).json().allowList;
    expect(list.map(({ serviceId }: { serviceId: string }) => serviceId)).toEqual(['A', 'B', 'C']);
    expect((await instance.ask('PATCH', '/rights/deny', { person: interior, body: row })).status).toBe(200);
    expect((await instance.ask('PATCH', '/rights/allow', { person: interior, body: row })).status).toBe(200);
  });

  it.each(['PATCH', 'PUT', 'POST'])('but does not %s the configuration', async (method) => {
    for (const person of [interior, { ...interior, scopes: everyScope }])
      expect((await instance.ask(method, '/config', { person, body: example })).status).toBe(403);
  });

  it('nor gives rights to services of others, with whatever scope', async () => {
    const municipal: TestPerson = {
      id: 'm1',
      roles: ['administrator'],
      agency: 'T/GOV/8001',
      scopes: everyScope,
    };
    const before = await everything();
    for (const path of ['/rights/allow', '/rights/deny'])
      expect((await instance.ask('PATCH', path, { person: municipal, body: row })).status).toBe(403);
    expect(await everything()).toEqual(before);
    expect((await instance.ask('GET', '/rights/allow', { person: municipal })).json()).toEqual({
      allowList: [],
    });
    expect((await instance.ask('GET', '/config/versions', { person: municipal })).status).toBe(403);
  });

  it('the governance application has every scope, another application none', async () => {
    const get = async (client: string) =>
      (
        await instance.node.mediator.exchange({
          client,
          service: configService,
          method: 'GET',
          path: '/api/v1/config',
          headers: {},
        })
      ).status;
    expect(await get(governance)).toBe(200);
    await instance.admin.putRight({
      params: { service: configService, subject: 'T/GOV/8001/client1' },
      body: {},
    });
    expect(await get('T/GOV/8001/client1')).toBe(401);
  });

  it('a token that is none, and none where the API is not opened, get nobody in', async () => {
    for (const authorization of ['Bearer x.y.z', 'Basic YTpi', ''])
      expect(
        (await instance.ask('GET', '/config', { person: null, headers: { authorization } })).status,
      ).toBe(401);
    const closed = await startConfigured({ settings: { configurationApi: false } });
    try {
      expect((await closed.ask('GET', '/config')).status).toBe(404);
      expect((await closed.api.listIMconf({})).status).toBe(200);
    } finally {
      await closed.node.stop();
    }
  });

  it('nobody gets in as the mediator itself, also where it governs', async () => {
    const self = await startConfigured({ settings: { bootstrap: {} } });
    try {
      expect((await self.ask('GET', '/config', { person: null })).status).toBe(401);
      expect((await self.ask('GET', '/config', { person: { id: 'x' } })).status).toBe(403);
    } finally {
      await self.node.stop();
    }
  });
});

it('[IM-8.6.1-a] the published paths can be reached through the mediator too', async () => {
  const { rows } = await sql<{ path: string }>`
    select distinct path
    from message_log
    where service = ${configService} and kind = 'request'`.execute(instance.db);
  expect(rows.map(({ path }) => path)).toEqual(
    expect.arrayContaining(['/api/v1/config', '/api/v1/rights/allow', '/api/v1/rights/deny']),
  );
});

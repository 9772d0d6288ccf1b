import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Configured, registration, small, startConfigured } from './fixtures/configuration.ts';

let instance: Configured;
beforeAll(async () => {
  instance = await startConfigured();
  await instance.api.replaceIMconf({ query: {}, body: small() });
});
afterAll(() => instance.node.stop());

// biome-ignore lint/suspicious/noExplicitAny: what is tried here has every shape.
type Anything = any;

const registry = '/members/0/applications/0';
const service = `${registry}/services/0`;
const right = `${service}/rights/0`;

/** The document of two members with something wrong at `pointer`; undefined takes it away. */
function faulty(pointer: string, value: unknown): Anything {
  const document: Anything = structuredClone(small());
  const names = pointer.split('/').slice(1);
  const last = names.pop() as string;
  const place = names.reduce((at, name) => at[name], document);
  if (last === '-') place.push(value);
  else if (value === undefined) delete place[last];
  else place[last] = value;
  return document;
}

const second = (base: object, rest: object = {}) => ({ ...structuredClone(base), ...rest });
const [, municipality] = small().members as Anything[];
const privateKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });

const rows: [string, string, unknown, string, RegExp][] = [
  ['no instance', '/instance', undefined, '/instance', /required/],
  ['another instance', '/instance', 'X', '/instance', /of the instance T/],
  ['no domain', '/domain', undefined, '/domain', /required/],
  ['a domain that is none', '/domain', 'a b', '/domain', /pattern/],
  ['a property nobody knows', '/colour', 'red', '/colour', /not known/],
  ['a misspelled property', `${service}/timeout`, 5, `${service}/timeout`, /not known/],
  ['members that are no list', '/members', {}, '/members', /array/],
  ['a member without a name', '/members/0/name', undefined, '/members/0/name', /required/],
  ['a member without a code', '/members/0/code', undefined, '/members/0/code', /required/],
  ['a code with a slash', '/members/0/code', 'a/b', '/members/0/code', /pattern/],
  ['a code that is no whole number', '/members/0/code', 1.5, '/members/0/code', /string,integer/],
  ['a name with half a character', '/members/0/name', '\ud800', '/members/0/name', /well-formed/],
  ['the same member twice', '/members/-', second(municipality, { applications: [] }), '/members/2', /twice/],
  [
    'the same application twice',
    '/members/1/applications/-',
    { id: 'Portal' },
    '/members/1/applications/1',
    /twice/,
  ],
  [
    'the same service twice',
    `${registry}/services/-`,
    second(registration),
    `${registry}/services/1`,
    /twice/,
  ],
  [
    'the same right twice',
    `${service}/rights/-`,
    { class: 'GOV', code: 8001, application: 'Portal' },
    `${service}/rights/1`,
    /twice/,
  ],
  ['a connection nobody knows', `${registry}/connection`, 'ftp', `${registry}/connection`, /allowed/],
  ['a private key', `${registry}/publicKey`, privateKey, `${registry}/publicKey`, /public P-256/],
  [
    'a certificate that is none',
    `${registry}/tlsCertificates`,
    ['x'],
    `${registry}/tlsCertificates/0`,
    /certificate/,
  ],
  [
    'an unknown operator',
    `${registry}/operators`,
    ['T/GOV/7001/x'],
    `${registry}/operators/0`,
    /not an application/,
  ],
  [
    'itself as operator',
    `${registry}/operators`,
    ['T/GOV/7001/CitizensRegistry'],
    `${registry}/operators/0`,
    /itself/,
  ],
  ['a service without a URL', `${service}/serviceUrl`, undefined, `${service}/serviceUrl`, /required/],
  ['a URL that is none', `${service}/serviceUrl`, 'registry', `${service}/serviceUrl`, /URL/],
  [
    'plain HTTP to elsewhere',
    `${service}/serviceUrl`,
    'http://hostname.internal/api',
    `${service}/serviceUrl`,
    /https/,
  ],
  [
    'credentials in a URL',
    `${service}/serviceUrl`,
    'https://u:p@a.example',
    `${service}/serviceUrl`,
    /credentials/,
  ],
  [
    'a link-local address',
    `${service}/serviceUrl`,
    'https://169.254.169.254',
    `${service}/serviceUrl`,
    /link-local/,
  ],
  ['a description on a file system', `${service}/specUrl`, 'file:///etc/passwd', `${service}/specUrl`, /URL/],
  [
    'a description at a link-local address',
    `${service}/specUrl`,
    'https://[fe80::1]/x',
    `${service}/specUrl`,
    /link-local/,
  ],
  [
    'a description in another block',
    `${service}/specUrl`,
    'local:payments/x/openapi.json',
    `${service}/specUrl`,
    /must be/,
  ],
  [
    'two URLs for one thing',
    `${service}/service_url`,
    'https://b.example',
    `${service}/service_url`,
    /otherwise/,
  ],
  ['a reserved service code', `${service}/id`, 'getOpenAPI', `${service}/id`, /reserved/],
  ['a description that is none', `${service}/openapi`, { a: 1 }, `${service}/openapi`, /OpenAPI/],
  ['too little time', `${service}/timeoutMs`, 1, `${service}/timeoutMs`, />= 100/],
  ['an unknown member', `${right}/member`, 'Nobody', `${right}/member`, /no member .* Nobody/],
  ['an unknown application', `${right}/application`, 'Nothing', right, /T\/GOV\/8001\/Nothing is not/],
  [
    'an application of an unknown member',
    right,
    { class: 'COM', code: '1', application: 'x' },
    right,
    /T\/COM\/1\/x is not/,
  ],
  ['a right for nobody', right, { application: 'Portal' }, `${right}/member`, /required/],
  [
    'a name two members have',
    '/members/-',
    { name: 'LocalMunicipality', class: 'GOV', code: '8002' },
    `${right}/member`,
    /several/,
  ],
  ['no endpoint', `${right}/endpoints`, [], `${right}/endpoints`, /fewer than 1/],
  [
    'a path that is none',
    `${right}/endpoints`,
    [{ method: 'GET', path: 'a' }],
    `${right}/endpoints/0/path`,
    /pattern/,
  ],
];

const state = async () => [
  await instance.db.selectFrom('directory_version').selectAll().execute(),
  (await instance.api.listIMconf({})).body,
  (await instance.api.listVersions({ query: {} })).body.items.length,
];

describe('a document', () => {
  it.each(
    rows,
  )('[IM-8.6.1-a] with %s is refused, and nothing of it is applied', async (_what, at, value, pointer, why) => {
    const before = await state();
    const document = { ...faulty(at, value) };
    if (at !== '/domain') document.domain = 'applied.example';
    for (const path of ['/config', '/config?dryRun=true']) {
      const answer = await instance.ask('PUT', path, { body: document });
      expect(answer.status).toBe(400);
      expect(answer.json().errors).toEqual([{ in: 'body', pointer, detail: expect.stringMatching(why) }]);
    }
    expect(await state()).toEqual(before);
  });

  it('is refused with all that is wrong with it at once, its shape and its meaning', async () => {
    const document = faulty(`${service}/timeoutMs`, 'long');
    document.colour = 'red';
    document.members[0].applications[0].operators = ['T/GOV/7001/x'];
    document.members[0].applications[0].services[0].rights.push({ member: 'Nobody', application: 'x' });
    document.members.push({ name: 'Twice', class: 'GOV', code: 8001 });
    const answer = await instance.ask('PUT', '/config', { body: document });
    expect(answer.json().detail).toBe('The configuration was not applied: 5 defects');
    expect(
      answer
        .json()
        .errors.map((one: { pointer: string }) => one.pointer)
        .sort(),
    ).toEqual([
      '/colour',
      `${registry}/operators/0`,
      `${service}/rights/1/member`,
      `${service}/timeoutMs`,
      '/members/2',
    ]);
  });

  it.each(
    [null, [], 'text', 5, true].map((body) => [JSON.stringify(body)]),
  )('that is %s is refused', async (body) => {
    const answer = await instance.ask('PUT', '/config', { body });
    expect([answer.status, answer.json().errors?.[0]?.pointer]).toEqual([400, '']);
  });

  it('may leave a domain and names out of an update, not what a new entry needs', async () => {
    const patch = (members: object[]) =>
      instance.ask('PATCH', '/config?dryRun=true', { body: { instance: 'T', members } });
    expect((await patch([{ class: 'GOV', code: '7001' }])).status).toBe(200);
    const lacking = await patch([
      { class: 'GOV', code: '9001', applications: [{ id: 'a', services: [{ id: 's' }] }] },
    ]);
    expect(lacking.json().errors.map((one: { pointer: string }) => one.pointer)).toEqual([
      '/members/0/name',
      '/members/0/applications/0/services/0/serviceUrl',
    ]);
  });
});

describe('what the mediator needs itself', () => {
  const agency = (applications: object[]) => ({
    ...small(),
    members: [...(small().members ?? []), { name: 'DGA', class: 'GOV', code: 'DGA', applications }],
  });
  const own = (said: object) =>
    agency([{ id: 'mediator', services: [{ id: 'mediator-admin-v1', ...said }] }]);
  const at = '/members/2/applications/0';
  const governing = { class: 'GOV', code: 'DGA', application: 'governance' };

  it.each<[string, object, string]>([
    ['its services go elsewhere', own({ serviceUrl: 'https://a.example' }), `${at}/services/0/serviceUrl`],
    ['its services are switched off', own({ enabled: false }), `${at}/services/0/enabled`],
    [
      'its descriptions are others',
      own({ openapi: { openapi: '3.0.0', paths: {} } }),
      `${at}/services/0/openapi`,
    ],
    [
      'those who govern get less',
      own({ rights: [{ ...governing, endpoints: [{ method: 'GET', path: '/x' }] }] }),
      `${at}/services/0/rights/0`,
    ],
    ['those who govern are disabled', agency([{ id: 'governance', status: 'disabled' }]), `${at}/status`],
  ])('is safe: a document by which %s is refused', async (_what, body, pointer) => {
    const before = await state();
    const answer = await instance.ask('PUT', '/config', { body });
    expect(answer.json().errors).toEqual([
      { in: 'body', pointer, detail: expect.stringMatching(/cannot be/) },
    ]);
    expect(await state()).toEqual(before);
  });

  it('is called as the mediator calls it, also when a document of another release says otherwise', async () => {
    const before = await state();
    const answer = await instance.ask('PUT', '/config', { body: own({ title: 'As it was called once' }) });
    expect(answer.json()).toMatch(/^Nothing to change/);
    expect(await state()).toEqual(before);
  });

  it('may have its time and its callers changed', async () => {
    const rights = [{ class: 'GOV', code: '8001', application: 'Portal' }];
    const answer = await instance.ask('PUT', '/config', { body: own({ timeoutMs: 5000, rights }) });
    expect(answer.json().split('\n').slice(1)).toEqual([
      '~ service T/GOV/DGA/mediator/mediator-admin-v1: timeoutMs 30000 → 5000',
      '+ right of T/GOV/8001/Portal to T/GOV/DGA/mediator/mediator-admin-v1: endpoints everything',
    ]);
    expect((await instance.admin.listMembers({ query: {} })).status).toBe(200);
  });
});

import { selfSigned } from '@govstack/platform/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Config,
  type Configured,
  type Given,
  startConfigured,
  withoutOwn,
} from './fixtures/configuration.ts';
import { consumerPublicKey } from './fixtures/instance.ts';

let instance: Configured;
beforeAll(async () => {
  instance = await startConfigured();
});
afterAll(() => instance.node.stop());

type Member = Config['members'][number];
type Application = Member['applications'][number];
type Service = Application['services'][number];
type Right = Service['rights'][number];

const codes = ['10', '2', 'A', 'a-b', '0070'];
const name = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 12 })
  .filter((text) => !text.includes('\0'));
const certificates = ['one', 'two'].map((name) => selfSigned(name).certificate).sort();
/** An optional property, there or not. */
const maybe = <T>(key: string, arbitrary: fc.Arbitrary<T>) =>
  fc.option(arbitrary, { nil: undefined }).map((value) => (value === undefined ? {} : { [key]: value }));
const extras = (...parts: fc.Arbitrary<object>[]): fc.Arbitrary<object> =>
  fc.tuple(...parts).map((all) => Object.assign({}, ...all));
const sortedBy = <T>(items: readonly T[], keyOf: (item: T) => string): T[] =>
  items.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));

const endpoints = fc
  .uniqueArray(
    fc.record({ method: fc.constantFrom('GET', 'POST', '*'), path: fc.constantFrom('/a', '/b/{id}', '/**') }),
    { minLength: 1, selector: ({ method, path }) => `${path} ${method}` },
  )
  .map((list) => sortedBy(list, ({ method, path }) => `${path} ${method}`));

const url = fc.constantFrom(
  'https://a.example',
  'https://b.example:8443/api/v1',
  'local:echo/echo-v1',
  'http://localhost:1/x',
);
const service: fc.Arbitrary<object> = fc
  .record({
    serviceUrl: url,
    elsewhere: fc.boolean(),
    rest: extras(
      maybe(
        'title',
        name.map((text) => `Title ${text}`),
      ),
      maybe('timeoutMs', fc.integer({ min: 100, max: 29_999 })),
      maybe('enabled', fc.constant(false)),
      maybe('notice', name),
      maybe(
        'openapi',
        fc
          .record({
            openapi: fc.constant('3.0.3'),
            paths: fc.dictionary(name, fc.jsonValue({ maxDepth: 2 })),
          })
          .map((document) =>
            JSON.parse(JSON.stringify(document).replaceAll('\\u0000', '').replaceAll('-0', '0')),
          ),
      ),
    ),
  })
  .map(({ serviceUrl, elsewhere, rest }) => ({
    serviceUrl,
    specUrl: elsewhere ? 'https://spec.example/x.yaml?version=1' : `${serviceUrl}/openapi.json`,
    ...rest,
  }));

const application: fc.Arbitrary<object> = extras(
  fc.record({ connection: fc.constantFrom('http', 'https', 'https-noauth') }),
  maybe(
    'name',
    name.map((text) => `Name ${text}`),
  ),
  maybe('status', fc.constant('disabled')),
  maybe('publicKey', fc.constant(consumerPublicKey)),
  maybe('tlsCertificates', fc.subarray(certificates, { minLength: 1 })),
);

const coded = (entry: fc.Arbitrary<object>, max: number) =>
  fc.uniqueArray(fc.tuple(fc.constantFrom(...codes), entry), { maxLength: max, selector: ([code]) => code });

/** A small configuration as the mediator itself would write it, its own entries left out. */
const configuration: fc.Arbitrary<Config> = fc
  .record({
    domain: fc.constantFrom('a.example', 'b.example'),
    members: coded(
      fc.record({ name, applications: coded(fc.record({ application, services: coded(service, 2) }), 2) }),
      3,
    ),
    picks: fc.infiniteStream(fc.nat(6)),
    endpoints: fc.infiniteStream(fc.option(endpoints, { nil: undefined })),
  })
  .map(({ domain, members, picks, endpoints }) => {
    type Drawn = {
      name: string;
      applications: [string, { application: object; services: [string, object][] }][];
    };
    const drawn = members as [string, Drawn][];
    const known = drawn.flatMap(([code, member]) =>
      member.applications.map(([id]) => ({ member: member.name, application: id, class: 'GOV', code })),
    );
    const pick = (): boolean => (picks.next().value as number) < 2;
    const idOf = ({ code, application }: { code: string; application: string }) =>
      `T/GOV/${code}/${application}`;
    const rights = (): Right[] =>
      sortedBy(known.filter(pick), idOf).map((consumer): Right => {
        const some = endpoints.next().value as Right['endpoints'];
        return some === undefined ? consumer : { ...consumer, endpoints: some };
      });
    return {
      domain,
      instance: 'T',
      members: sortedBy(drawn, ([code]) => code).map(
        ([code, { name, applications }]): Member => ({
          name,
          class: 'GOV',
          code,
          applications: sortedBy(applications, ([id]) => id).map(
            ([id, { application, services }]): Application => {
              const operators = sortedBy(
                known.filter((one) => pick() && idOf(one) !== `T/GOV/${code}/${id}`),
                idOf,
              ).map(idOf);
              return {
                id,
                ...(application as { connection: string }),
                ...(operators.length === 0 ? {} : { operators }),
                services: sortedBy(services, ([code]) => code).map(
                  ([code, service]): Service => ({
                    id: code,
                    ...(service as Omit<Service, 'id' | 'rights'>),
                    rights: rights(),
                  }),
                ),
              };
            },
          ),
        }),
      ),
    };
  });

const read = async (): Promise<Config> => withoutOwn((await instance.api.listIMconf({})).body);
const put = async (body: Given): Promise<string> =>
  (await instance.api.replaceIMconf({ query: {}, body })).body as string;

describe('any configuration', () => {
  it('[IM-8.6.1-a][IM-5.1.1-a] is read as it was put; put again it changes nothing; what a dry run said is what was done', async () => {
    await fc.assert(
      fc.asyncProperty(configuration, async (document) => {
        const dry = await instance.api.replaceIMconf({ query: { dryRun: true }, body: document as Given });
        const { lines } = dry.body as { lines: string[] };
        const done = await put(document as Given);
        expect(done.split('\n').slice(1)).toEqual(lines);
        expect(await read()).toEqual(document);
        expect(await put(document as Given)).toContain('Nothing to change');
        const whole = (await instance.api.listIMconf({})).body;
        expect(await put(whole as Given)).toContain('Nothing to change');
      }),
      { numRuns: 60 },
    );
  });

  it('[IM-8.6.1-a] survives YAML', async () => {
    await fc.assert(
      fc.asyncProperty(configuration, configuration, async (document, other) => {
        await put(document as Given);
        const { text } = await instance.ask('GET', '/config', { headers: { accept: 'application/yaml' } });
        await put(other as Given);
        expect((await instance.ask('PUT', '/config', { body: text, type: 'application/yaml' })).status).toBe(
          201,
        );
        expect(await read()).toEqual(document);
      }),
      { numRuns: 30 },
    );
  });

  it('[IM-8.6.1-a] keeps by PATCH what the patch leaves out', async () => {
    await fc.assert(
      fc.asyncProperty(configuration, fc.nat(), async (document, at) => {
        await put(document as Given);
        const member = document.members[at % Math.max(1, document.members.length)];
        const { class: memberClass = 'GOV', code = 'new' } = member ?? {};
        const name = 'Patched';
        await instance.api.updateIMconf({
          query: {},
          body: { instance: 'T', members: [{ name, class: memberClass, code }] },
        });
        const renamed = (right: Right): Right => (right.code === code ? { ...right, member: name } : right);
        const expected = document.members.map((one) => ({
          ...one,
          ...(one === member ? { name } : {}),
          applications: one.applications.map((application) => ({
            ...application,
            services: application.services.map((service) => ({
              ...service,
              rights: service.rights.map(renamed),
            })),
          })),
        }));
        if (!member) expected.push({ name, class: 'GOV', code, applications: [] });
        expect(await read()).toEqual({ ...document, members: expected });
      }),
      { numRuns: 30 },
    );
  });

  it('leads to any other by their difference alone: what is not named has not changed', async () => {
    await fc.assert(
      fc.asyncProperty(configuration, configuration, async (from, to) => {
        await put(from as Given);
        const dry = await instance.api.replaceIMconf({ query: { dryRun: true }, body: to as Given });
        const { changes } = dry.body as { changes: { action: string; kind: string; id: string }[] };
        const named = new Set(changes.filter(({ kind }) => kind !== 'domain').map(({ id }) => id));
        const before = entriesOf(from);
        const after = entriesOf(to);
        const different = [...new Set([...before.keys(), ...after.keys()])].filter(
          (id) => before.get(id) !== after.get(id),
        );
        expect([...named].sort()).toEqual(different.sort());
        for (const { id, action, kind } of changes)
          if (kind !== 'domain')
            expect(action).toBe(!before.has(id) ? 'added' : after.has(id) ? 'changed' : 'removed');
      }),
      { numRuns: 30 },
    );
  });
});

/** Every entry of a configuration by its identifier, as text without what is below it. */
function entriesOf({ members }: Config): Map<string, string> {
  const entries = new Map<string, string>();
  const add = (id: string, entry: object): void => void entries.set(id, text(entry));
  for (const { applications, ...member } of members) {
    const memberId = `T/${member.class}/${member.code}`;
    add(memberId, member);
    for (const { services, ...application } of applications) {
      add(`${memberId}/${application.id}`, application);
      for (const { rights, ...service } of services) {
        const id = `${memberId}/${application.id}/${service.id}`;
        add(id, service);
        for (const { member: _name, ...right } of rights)
          add(`${id} T/${right.class}/${right.code}/${right.application}`, right);
      }
    }
  }
  return entries;
}

const text = (value: unknown): string =>
  JSON.stringify(value, (_key, one) =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  );

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mediatorAdmin, mediatorRegistration } from '../src/api/operations.ts';
import {
  consumer,
  consumerPublicKey,
  echoService,
  engine,
  governance,
  grant,
  type Instance,
  own,
  provider,
  refusal,
  startInstance,
} from './fixtures/instance.ts';

type Wanted = Parameters<ReturnType<typeof requests>['putRequest']>[0]['body'];

let instance: Instance;
beforeAll(async () => {
  instance = await startInstance();
  await instance.admin.putRight({
    params: { service: `${own}/mediator-admin-v1`, subject: engine },
    body: {},
  });
});
afterAll(() => instance.node.stop());

const requests = (as: string) =>
  instance.node.client(mediatorRegistration, { as, service: `${own}/mediator-registration-v1` });
const person = async (agency: string, ...roles: string[]) => ({
  personToken: await instance.node.token({ id: `of ${agency} ${roles.join()}`, roles, agency }),
});
type Token = Partial<Awaited<ReturnType<typeof person>>>;

/** Through any application that is registered, as the portal is. */
const through = () => requests(engine);
const file = async (wanted: Wanted, token: Token, client = through()) => {
  const params = { request: randomUUID() };
  await client.putRequest({ params, body: wanted, ...token });
  return params;
};
const submit = async (wanted: Wanted, token: Token, client = through()) => {
  const params = await file(wanted, token, client);
  await client.submitRequest({ params, ...token });
  return params;
};
const decide = (
  params: { request: string },
  approve: boolean,
  token: Token,
  reason?: string,
  client = through(),
) =>
  client.decideRequest({ params, body: { approve, ...(reason === undefined ? {} : { reason }) }, ...token });

const ecosystem = () => person('T/GOV/DGA', 'administrator');
const statusOf = async (call: Promise<unknown>): Promise<number> => (await refusal(call)).status;

describe('a member', () => {
  it('[IM-6.2-a] exists when an administrator of the ecosystem has approved the request, not before', async () => {
    const citizen = { personToken: await instance.node.token({ id: 'founder', roles: ['citizen'] }) };
    const params = await submit({ kind: 'member', member: 'T/COM/MILL', name: 'Mill' }, citizen);
    const members = async () =>
      (await instance.admin.listMembers({ query: {} })).body.items.map(({ id }) => id);
    expect(await members()).not.toContain('T/COM/MILL');
    for (const token of [citizen, await person('T/GOV/MSP', 'administrator')])
      expect(await statusOf(decide(params, true, token))).toBe(403);
    const { body } = await decide(params, true, await ecosystem(), 'Papers seen');
    expect(body).toMatchObject({ state: 'APPROVED', reason: 'Papers seen', subject: 'T/COM/MILL' });
    expect(await members()).toContain('T/COM/MILL');
    expect((await through().listRequests({ query: {}, ...citizen })).body.items).toMatchObject([
      { id: params.request, state: 'APPROVED' },
    ]);
  });

  it('[IM-6.2-a] declined, it does not; the reason is told', async () => {
    const params = await submit({ kind: 'member', member: 'T/COM/FRAUD', name: 'Fraud' }, {});
    const { body } = await decide(params, false, await ecosystem(), 'No such company');
    expect(body).toMatchObject({ state: 'DECLINED', reason: 'No such company' });
    expect(await statusOf(decide(params, true, await ecosystem()))).toBe(409);
    expect((await instance.admin.listMembers({ query: {} })).body.items.map(({ id }) => id)).not.toContain(
      'T/COM/FRAUD',
    );
  });
});

describe('an application', () => {
  const application = 'T/GOV/MOH/mobile';
  it('[IM-6.2-b] is asked for by an administrator of its member, and addressable when the ecosystem accepts it', async () => {
    const wanted = {
      kind: 'application',
      application,
      name: 'Mobile',
      publicKey: consumerPublicKey,
    } as const;
    expect(await statusOf(file(wanted, await person('T/GOV/MSP', 'administrator')))).toBe(403);
    const params = await submit(wanted, await person('T/GOV/MOH', 'administrator'));
    expect(
      await statusOf(
        instance.admin.putRight({ params: { service: echoService, subject: application }, body: {} }),
      ),
    ).toBe(400);
    expect(await statusOf(decide(params, true, await person('T/GOV/MOH', 'administrator')))).toBe(403);
    await decide(params, true, await ecosystem());
    await instance.admin.putRight({ params: { service: echoService, subject: application }, body: {} });
    expect((await instance.say('hello', application)).status).toBe(200);
  });

  it('[IM-6.2-b] cannot be put into the directory past the ecosystem’s administrators', async () => {
    const admin = instance.node.client(mediatorAdmin, { as: engine, service: `${own}/mediator-admin-v1` });
    const token = await person('T/GOV/MOH', 'administrator');
    const params = { application: 'T/GOV/MOH/unasked' };
    expect(await statusOf(admin.putApplication({ params, body: { name: 'Unasked' }, ...token }))).toBe(403);
    // Its own, once registered, they change themselves.
    await admin.putApplication({ params: { application }, body: { name: 'Renamed' }, ...token });
  });

  it('is refused when its key is none, and when it is there already', async () => {
    const token = await person('T/GOV/MOH', 'administrator');
    const bad = {
      kind: 'application',
      application: 'T/GOV/MOH/bad',
      name: 'Bad',
      publicKey: { kty: 'x' },
    } as const;
    expect(await statusOf(file(bad, token))).toBe(400);
    const there = { kind: 'application', application: provider, name: 'Echo' } as const;
    expect(await statusOf(file(there, token))).toBe(409);
  });
});

describe('access', () => {
  const wanted = {
    kind: 'access' as const,
    consumer,
    service: echoService,
    endpoints: [{ method: 'POST', path: '/say/*' }],
    purpose: 'Cash transfer',
  } satisfies Wanted;

  it('[IM-6.2-f][IM-6.2-g][IM-6.2-h] names application and service; the provider alone decides; on approval the consumer calls at once', async () => {
    const params = await submit(wanted, {}, requests(consumer));
    expect(await statusOf(instance.say('before'))).toBe(403);
    for (const token of [await ecosystem(), await person('T/GOV/MSP', 'administrator')])
      expect(await statusOf(decide(params, true, token))).toBe(403);
    const providers = await person('T/GOV/MOH', 'administrator');
    expect(
      (await through().listRequests({ query: { kind: 'access' }, ...providers })).body.items,
    ).toMatchObject([
      { id: params.request, subject: echoService, document: { consumer, purpose: 'Cash transfer' } },
    ]);
    await decide(params, true, providers);
    expect((await instance.say('after')).status).toBe(200);
    const [right] = (await instance.admin.listRights({ query: { subject: consumer } })).body.items;
    expect(right).toMatchObject({ method: 'POST', path: '/say/*' });
  });

  it('[IM-6.2-h] is added to what the consumer may use already', async () => {
    const more = { ...wanted, endpoints: [{ method: 'GET', path: '/wait' }] };
    const params = await submit(more, await person('T/GOV/MSP', 'administrator'));
    await decide(params, true, {}, undefined, requests(provider));
    const rights = (await instance.admin.listRights({ query: { subject: consumer } })).body.items;
    expect(rights.map(({ path }) => path).sort()).toEqual(['/say/*', '/wait']);
  });

  it('[IM-6.2-e] any application browses the directory, with nothing of how services are reached', async () => {
    const { items } = (await requests(consumer).listCatalogue({ query: { pageSize: 500 } })).body;
    expect(items).toContainEqual({ id: echoService, title: 'Echo', enabled: true, notice: null, plans: [] });
  });

  it('[IM-6.2-f] is refused for others’ applications, and for what is not there', async () => {
    expect(await statusOf(file(wanted, {}, requests(engine)))).toBe(403);
    expect(await statusOf(file(wanted, await person('T/GOV/MOH', 'administrator')))).toBe(403);
    const none = { ...wanted, service: `${provider}/none` };
    expect(await statusOf(file(none, {}, requests(consumer)))).toBe(400);
  });
});

describe('a request', () => {
  it('[IM-6.2-j] goes from WAITING to submitted to decided; only a waiting one is revoked; each step may be repeated', async () => {
    const client = requests(governance);
    const member = { kind: 'member', member: 'T/COM/STEPS', name: 'Steps' } as const;
    const params = await file(member, {}, client);
    expect((await client.putRequest({ params, body: member })).body.state).toBe('WAITING');
    expect(await statusOf(client.putRequest({ params, body: { ...member, name: 'Other' } }))).toBe(409);
    expect(await statusOf(decide(params, true, {}, undefined, client))).toBe(409);
    for (const _ of [1, 2])
      expect((await client.submitRequest({ params })).body.state).toBe('SUBMITTED_FOR_APPROVAL');
    expect(await statusOf(client.revokeRequest({ params }))).toBe(409);
    for (const _ of [1, 2])
      expect((await decide(params, true, {}, undefined, client)).body.state).toBe('APPROVED');
    expect(await statusOf(client.submitRequest({ params }))).toBe(409);

    const other = await file({ ...member, member: 'T/COM/OTHER' }, {}, client);
    for (const _ of [1, 2])
      expect((await client.revokeRequest({ params: other })).body.state).toBe('REVOKED');
    expect(await statusOf(client.submitRequest({ params: other }))).toBe(409);
  });

  it('[IM-6.2-j] is decided once, however many decide at the same time', async () => {
    const client = requests(governance);
    const params = await submit({ kind: 'member', member: 'T/COM/RACE', name: 'Race' }, {}, client);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, (_, index) => decide(params, index % 2 === 0, {}, undefined, client)),
    );
    const { state } = (await client.getRequest({ params })).body;
    for (const [index, outcome] of outcomes.entries())
      expect(outcome.status).toBe((index % 2 === 0) === (state === 'APPROVED') ? 'fulfilled' : 'rejected');
    const members = (await instance.admin.listMembers({ query: {} })).body.items.map(({ id }) => id);
    expect(members.includes('T/COM/RACE')).toBe(state === 'APPROVED');
  });

  it('is seen by those who made it or decide, and by nobody else', async () => {
    const params = await submit(
      { kind: 'access', consumer, service: echoService },
      await person('T/GOV/MSP', 'administrator'),
    );
    const get = (token: Token) => through().getRequest({ params, ...token });
    for (const agency of ['T/GOV/MSP', 'T/GOV/MOH', 'T/GOV/DGA'])
      expect((await get(await person(agency, 'administrator'))).status).toBe(200);
    expect(await statusOf(get(await person('T/COM/STEPS', 'administrator')))).toBe(404);
    expect(await statusOf(get(await person('T/GOV/MSP', 'citizen')))).toBe(404);
  });
});

describe('three levels of administrators', () => {
  const admin = () =>
    instance.node.client(mediatorAdmin, { as: engine, service: `${own}/mediator-admin-v1` });
  const listed = async (token: Token) => {
    const applications = (await admin().listApplications({ query: {}, ...token })).body.items;
    return applications.map(({ id }) => id);
  };

  it('[IM-6.1-a][IM-6.1-b][IM-6.1-e] ecosystem, member and application, each from the token, each sees its own level', async () => {
    await grant(instance);
    expect((await listed(await ecosystem())).length).toBeGreaterThan(4);
    const ofMember = await listed(await person('T/GOV/MSP', 'administrator'));
    expect(ofMember).toEqual([consumer]);
    expect(await listed(await person('T/GOV/MSP', 'administrator:service'))).toEqual([consumer]);
    expect(await listed(await person('T/GOV/MSP', 'administrator:other'))).toEqual([]);
    expect(await statusOf(listed(await person('T/GOV/MSP', 'citizen')))).toBe(403);
  });

  it('[IM-6.1-b] each changes its own level only', async () => {
    const ofApplication = await person('T/GOV/MOH', 'administrator:echo');
    const disable = (service: string, token: Token) =>
      admin().putDisabledEndpoints({ params: { service }, body: { endpoints: [] }, ...token });
    await disable(echoService, ofApplication);
    expect(await statusOf(disable('T/GOV/MOH/mobile/x', ofApplication))).toBe(403);
    expect(await statusOf(disable(echoService, await person('T/GOV/MSP', 'administrator:echo')))).toBe(403);
    const name = { body: { name: 'New' }, ...ofApplication };
    await admin().putApplication({ params: { application: provider }, ...name });
    expect(
      await statusOf(admin().putApplication({ params: { application: 'T/GOV/MOH/mobile' }, ...name })),
    ).toBe(403);
    expect(await statusOf(admin().putMember({ params: { member: 'T/GOV/MOH' }, ...name }))).toBe(403);
    const rights = (await admin().listRights({ query: {}, ...ofApplication })).body.items;
    expect(rights.length).toBeGreaterThan(0);
    expect(rights.every(({ service, subject }) => service.startsWith(provider) || subject === provider)).toBe(
      true,
    );
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mediatorAdmin, mediatorLog } from '../src/api/operations.ts';
import {
  consumer,
  echoService,
  governance,
  grant,
  type Instance,
  own,
  provider,
  refusal,
  startInstance,
} from './fixtures/instance.ts';

let instance: Instance;
const portal = 'T/GOV/DGA/portal';
const adminService = `${own}/${mediatorAdmin.name}`;

beforeAll(async () => {
  instance = await startInstance({ settings: { logReaders: [portal] } });
  await instance.admin.putRight({ params: { service: adminService, subject: portal }, body: {} });
});
afterAll(() => instance.node.stop());

/** The administration as the portal uses it, for a person. */
const forPerson = async (person: { roles: string[]; agency?: string }) => {
  const personToken = await instance.node.token({ id: 'p1', ...person });
  const client = instance.node.client(mediatorAdmin, { as: portal, service: adminService });
  return { client, personToken };
};

const version = async (): Promise<string> =>
  (await instance.db.selectFrom('directory_version').select('version').executeTakeFirstOrThrow()).version;

describe('who administers', () => {
  it('an administrator of an agency changes what belongs to it, and nothing else', async () => {
    const { client, personToken } = await forPerson({ roles: ['administrator'], agency: 'T/GOV/MOH' });
    const params = { service: echoService, subject: consumer };
    expect((await client.putRight({ params, body: {}, personToken })).status).toBe(204);
    expect((await client.deleteRight({ params, personToken })).status).toBe(204);
    const foreign = { application: consumer };
    expect(
      (await refusal(client.putApplication({ params: foreign, body: { name: 'x' }, personToken }))).status,
    ).toBe(403);
    expect(
      (await refusal(client.putMember({ params: { member: 'T/GOV/MOH' }, body: { name: 'x' }, personToken })))
        .status,
    ).toBe(403);
    const subscription = { source: consumer, eventType: 'a.b.v1', subscriber: provider };
    expect((await refusal(client.putSubscription({ params: subscription, personToken }))).status).toBe(403);
    const { items } = (await client.listApplications({ query: {}, personToken })).body;
    expect(items.map(({ id }) => id)).toEqual([provider]);
    const services = (await client.listServices({ query: {}, personToken })).body.items;
    expect(services.every(({ id }) => id.startsWith('T/GOV/MOH/'))).toBe(true);
  });

  it('[IM-6.1-e][CFR-SEC-3] without the role, without a person, or from an application that does not govern: refused', async () => {
    const officer = await forPerson({ roles: ['officer'], agency: 'T/GOV/MOH' });
    const body = { name: 'x' };
    const params = { application: provider };
    expect(
      (await refusal(officer.client.putApplication({ params, body, personToken: officer.personToken })))
        .status,
    ).toBe(403);
    expect((await refusal(officer.client.putApplication({ params, body, personToken: null }))).status).toBe(
      403,
    );
    const unsigned = await refusal(
      officer.client.putApplication({ params, body, personToken: 'not.a.token' }),
    );
    expect(unsigned.status).toBe(401);
    const stranger = instance.node.client(mediatorAdmin, { as: consumer, service: adminService });
    const failed = await refusal(stranger.putApplication({ params, body }));
    expect(failed.mediatorError).toBe('Server.ServerProxy.AccessDenied');
  });

  it('an administrator of the governing agency administers everything', async () => {
    const { client, personToken } = await forPerson({ roles: ['administrator'], agency: 'T/GOV/DGA' });
    const params = { member: 'T/COM/BANK' };
    expect((await client.putMember({ params, body: { name: 'Bank' }, personToken })).status).toBe(204);
    const { items } = (await client.listMembers({ query: {}, personToken })).body;
    expect(items).toContainEqual({ id: 'T/COM/BANK', name: 'Bank' });
  });
});

describe('the directory', () => {
  it('[IM-5.1.1-a] is the same after a PUT or DELETE was repeated, and says so to nobody', async () => {
    const member = { params: { member: 'T/COM/TEL' }, body: { name: 'Telephone' } };
    const application = {
      params: { application: 'T/COM/TEL/sms' },
      body: { name: 'SMS', operators: [consumer] },
    };
    const service = {
      params: { service: 'T/COM/TEL/sms/sms-v1' },
      body: { title: 'SMS', target: 'https://sms.example/api', notice: 'soon', enabled: false },
    };
    const right = {
      params: { service: 'T/COM/TEL/sms/sms-v1', subject: consumer },
      body: { endpoints: [{ method: 'POST', path: '/messages' }] },
    };
    const all = async () => {
      await instance.admin.putMember(member);
      await instance.admin.putApplication(application);
      await instance.admin.putService(service);
      await instance.admin.putRight(right);
    };
    await all();
    const before = await version();
    await all();
    expect(await version()).toBe(before);
    await instance.admin.deleteRight({ params: right.params });
    const after = await version();
    expect(BigInt(after)).toBeGreaterThan(BigInt(before));
    await instance.admin.deleteRight({ params: right.params });
    expect(await version()).toBe(after);
  });

  it('keeps what a change leaves out', async () => {
    const params = { service: `${provider}/kept-v1` };
    const openapi = { openapi: '3.0.0', info: { title: 'x', version: '1' }, paths: {} };
    await instance.admin.putService({
      params,
      body: { title: 'Kept', target: 'https://a.example', timeoutMs: 1234, notice: 'n', openapi },
    });
    await instance.admin.putService({ params, body: { title: 'Moved', target: 'https://b.example' } });
    const { items } = (await instance.admin.listServices({ query: { application: provider } })).body;
    expect(items.find(({ id }) => id === params.service)).toEqual({
      id: params.service,
      title: 'Moved',
      target: 'https://b.example',
      timeoutMs: 1234,
      enabled: true,
      notice: 'n',
      describedHere: true,
      disabledEndpoints: [],
    });
  });

  it('lists page by page, every entry once', async () => {
    for (let index = 0; index < 7; index += 1)
      await instance.admin.putMember({ params: { member: `T/NGO/M${index}` }, body: { name: `M${index}` } });
    const seen: string[] = [];
    let pageToken: string | undefined;
    do {
      const { body } = await instance.admin.listMembers({
        query: { pageSize: 3, ...(pageToken === undefined ? {} : { pageToken }) },
      });
      expect(body.items.length).toBeLessThanOrEqual(3);
      seen.push(...body.items.map(({ id }) => id));
      pageToken = body.nextPageToken;
    } while (pageToken !== undefined);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.filter((id) => id.startsWith('T/NGO/'))).toHaveLength(7);
    for (const subject of [provider, governance, portal])
      await instance.admin.putRight({ params: { service: echoService, subject }, body: {} });
    const first = (await instance.admin.listRights({ query: { service: echoService, pageSize: 2 } })).body;
    const rest = (
      await instance.admin.listRights({
        query: { service: echoService, pageSize: 2, pageToken: first.nextPageToken ?? '' },
      })
    ).body;
    expect([...first.items, ...rest.items].map(({ subject }) => subject).sort()).toEqual(
      [provider, governance, portal].sort(),
    );
    expect(rest.nextPageToken).toBeUndefined();
  });

  it.each([
    ['a member of another instance', () => put.member('X/GOV/A'), 400],
    ['an application of an unregistered member', () => put.application('T/GOV/NONE/app'), 400],
    [
      'a service of an unregistered application',
      () => put.service('T/GOV/MOH/none/s-v1', 'https://a.example'),
      400,
    ],
    ['a right for an unregistered application', () => put.right('T/GOV/MOH/none'), 400],
    ['a malformed identifier', () => put.member('T/GOV'), 400],
    ['a reserved service code', () => put.service(`${provider}/getOpenAPI`, 'https://a.example'), 400],
    ['a private key', () => put.key({ kty: 'EC', crv: 'P-256', x: 'a', y: 'b', d: 'c' }), 400],
    ['an unknown field', () => put.unknownField(), 400],
    ['credentials in a target', () => put.service(`${provider}/x-v1`, 'https://u:p@a.example'), 400],
    ['a target that is no URL', () => put.service(`${provider}/x-v1`, 'file:///etc/passwd'), 400],
    ['plain HTTP to elsewhere', () => put.service(`${provider}/x-v1`, 'http://a.example'), 400],
    ['a link-local target', () => put.service(`${provider}/x-v1`, 'https://169.254.169.254/'), 400],
    [
      'a link-local target in disguise',
      () => put.service(`${provider}/x-v1`, 'https://[::ffff:169.254.169.254]/'),
      400,
    ],
    ['another one', () => put.service(`${provider}/x-v1`, 'https://0xa9fea9fe/'), 400],
  ])('refuses %s and changes nothing', async (_what, attempt, status) => {
    const before = await version();
    const failed = await refusal(attempt());
    expect(failed.status).toBe(status);
    expect(failed.mediatorError).toBeUndefined();
    expect(await version()).toBe(before);
  });

  const put = {
    member: (member: string) => instance.admin.putMember({ params: { member }, body: { name: 'x' } }),
    application: (application: string) =>
      instance.admin.putApplication({ params: { application }, body: { name: 'x' } }),
    key: (publicKey: Record<string, unknown>) =>
      instance.admin.putApplication({
        params: { application: provider },
        body: { name: 'x', publicKey },
      }),
    service: (service: string, target: string) =>
      instance.admin.putService({ params: { service }, body: { title: 'x', target } }),
    right: (subject: string) =>
      instance.admin.putRight({ params: { service: echoService, subject }, body: {} }),
    unknownField: () =>
      instance.admin.putMember({
        params: { member: 'T/GOV/MOH' },
        body: { name: 'x', colour: 'red' } as { name: string },
      }),
  };
});

describe('the beginning', () => {
  it('an empty directory knows who governs it and lets nobody else in', async () => {
    const empty = await startInstance({ unregistered: true, settings: { logReaders: [portal] } });
    try {
      const { items } = (await empty.admin.listApplications({ query: {} })).body;
      expect(items.map(({ id }) => id)).toEqual([governance, own, portal].sort());
      const asPortal = empty.node.client(mediatorLog, {
        as: portal,
        service: `${own}/${mediatorLog.name}`,
      });
      expect((await asPortal.verifyChain({ query: {} })).body.broken).toBeNull();
      const writing = empty.node.client(mediatorAdmin, { as: portal, service: adminService });
      expect((await refusal(writing.listMembers({ query: {} }))).mediatorError).toContain('AccessDenied');
    } finally {
      await empty.node.stop();
    }
  });

  it('what was registered later survives a restart', async () => {
    await grant(instance);
    await instance.admin.putMember({ params: { member: 'T/GOV/DGA' }, body: { name: 'Digital agency' } });
    const again = await startInstance({
      databasePrefix: instance.node.databasePrefix,
      settings: { logReaders: [portal] },
    });
    try {
      expect((await again.say('after restart')).status).toBe(200);
      const { items } = (await again.admin.listMembers({ query: {} })).body;
      expect(items).toContainEqual({ id: 'T/GOV/DGA', name: 'Digital agency' });
      expect((await again.log.verifyChain({ query: { limit: 100_000 } })).body.broken).toBeNull();
    } finally {
      await again.node.stop();
    }
  });
});

import { mediatorAdmin } from '@govstack/information-mediator/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { echo } from './fixtures/echo-block.ts';
import {
  consumer,
  echoService,
  engine,
  eventually,
  grant,
  type Instance,
  own,
  provider,
  refusal,
  startInstance,
} from './fixtures/instance.ts';

let instance: Instance;
beforeAll(async () => {
  instance = await startInstance();
});
afterAll(() => instance.node.stop());

const right = { service: echoService, subject: consumer };

describe('rights', () => {
  it('[IM-6.2-g][IM-4.1-a] are refused by default, and the provider is not called', async () => {
    const failed = await refusal(instance.say('denied'));
    expect(failed.status).toBe(403);
    expect(failed.mediatorError).toBe('Server.ServerProxy.AccessDenied');
    expect(instance.record.said).not.toContain('denied');
  });

  it('[IM-6.2-h][IM-6.2-i] count from the moment they are granted until the moment they are withdrawn', async () => {
    await instance.admin.putRight({ params: right, body: {} });
    expect((await instance.say('granted')).body.caller).toBe(consumer);
    await instance.admin.deleteRight({ params: right });
    expect((await refusal(instance.say('withdrawn'))).mediatorError).toContain('AccessDenied');
    expect(instance.record.said).not.toContain('withdrawn');
  });

  it('a right withdrawn on one node soon ends on the others', async () => {
    await grant(instance);
    const other = await startInstance({ databasePrefix: instance.node.databasePrefix });
    try {
      expect((await other.say('before')).status).toBe(200);
      await instance.admin.deleteRight({ params: right });
      const withdrawnAt = Date.now();
      await eventually(() =>
        other.say('after').then(
          () => 'allowed',
          (error: { status: number }) => error.status,
        ),
      ).toBe(403);
      expect(Date.now() - withdrawnAt).toBeLessThan(3000);
    } finally {
      await other.node.stop();
    }
  });

  it('can be given for single endpoints, by method and path', async () => {
    const endpoints = [{ method: 'post', path: '/say/a*' }];
    await instance.admin.putRight({ params: right, body: { endpoints } });
    expect((await instance.say('apple')).status).toBe(200);
    expect((await refusal(instance.say('pear'))).status).toBe(403);
    expect((await refusal(instance.say('a/b'))).status).toBe(403);
    expect((await refusal(instance.echoAs().ring({ body: { id: 'x' } }))).status).toBe(403);
    await instance.admin.putRight({
      params: right,
      body: { endpoints: [{ method: 'POST', path: '/say/{what}' }] },
    });
    expect((await instance.say('pear')).status).toBe(200);
    const { items } = (await instance.admin.listRights({ query: { subject: consumer } })).body;
    expect(items.map(({ method, path }) => `${method} ${path}`)).toEqual(['POST /say/{what}']);
  });

  it('a path that climbs is refused whatever the right', async () => {
    await grant(instance);
    for (const path of ['/say/../ring', '/say/%2e%2e/ring', '/say/..%2fring', '/..%5c..%5cevents-v1/events'])
      expect(
        (
          await instance.node.mediator.exchange({
            client: consumer,
            service: echoService,
            method: 'POST',
            path,
            headers: {},
          })
        ).headers['x-road-error'],
      ).toBe('Server.ServerProxy.AccessDenied');
    const backslash = await instance.node.mediator.exchange({
      client: consumer,
      service: echoService,
      method: 'POST',
      path: '/..\\events-v1/events',
      headers: {},
    });
    expect(backslash.headers['x-road-error']).toBe('Client.BadRequest');
  });
});

describe('who sends', () => {
  it('an operator acts for an application only when the directory lists it, and both names arrive', async () => {
    await grant(instance);
    const { body } = await instance.say('for', consumer, engine);
    expect(body).toMatchObject({ caller: consumer, operator: engine });
    const failed = await refusal(instance.say('not', consumer, provider));
    expect(failed.mediatorError).toBe('Server.ClientProxy.AccessDenied');
    await instance.admin.putApplication({
      params: { application: consumer },
      body: { name: 'Service', operators: [] },
    });
    expect((await refusal(instance.say('no more', consumer, engine))).status).toBe(403);
    expect(instance.record.said).not.toContain('no more');
    await instance.admin.putApplication({
      params: { application: consumer },
      body: { name: 'Service', operators: [engine] },
    });
  });

  it('the caller the provider sees is the one the mediator verified, whatever headers say', async () => {
    await grant(instance);
    const { body } = await instance.echoAs().say({
      params: { what: 'forged' },
      headers: {
        'x-govstack-caller': 'forged',
        'x-road-client': provider,
        'x-road-request-id': 'forged',
      },
      body: { text: '' },
    });
    expect(body.caller).toBe(consumer);
    expect(body.headers['x-road-client']).toBe(consumer);
    expect(body.headers['x-road-request-id']).toBe(body.exchangeId);
    expect(body.headers['x-govstack-caller']).toBeUndefined();
  });

  it('an application that is not registered, or disabled, cannot call', async () => {
    expect((await refusal(instance.say('x', 'T/GOV/NOBODY/app'))).mediatorError).toBe(
      'Server.ClientProxy.UnknownMember',
    );
    await grant(instance);
    const params = { application: consumer };
    await instance.admin.putApplication({ params, body: { name: 'Service', status: 'disabled' } });
    expect((await refusal(instance.say('off'))).mediatorError).toBe('Server.ClientProxy.UnknownMember');
    await instance.admin.putApplication({ params, body: { name: 'Service', status: 'registered' } });
    expect((await instance.say('on')).status).toBe(200);
  });
});

describe('what is called', () => {
  it('unknown members and services are told apart', async () => {
    const client = (service: string) => instance.node.client(echo, { as: consumer, service });
    const call = (service: string) => refusal(client(service).ring({ body: { id: 'x' } }));
    expect((await call('T/GOV/MOH/echo/other-v1')).mediatorError).toBe('Server.ServerProxy.UnknownService');
    expect((await call('T/GOV/NONE/echo/echo-v1')).mediatorError).toBe('Server.ServerProxy.UnknownMember');
    expect((await call('T/GOV/MOH/echo')).mediatorError).toBe('Client.BadRequest');
  });

  it('a disabled service is refused with its notice, and works again when it is enabled', async () => {
    await grant(instance);
    const params = { service: echoService };
    const body = { title: 'Echo', target: 'local:echo/echo-v1' };
    await instance.admin.putService({ params, body: { ...body, enabled: false, notice: 'Back on Monday' } });
    const failed = await refusal(instance.say('off'));
    expect(failed.status).toBe(503);
    expect(failed.mediatorError).toBe('Server.ServerProxy.ServiceDisabled');
    expect(failed.responseBody).toMatchObject({ message: 'Back on Monday' });
    await instance.admin.putService({ params, body: { ...body, title: 'Still off' } });
    expect((await refusal(instance.say('still off'))).status).toBe(503);
    await instance.admin.putService({ params, body: { ...body, enabled: true } });
    expect((await instance.say('on')).status).toBe(200);
    expect(instance.record.said).not.toContain('off');
  });

  it('with strict HTTP off, refusals have the statuses of X-Road and the same types', async () => {
    const lenient = await startInstance({
      databasePrefix: instance.node.databasePrefix,
      settings: { strictHttp: false },
    });
    try {
      const client = lenient.node.client(mediatorAdmin, {
        as: consumer,
        service: `${own}/${mediatorAdmin.name}`,
      });
      const denied = await refusal(client.listMembers({ query: {} }));
      expect([denied.status, denied.mediatorError]).toEqual([500, 'Server.ServerProxy.AccessDenied']);
      const malformed = await lenient.node.mediator.exchange({
        client: 'nobody',
        service: echoService,
        method: 'GET',
        path: '/',
        headers: { accept: 'text/xml' },
      });
      expect(malformed.status).toBe(400);
      expect(malformed.headers['content-type']).toContain('text/xml');
      expect(malformed.body.toString()).toMatch(/^<error><type>Client\.InvalidClientIdentifier<\/type>/);
    } finally {
      await lenient.node.stop();
    }
  });
});

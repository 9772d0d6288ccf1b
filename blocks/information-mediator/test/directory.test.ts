import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mediatorAdmin } from '../src/api/operations.ts';
import {
  consumer,
  echoService,
  grant,
  type Instance,
  own,
  provider,
  startInstance,
  under,
} from './fixtures/instance.ts';

let instance: Instance;
let url: string;
let documents: Server;
let documentReads = 0;

beforeAll(async () => {
  instance = await startInstance();
  await grant(instance);
  url = await instance.node.listen({ port: 0 });
  documents = createServer((request, response) => {
    documentReads += 1;
    const openapi = {
      openapi: '3.0.0',
      info: { title: 'Elsewhere', version: '1' },
      servers: [{ url: 'http://10.1.2.3/internal' }],
      paths: { '/there': { get: {}, parameters: [] } },
    };
    const yaml = request.url === '/yaml/openapi.json';
    const known = yaml || request.url === '/openapi.json';
    response.writeHead(known ? 200 : 404, { 'content-type': yaml ? 'text/yaml' : 'application/json' });
    response.end(
      yaml ? 'openapi: 3.0.3\ninfo: {title: In YAML}\npaths: {/there: {get: {}}}\n' : JSON.stringify(openapi),
    );
  }).listen(0, '127.0.0.1');
});
afterAll(async () => {
  documents.close();
  await instance.node.stop();
});

const as = async (header: 'x-road-client' | 'x-govstack-client') => ({
  [header]: consumer,
  'x-govstack-client-assertion': await instance.assertion(),
});
const read = async (path: string, header: 'x-road-client' | 'x-govstack-client' = 'x-govstack-client') => {
  const answer = await fetch(`${url}${path}`, { headers: await as(header) });
  return { status: answer.status, error: answer.headers.get('x-road-error'), body: await answer.json() };
};

describe('listClients', () => {
  it('[IM-8.2.1-a] names members and applications in both vocabularies, without rights', async () => {
    const { member } = (await (await fetch(`${url}/listClients`)).json()) as { member: { id: object }[] };
    expect(member.map(({ id }) => id)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ objectType: 'MEMBER', instanceId: 'T', memberCode: 'MOH' }),
        expect.objectContaining({ objectType: 'APPLICATION', applicationCode: 'echo' }),
        expect.objectContaining({ object_type: 'SUBSYSTEM', subsystem_code: 'echo', xroad_instance: 'T' }),
      ]),
    );
    for (const parameter of ['instanceId', 'xRoadInstance']) {
      const other = await (await fetch(`${url}/listClients?${parameter}=OTHER`)).json();
      expect(other).toEqual({ member: [] });
    }
  });
});

describe('listMethods and allowedMethods', () => {
  it('[IM-8.2.2-a][IM-6.2-c][IM-6.4-a] list the services of an application with the endpoints of their documents', async () => {
    const { body } = await read(`/r1/${provider}/listMethods`);
    const { member } = body as { member: { serviceCode: string; endpointList: { member: unknown[] } }[] };
    expect(member.map(({ serviceCode }) => serviceCode)).toEqual(['echo-v1', 'events-v1']);
    expect(member[0]?.endpointList.member).toContainEqual({ method: 'POST', path: '/say/{what}' });
    const xRoad = (await read(`/r1/${provider}/listMethods`, 'x-road-client')).body as {
      service: { service_code: string; endpoint_list: unknown[]; object_type: string }[];
    };
    expect(xRoad.service[0]).toMatchObject({ object_type: 'SERVICE', service_code: 'echo-v1' });
    expect(xRoad.service[0]?.endpoint_list).toContainEqual({ method: 'POST', path: '/say/{what}' });
    const one = (await read(`/r1/${provider}/listMethods?serviceId=events-v1`)).body as typeof body;
    expect((one as { member: unknown[] }).member).toHaveLength(1);
  });

  it('[IM-8.2.2-b] only what the caller may use', async () => {
    const allowed = async () =>
      (
        (await read(`/r1/${provider}/allowedMethods`)).body as {
          member: { serviceCode: string; endpointList: { member: unknown[] } }[];
        }
      ).member;
    expect((await allowed()).map(({ serviceCode }) => serviceCode)).toEqual(['echo-v1']);
    await instance.admin.putRight({
      params: { service: echoService, subject: consumer },
      body: { endpoints: [{ method: 'POST', path: '/say/a*' }] },
    });
    expect((await allowed())[0]?.endpointList.member).toEqual([{ method: 'POST', path: '/say/a*' }]);
    await instance.admin.deleteRight({ params: { service: echoService, subject: consumer } });
    expect(await allowed()).toEqual([]);
    await grant(instance);
  });

  it('need an authenticated client, and leave evidence like any exchange', async () => {
    const answer = await fetch(`${url}/r1/${provider}/listMethods`, {
      headers: { 'x-road-client': consumer },
    });
    expect(answer.status).toBe(401);
    const request = { client: consumer, service: `${provider}/listMethods`, method: 'GET', path: '/' };
    await under('case-list', () =>
      instance.node.mediator.exchange({ ...request, headers: { 'x-correlation-id': 'case-list' } }),
    );
    const { exchanges } = (await instance.log.listExchanges({ query: { correlationId: 'case-list' } })).body;
    expect(exchanges).toMatchObject([{ right: 'meta-service', status: 200, verified: true }]);
  });

  it('know no other applications', async () => {
    const { status, error } = await read('/r1/T/GOV/MOH/none/listMethods');
    expect([status, error]).toEqual([404, 'Server.ServerProxy.UnknownMember']);
  });
});

describe('getOpenAPI', () => {
  it('[IM-8.2.2-c] is a string for GovStack’s clients and a document for X-Road’s, with the mediator’s address', async () => {
    const path = `/r1/${provider}/getOpenAPI?serviceCode=echo-v1`;
    const encoded = (await read(path)).body as string;
    const document = (await read(path, 'x-road-client')).body;
    expect(JSON.parse(encoded)).toEqual(document);
    expect(document).toMatchObject({ openapi: '3.1.0', servers: [{ url: `/r1/${echoService}` }] });
  });

  it.each([
    '',
    '?serviceCode=',
    '?serviceCode=a%2Fb',
    '?serviceCode=a;b',
  ])('[IM-8.2.2-c] refuses %j', async (query) => {
    const { status, error } = await read(`/r1/${provider}/getOpenAPI${query}`);
    expect([status, error]).toEqual([400, 'Client.BadRequest']);
  });

  it('reads the document of a provider elsewhere, once a minute, and hides its address', async () => {
    const service = `${provider}/elsewhere-v1`;
    const target = `http://127.0.0.1:${(documents.address() as AddressInfo).port}`;
    await instance.admin.putService({ params: { service }, body: { title: 'Elsewhere', target } });
    const path = `/r1/${provider}/getOpenAPI?serviceCode=elsewhere-v1`;
    for (let reads = 0; reads < 3; reads += 1) {
      const { body } = await read(path, 'x-road-client');
      expect(body).toMatchObject({
        info: { title: 'Elsewhere' },
        servers: [{ url: `/r1/${service}` }],
      });
      expect(JSON.stringify(body)).not.toContain('10.1.2.3');
    }
    expect(documentReads).toBe(1);
    const stored = { openapi: '3.1.0', info: { title: 'Stored', version: '1' }, paths: {} };
    await instance.admin.putService({
      params: { service },
      body: { title: 'Elsewhere', target, openapi: stored },
    });
    expect((await read(path, 'x-road-client')).body).toMatchObject({ info: { title: 'Stored' } });
  });

  it('[IM-5.1.5-a] reads YAML as well; what has no description is a REST service without endpoints', async () => {
    const at = `http://127.0.0.1:${(documents.address() as AddressInfo).port}`;
    for (const [code, path] of [
      ['yaml-v1', '/yaml'],
      ['plain-v1', '/nothing'],
    ])
      await instance.admin.putService({
        params: { service: `${provider}/${code}` },
        body: { title: code as string, target: `${at}${path}` },
      });
    const { service } = (await read(`/r1/${provider}/listMethods`, 'x-road-client')).body as {
      service: { service_code: string; service_type: string; endpoint_list: unknown[] }[];
    };
    const of = (code: string) => service.find((one) => one.service_code === code);
    expect(of('yaml-v1')).toMatchObject({
      service_type: 'OPENAPI',
      endpoint_list: [{ method: 'GET', path: '/there' }],
    });
    expect(of('plain-v1')).toMatchObject({ service_type: 'REST', endpoint_list: [] });
  });

  it('the mediator’s own administration is described like any service', async () => {
    const { body } = await read(`/r1/${own}/getOpenAPI?serviceCode=${mediatorAdmin.name}`, 'x-road-client');
    expect(Object.keys((body as { paths: object }).paths)).toContain('/services/{service}/rights/{subject}');
  });
});

import { startTestNode, type TestNode } from '@govstack/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { informationMediator } from '../src/block.ts';

let node: TestNode;
let url: string;
beforeAll(async () => {
  node = await startTestNode({
    blocks: [{ block: informationMediator, application: 'T/GOV/DGA/mediator' }],
    node: { profile: 'compliance' },
  });
  url = await node.listen({ port: 0, all: 'information-mediator' });
});
afterAll(() => node.stop());

const providers = [
  'identifier/identifier/alp4aNum3r1c/alp4aNum3r1c',
  'a11a11a11a/asd2211a/12as12/m3mb3rc0d3',
  'a552example/zzz321a/m3mb3rc0d3/aa15',
  'valid1dentifi3r/rand0mid3nt/str1ng/azxcv55',
];
const client = { 'Information-Mediator-Client': 'eGovStack/GOV/90000009/digitalregistries' };
const get = (path: string, headers: Record<string, string> = {}) => fetch(`${url}/${path}`, { headers });

interface List {
  readonly member: readonly {
    readonly objectType: { readonly object_type: string };
    readonly GovStackInstance: string;
    readonly serviceCode?: string;
  }[];
}

describe('the dialect of the compliance suite', () => {
  it('listClients', async () => {
    const answer = await get('listClients?serviceId=serviceId&instanceId=identifier');
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
    const { member } = (await answer.json()) as List;
    expect(member.map(({ objectType }) => objectType.object_type)).toEqual(['MEMBER', 'SUBSYSTEM']);
    expect(((await (await get('listClients?instanceId=none')).json()) as List).member).toEqual([]);
    const doubled = await get(
      'listClients?serviceId=s&instanceId=identifier?serviceId=s&instanceId=identifier',
    );
    expect(doubled.status).toBe(200);
  });

  it.each(providers)('listMethods, allowedMethods and getOpenAPI of %s', async (application) => {
    const methods = await get(`${application}/listMethods`, { 'X-GovStack-Client': 'X-GovStack-Client' });
    expect(((await methods.json()) as List).member[0]?.serviceCode).toBe('alp4aNum3r1c');
    const allowed = await get(`${application}/allowedMethods?serviceId1=serviceId1`, client);
    expect(((await allowed.json()) as List).member).toHaveLength(1);
    const unknown = await get(`${application}/allowedMethods`);
    expect(((await unknown.json()) as List).member).toEqual([]);
    const document = await get(`${application}/getOpenAPI?serviceCode=alp4aNum3r1c`, client);
    expect(document.headers.get('content-type')).toBe('application/json; charset=utf-8');
    const text = (await document.json()) as string;
    expect(JSON.parse(text)).toMatchObject({ openapi: '3.0.3', servers: [{ url: expect.any(String) }] });
  });

  it.each([
    '1nval1d/identifier/alp4aNum3r1c/alp4aNum3r1c/getOpenAPI?serviceCode=alp4aNum3r1c',
    'identifier/identifier/_invalid/alp4aNum3r1c/getOpenAPI?serviceCode=alp4aNum3r1c',
    'identifier/identifier/alp4aNum3r1c/_invalid/getOpenAPI?serviceCode=alp4aNum3r1c',
    'identifier/identifier/alp4aNum3r1c/alp4aNum3r1c/getOpenAPI?serviceCode=_invalid',
    'identifier/identifier/alp4aNum3r1c/alp4aNum3r1c/getOpenAPI?serviceCode=',
    'identifier/identifier/alp4aNum3r1c/alp4aNum3r1c/getOpenAPI',
    'identifier/identifier/alp4aNum3r1c/alp4aNum3r1c/getOpenAPI?serviceCode=a?serviceCode=a',
  ])('%s is refused with a string', async (path) => {
    const answer = await get(path, client);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toEqual(expect.any(String));
  });

  it('quoted identifiers find nothing and break nothing', async () => {
    const answer = await get('%22identifier%22/%22identifier%22/%22a%22/%22b%22/allowedMethods', client);
    expect([answer.status, await answer.json()]).toEqual([200, { member: [] }]);
  });

  it('opens nothing else: services still need an authenticated client with a right', async () => {
    const answer = await get(
      'r1/identifier/identifier/alp4aNum3r1c/alp4aNum3r1c/alp4aNum3r1c/things',
      client,
    );
    expect(answer.status).toBe(401);
    expect((await get('mediator-admin-v1/members')).status).toBe(401);
  });
});

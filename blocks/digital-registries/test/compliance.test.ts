import { randomUUID } from 'node:crypto';
import { startTestNode, type TestNode } from '@govstack/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digitalRegistries } from '../src/block.ts';

let node: TestNode;
let url: string;
beforeAll(async () => {
  node = await startTestNode({ blocks: [{ block: digitalRegistries }], node: { profile: 'compliance' } });
  url = await node.listen({ port: 0, all: 'digital-registries' });
});
afterAll(() => node.stop());

const client = { 'Information-Mediator-Client': 'eGovStack/GOV/90000009/digitalregistries' };
const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = client) =>
  fetch(`${url}/${path}`, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
const json = async (answer: Promise<Response>) => (await answer).json() as Promise<Record<string, unknown>>;
const registry = 'data/registryname/111';

describe('the dialect of the compliance suite', () => {
  it('[REG-8-i] wants the client’s identifier in four parts', async () => {
    expect((await call('GET', registry, undefined, {})).status).toBe(400);
    expect((await call('GET', registry, undefined, { 'Information-Mediator-Client': 'a/b' })).status).toBe(
      400,
    );
    expect((await call('GET', registry)).status).toBe(200);
  });

  it('[REG-8-a][REG-8-c][REG-8-d] reads, finds and lists what was seeded', async () => {
    const list = await json(call('GET', `${registry}?search=Alice&filter=FirstName&ordering=ascending`));
    expect(list.results).toHaveLength(1);
    expect(list.count).toBe(1);
    expect('next' in list).toBe(false);
    const sought = { query: { content: { FirstName: 'Philip' } } };
    expect((await json(call('POST', `${registry}/read`, sought))).content).toMatchObject({ LastName: 'Red' });
    const missing = await call('POST', `${registry}/read`, { query: { content: { FirstName: 'Nobody' } } });
    expect(missing.status).toBe(404);
    expect(missing.headers.get('content-type')).toContain('application/json');
    expect(await missing.json()).toMatchObject({ detail: 'no record found' });
    for (const body of [sought, sought.query.content])
      expect((await json(call('POST', `${registry}/exists`, body))).answer).toMatchObject({ status: true });
    const no = await json(call('POST', `${registry}/exists`, { FirstName: 'Nobody' }));
    expect(no.answer).toEqual({ status: false, message: 'Object not found' });
    const value = await call(
      'GET',
      `${registry}/80bcb084-fa17-11ed-be56-0242ac120002/read-value/FirstName.json`,
    );
    expect(await value.json()).toBe('John');
    expect((await json(call('GET', 'data/registryempty/111'))).results).toEqual([]);
    expect((await call('GET', 'data/registryname/9.9')).status).toBe(404);
  });

  it('answers a repeated change as the first time, and never takes an empty body for everything', async () => {
    const content = {
      ID: 'EE34462734834865',
      FirstName: 'Alex',
      LastName: 'Green',
      BirthCertificateID: 'RR-441124937',
    };
    const change = { query: { content }, write: { content: { ...content, FirstName: 'Jack' } } };
    for (const _ of [1, 2]) expect((await call('PUT', `${registry}/update`, change)).status).toBe(200);
    for (const path of ['update', 'update-entries'])
      expect((await call('PUT', `${registry}/${path}`)).status).toBe(400);
    const all = { query: { content: {} }, write: { content: { FirstName: 'X' } } };
    expect((await call('PUT', `${registry}/update-entries`, all)).status).toBe(400);
    const upsert = { query: { content: { ID: 'N1' } }, write: { content: { ...content, ID: 'N2' } } };
    for (const _ of [1, 2])
      expect((await call('POST', `${registry}/update-or-create`, upsert)).status).toBe(200);
    expect((await json(call('GET', `${registry}?search=N2&filter=ID`))).count).toBe(1);
    for (const id of ['N2', 'N2', '%7Bid%7D'])
      expect((await call('DELETE', `${registry}/${id}/delete`)).status).toBe(204);
  });

  it('[REG-8-h] makes registries of what it is given, and describes and deletes them', async () => {
    const schema = {
      type: 'some object',
      properties: {
        ID: { type: 'some string', primaryKey: true, readOnly: true, id: 1 },
        Child: { type: ' some string', properties: { ID: { type: 'some string', id: 13 } } },
      },
      incrementIndex: 30,
    };
    const modify = () =>
      call('POST', 'database/modify', { group_name: 'Test', catalog_name: 'Mother', code: 'MCR', schema });
    expect((await Promise.all([modify(), modify()])).map(({ status }) => status)).toEqual([200, 200]);
    const group = await json(call('GET', 'databases'));
    expect(Object.keys(group).sort()).toEqual(['code', 'databases', 'id', 'name']);
    expect((group.databases as { code: string }[]).map(({ code }) => code)).toContain('mcr');
    expect(await json(call('GET', 'database/8484848484'))).toMatchObject({ id: 8484848484 });
    for (const id of ['6745', '6745', '99999999'])
      expect(await (await call('DELETE', `database/${id}`)).json()).toBe('Success');
  });

  it('[REG-6.2-35-a] tells a person who read their data', async () => {
    const usage = (userID: string, DatabaseID = 'MCTS') =>
      call('GET', `data/MyPersonalDataUsage/1.0?${new URLSearchParams({ userID, DatabaseID })}`);
    const entries = (await (await usage('EE378129277266')).json()) as { ReaderID: string }[];
    expect(entries.map(({ ReaderID }) => ReaderID)).toContain('EE37819285773');
    expect((await usage('...')).status).toBe(400);
    expect((await usage('EE378129277266', '...')).status).toBe(400);
  });
});

describe('the dialect of the public DCI compliance kit', () => {
  const message = () => ({
    transaction_id: randomUUID(),
    search_request: [
      {
        reference_id: randomUUID(),
        timestamp: new Date().toISOString(),
        search_criteria: { query_type: 'idtype-value', query: { type: 'UIN', value: 'TEST-001' } },
      },
    ],
  });
  const envelope = (signature: string) => ({
    signature,
    header: {
      version: '1.0.0',
      message_id: randomUUID(),
      message_ts: new Date().toISOString(),
      action: 'search',
      sender_id: 'test-client',
      receiver_id: 'sr-server',
      total_count: 1,
    },
    message: message(),
  });
  const ask = (signature: string, authorization?: string) =>
    call('POST', 'social/registry/sync/search', envelope(signature), authorization ? { authorization } : {});
  const codeOf = async (answer: Promise<Response>) =>
    ((await json(answer)).message as { error: { code: string } }).error.code;

  it('takes the seeded token and stub signatures, and finds what was seeded', async () => {
    const answer = await ask('unsigned-stub', 'Bearer dci-compliance');
    expect(answer.headers.get('content-type')).toContain('application/json');
    const { header, message } = (await answer.json()) as {
      header: { status: string };
      message: { search_response: { data: { reg_records: object[] } }[] };
    };
    expect(header.status).toBe('succ');
    expect(message.search_response[0]?.data.reg_records).toHaveLength(1);
  });

  it('refuses other tokens and signatures that do not hold', async () => {
    expect((await ask('unsigned-stub')).status).toBe(401);
    expect(await codeOf(ask('unsigned-stub', 'Bearer other'))).toBe('err.request.unauthorized');
    expect(await codeOf(ask('invalid-signature', 'Bearer dci-compliance'))).toBe('err.signature.invalid');
  });
});

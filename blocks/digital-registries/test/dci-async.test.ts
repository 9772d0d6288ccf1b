import { compileValidator } from '@govstack/platform';
import type { TSchema } from '@govstack/platform/operation';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answer, SearchResponse, StatusResponse } from '../src/api/dci/shapes.ts';
import { readCron } from '../src/dci/cron.ts';
import { type Agency, at, query, refusal, startAgency, write } from './fixtures/agency.ts';
import { callbackServer, dciClient, isSignedBy, senderId } from './fixtures/dci-client.ts';

const schema = {
  type: 'object',
  required: ['Number'],
  properties: {
    Number: { type: 'string', id: 1, unique: true, owner: true, personal: true },
    Name: { type: 'string', id: 2, personal: true },
    District: { type: 'string', id: 3, filterable: true },
    Status: { type: 'string', id: 4, enum: ['alive', 'deceased'] },
  },
};
const mapping = (registry: string) => ({
  registry,
  regType: 'ns:org:RegistryType:CRVS',
  attributes: { number: 'Number', name: 'Name', district: 'District', vital_status: 'Status' },
  identifiers: { BRN: 'number' },
  recordTypes: {
    Person: { '@type': 'Person', identifier: { identifier_value: '$(number)' }, name: '$(name)' },
  },
  events: [
    { type: 'REGISTER', on: ['create' as const] },
    { type: 'UPDATE', on: ['update' as const] },
    { type: 'DEREGISTER', on: ['delete' as const] },
    { type: 'DEATH', on: ['create' as const, 'update' as const], becomes: { vital_status: 'deceased' } },
  ],
});

let agency: Agency;
let code: string;
let client: ReturnType<typeof dciClient>;
let server: Awaited<ReturnType<typeof callbackServer>>;
const params = { mapping: 'persons' };
const inNorth = { value: { expression: { query: { district: { $eq: 'North' } } } } };

beforeAll(async () => {
  agency = await startAgency();
  server = await callbackServer();
  code = await agency.publish(schema);
  await agency.data.createRecord({
    params: at(code),
    body: write({ Number: 'B1', Name: 'Ana', District: 'North' }),
  });
  client = dciClient(agency);
  await client.mappings.putMapping({ params, body: mapping(code) });
  await client.register({ callbacks: [server.url] });
});
afterAll(async () => {
  await agency.node.stop();
  await server.stop();
});

const correlated = (correlation: string) => (one: { body: { message: object } }) =>
  (one.body.message as { correlation_id?: string }).correlation_id === correlation;
const search = (value = 'B1') => client.search(client.item('idtype-value', { type: 'BRN', value }));
const sender_uri = () => `${server.url}/registry/on-search`;
const shaped = (schema: TSchema, value: unknown) => compileValidator(schema, 'body', false)(value);

describe('an asynchronous search', () => {
  it('is acknowledged at once and answered by a signed callback beside sender_uri', async () => {
    const message = search();
    const { body } = await client.api.search({
      params,
      headers: {},
      body: client.envelope('search', message, { sender_uri: sender_uri() }),
    });
    expect(body.message.ack_status).toBe('ACK');
    const callback = await server.wait(correlated(body.message.correlation_id));
    expect(callback.path).toBe('/registry/on-search');
    expect(shaped(answer(SearchResponse), callback.body)).toBeUndefined();
    expect(callback.body.header).toMatchObject({
      action: 'on-search',
      status: 'succ',
      receiver_id: senderId,
      total_count: 1,
      completed_count: 1,
    });
    expect(callback.body.message).toMatchObject({
      transaction_id: message.transaction_id,
      search_response: [
        { reference_id: message.search_request[0]?.reference_id, data: { reg_records: [{ name: 'Ana' }] } },
      ],
    });
    const { keys } = (await client.api.signingKeys({ params, headers: {} })).body;
    expect(isSignedBy(keys, callback.body as never)).toBe(true);
    // What was asked is forgotten when it is answered; what came of it is known.
    const request = {
      transaction_id: client.id(),
      txnstatus_request: {
        reference_id: client.id(),
        txn_type: 'search' as const,
        attribute_type: 'correlation_id' as const,
        attribute_value: body.message.correlation_id,
      },
    };
    const asked = await client.api.txnStatus({
      params,
      headers: {},
      body: client.envelope('txn-status', request, { sender_uri: `${server.url}/callback/` }),
    });
    const status = await server.wait(correlated(asked.body.message.correlation_id));
    expect(status.path).toBe('/callback/registry/txn/on-status');
    expect(shaped(answer(StatusResponse), status.body)).toBeUndefined();
    expect(status.body.message).toMatchObject({
      txnstatus_response: { txn_status: { search_response: [{ status: 'succ' }] } },
    });
  });

  it('is called back again, under the same message id, until it is heard; and is taken on once', async () => {
    server.failing.times = 1;
    const whole = client.envelope('search', search(), { sender_uri: sender_uri() });
    const first = (await client.api.search({ params, headers: {}, body: whole })).body.message.correlation_id;
    const again = (await client.api.search({ params, headers: {}, body: whole })).body.message.correlation_id;
    expect(again).toBe(first);
    const other = { ...whole, message: search('B2') };
    const changed = { ...other, signature: client.signed(whole.header, other.message) };
    expect(
      (await refusal(client.api.search({ params, headers: {}, body: changed }))).responseBody,
    ).toMatchObject({
      message: {
        error: { code: 'err.request.bad', message: expect.stringContaining('rjct.message_id.duplicate') },
      },
    });
    const callback = await server.wait(correlated(first));
    expect(callback.body.header.message_id).toBe(first);
    expect(server.failing.times).toBe(0);
    expect(server.received.filter(correlated(first))).toHaveLength(1);
  });

  it('is called back at registered addresses only', async () => {
    for (const uri of [
      'http://169.254.169.254/latest',
      'http://127.0.0.1:1/registry/on-search',
      `${server.url}.example.org/on-search`,
      server.url.replace('//', '//user:secret@'),
      'file:///etc/passwd',
    ]) {
      const refused = await refusal(
        client.api.search({
          params,
          headers: {},
          body: client.envelope('search', search(), { sender_uri: uri }),
        }),
      );
      expect(refused.responseBody, uri).toMatchObject({
        message: { ack_status: 'ERR', error: { code: 'err.sender_uri.invalid' } },
      });
    }
    for (const address of [
      'http://mock.example.org',
      'http://169.254.169.254',
      'https://[fe80::1]',
      'ftp://a.example.org',
      'https://a:b@c.example.org',
      'nonsense',
    ])
      expect((await refusal(client.register({ callbacks: [address] }))).status).toBe(400);
    expect((await refusal(client.register({ keys: [{ kid: 'x', kty: 'oct', k: 'c2VjcmV0' }] }))).status).toBe(
      400,
    );
  });
});

describe('a subscription', () => {
  const subscribe = async (reg_event_type: string, filter: unknown, rest: object = {}) => {
    const message = {
      transaction_id: client.id(),
      subscribe_request: [
        {
          reference_id: client.id(),
          timestamp: new Date().toISOString(),
          subscribe_criteria: { reg_event_type, filter, notify_record_type: 'Person', ...rest },
          locale: 'eng',
        },
      ],
    };
    const { body } = await client.api.subscribe({
      params,
      headers: {},
      body: client.envelope('subscribe', message, { sender_uri: `${server.url}/registry/on-subscribe` }),
    });
    const callback = await server.wait(correlated(body.message.correlation_id));
    expect(callback.path).toBe('/registry/on-subscribe');
    return (
      callback.body.message as unknown as {
        subscribe_response: {
          status: string;
          status_reason_code?: string;
          subscriptions?: { code: string }[];
        }[];
      }
    ).subscribe_response[0];
  };
  const told = (name: string) =>
    server.wait(
      ({ body }) => body.header.action === 'notify' && JSON.stringify(body.message).includes(`"${name}"`),
    );
  const eventOf = async (name: string) =>
    (
      (await told(name)).body.message as unknown as {
        notify_event: { reference_id: string; data: Record<string, unknown> }[];
      }
    ).notify_event[0];
  const update = (sought: object, content: object) =>
    agency.data.updateRecord({
      params: at(code),
      headers: {},
      body: { ...query(sought as never), ...write(content as never) },
    });

  it('[REG-6.1-5-f] tells of what happens to the records that were asked for, with the record as it is then', async () => {
    const made = await subscribe('ns:org:RegistryEventType:REGISTER', inNorth);
    expect(made).toMatchObject({ status: 'succ', subscriptions: [{ status: 'subscribe' }] });
    await agency.data.createRecord({
      params: at(code),
      body: write({ Number: 'B3', Name: 'Bo', District: 'South' }),
    });
    await agency.data.createRecord({
      params: at(code),
      body: write({ Number: 'B4', Name: 'Cy', District: 'North' }),
    });
    expect(await eventOf('Cy')).toMatchObject({
      reference_id: `${made?.subscriptions?.[0]?.code}-1`,
      data: {
        reg_event_type: 'REGISTER',
        reg_record_type: 'Person',
        reg_records: { '@type': 'Person', identifier: { identifier_value: 'B4' }, name: 'Cy' },
      },
    });
    expect(JSON.stringify(server.received)).not.toContain('"Bo"');
    expect((await agency.data.queryUsage({ body: { identifier: 'B4' } })).body).toMatchObject([
      { fields: ['Number', 'Name'], method: 'list' },
    ]);
  });

  it('tells when a record becomes what the mapping calls the event, and when it is gone', async () => {
    await subscribe('DEATH', { type: 'BRN', value: 'B1' });
    await subscribe('DEREGISTER', { type: 'BRN', value: 'B1' });
    await update({ Number: 'B1' }, { Name: 'Ana Li' });
    await update({ Number: 'B1' }, { Status: 'deceased' });
    expect(await eventOf('Ana Li')).toMatchObject({ data: { reg_event_type: 'DEATH' } });
    const { uuid } = (
      await agency.data.readRecord({ params: at(code), headers: {}, body: query({ Number: 'B1' }) })
    ).body;
    await agency.data.deleteRecord({ params: { ...at(code), id: uuid } });
    const gone = await server.wait(
      ({ body }) => JSON.stringify(body.message).includes('"DEREGISTER"') && body.header.action === 'notify',
    );
    expect(JSON.stringify(gone.body.message)).toContain('"B1"');
    expect(JSON.stringify(gone.body.message)).not.toContain('Ana');
    expect(
      server.received.filter(
        ({ body }) => JSON.stringify(body.message).includes('"DEATH"') && body.header.action === 'notify',
      ),
    ).toHaveLength(1);
  });

  it('is made once, refused with its reason, and ended by who made it', async () => {
    const filter = { type: 'BRN', value: 'B9' };
    const made = await subscribe('UPDATE', filter);
    const reason = async (...criteria: Parameters<typeof subscribe>) =>
      (await subscribe(...criteria))?.status_reason_code;
    expect(await reason('UPDATE', filter)).toBe('rjct.event.already_subscribed');
    expect(await reason('MARRIAGE', filter)).toBe('rjct.notify_types.invalid');
    expect(await reason('UPDATE', filter, { notify_record_type: 'Farmer' })).toBe(
      'rjct.notify_types.invalid',
    );
    expect(await reason('UPDATE', { type: 'MOBILE', value: '1' })).toBe('rjct.person_id.invalid');
    expect(
      await reason('UPDATE', [
        { expression1: { attribute_name: 'nothing', operator: 'eq', attribute_value: 1 } },
      ]),
    ).toBe('rjct.notify_details.invalid');
    const window = { start_time: '2026-01-01T00:00:00Z', end_time: '2090-01-01T00:00:00Z' };
    expect(await reason('UPDATE', inNorth, { frequency: { ...window, frequency: 'now and then' } })).toBe(
      'rjct.notify_details.invalid',
    );
    expect(
      await reason('UPDATE', inNorth, { frequency: { ...window, frequency: '0 0 0 5,15 * ? *' } }),
    ).toBeUndefined();
    const end = async (...subscription_codes: string[]) => {
      const message = {
        transaction_id: client.id(),
        timestamp: new Date().toISOString(),
        subscription_codes,
      };
      const { body } = await client.api.unsubscribe({
        params,
        headers: {},
        body: client.envelope('unsubscribe', message, { sender_uri: server.url }),
      });
      const callback = await server.wait(correlated(body.message.correlation_id));
      expect(callback.path).toBe('/registry/on-unsubscribe');
      return callback.body.message as unknown as {
        status: string;
        status_reason_code?: string;
        subscription_status: object[];
      };
    };
    const own = made?.subscriptions?.[0]?.code as string;
    expect((await end(own, 'nothing')).status_reason_code).toBe('rjct.subscription_code.invalid');
    expect(await end(own)).toMatchObject({
      status: 'succ',
      subscription_status: [{ code: own, status: 'unsubscribe' }],
    });
    expect((await end(own)).status_reason_code).toBe('rjct.event.already_unsubscribed');
  });
});

describe('a frequency', () => {
  it('is a cron expression in either form', () => {
    const next = (text: string, after: string) => readCron(text)?.next(new Date(after))?.toISOString();
    expect(next('0 0 0 5,15 * ? *', '2026-11-05T00:00:00Z')).toBe('2026-11-15T00:00:00.000Z');
    expect(next('0 0 12 ? * MON-FRI', '2026-11-27T13:00:00Z')).toBe('2026-11-30T12:00:00.000Z');
    expect(next('0 0 12 ? * 2', '2026-11-28T13:00:00Z')).toBe('2026-11-30T12:00:00.000Z');
    expect(next('30 6 1 JAN *', '2026-11-28T13:00:00Z')).toBe('2027-01-01T06:30:00.000Z');
    expect(next('*/15 * * * 0', '2026-11-28T13:00:00Z')).toBe('2026-11-29T00:00:00.000Z');
    expect(next('0 0 30 2 *', '2026-11-28T13:00:00Z')).toBeUndefined();
    for (const text of [
      '',
      '* * *',
      '61 * * * *',
      '0 0 0 5/0 * ?',
      'a b c d e',
      '5-1 * * * *',
      '1/2/3 * * * *',
    ])
      expect(readCron(text), text).toBeUndefined();
  });
});

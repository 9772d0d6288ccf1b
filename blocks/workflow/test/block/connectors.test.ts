import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createClient, eventsSurface, newId } from '@govstack/platform';
import { selfSigned, type TestNode } from '@govstack/platform/testing';
import { sql } from 'kysely';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chain, el, extensions, input, output } from '../execution/bpmn.ts';
import { adminOf, apiOf, definition, ended, owner, startWorkflow } from './node.ts';

interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}
type Answer = readonly [status: number, body?: unknown, headers?: Record<string, string>];

const received: Received[] = [];
/** What the outside party answers, by path; `silent`: it takes the request and says nothing. */
const answers: Record<string, (one: Received) => Answer | 'silent' | Promise<Answer>> = {};
const mails: ParsedMail[] = [];
let mailFailures: number[] = [];
let http: Server;
let smtp: SMTPServer;
let base: string;
let smtpPort: number;
let node: TestNode;

const at = (path: string): Received[] => received.filter((one) => one.url.startsWith(path));

beforeAll(async () => {
  http = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const text = Buffer.concat(parts).toString();
    const one: Received = {
      method: request.method ?? '',
      url: request.url ?? '',
      headers: request.headers,
      body: text.startsWith('{') ? JSON.parse(text) : text,
    };
    received.push(one);
    const answer = (await answers[one.url.split('?')[0] ?? '']?.(one)) ?? [404, { title: 'Not found' }];
    if (answer === 'silent') return;
    response
      .writeHead(answer[0], { 'content-type': 'application/json', ...answer[2] })
      .end(answer[1] === undefined ? '' : JSON.stringify(answer[1]));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  base = `http://localhost:${(http.address() as AddressInfo).port}`;
  smtp = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    onAuth: ({ username, password }, _session, done) =>
      username === 'msp' && password === 'mail-password'
        ? done(null, { user: username })
        : done(Object.assign(new Error('no'), { responseCode: 535 })),
    onRcptTo: (address, _session, done) =>
      done(
        address.address.startsWith('nobody') ? Object.assign(new Error('no'), { responseCode: 550 }) : null,
      ),
    onData: (stream, _session, done) => {
      void simpleParser(stream).then((mail) => {
        const failure = mailFailures.shift();
        // It was taken, and the answer says otherwise: the worst case for whoever sends.
        mails.push(mail);
        done(failure === undefined ? null : Object.assign(new Error('busy'), { responseCode: failure }));
      });
    },
  });
  smtpPort = await new Promise<number>((resolve) => {
    const server = smtp.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
  node = await startWorkflow(
    {},
    {
      config: {
        outsideNetworks: ['127.0.0.0/8', '::1/128'],
        scriptTimeMs: 400,
        scriptThreads: 1,
        noticeRetries: ['PT0.05S', 'PT0.05S'],
        callTimeoutMs: 5_000,
        maxAnswerBytes: 20_000,
      },
    },
  );
});
afterAll(async () => {
  await node.stop();
  http.closeAllConnections();
  http.close();
  await new Promise<void>((resolve) => smtp.close(resolve));
});

const connect = (
  name: string,
  settings: Record<string, unknown> = {},
  secret: string | null = 'connection-secret',
  as = owner,
) =>
  adminOf(node, as).putConnection({
    params: { name },
    body: {
      settings: {
        kind: 'http',
        baseUrl: base,
        authentication: { kind: 'bearer' },
        methods: ['GET', 'POST'],
        ...settings,
      },
      ...(secret === null ? {} : { secret }),
    } as never,
  });

const request = (id: string, connection: string, path: string, mappings: string[], more = {}): string =>
  el(
    'serviceTask',
    id,
    { 'govstack:connection': connection, 'govstack:method': 'POST', 'govstack:path': path, ...more },
    extensions(...mappings),
  );

const javaScript = (id: string, code: string, variable: string): string =>
  el(
    'scriptTask',
    id,
    { scriptFormat: 'application/javascript', 'govstack:resultVariable': variable },
    `<script><![CDATA[${code}]]></script>`,
  );

const deploy = (key: string, content: string, more = '') =>
  apiOf(node).addProcess({
    body: definition(`<startEvent id="s"/>${content}<endEvent id="e"/>${more}`, { key }),
  });

const start = async (processId: string, variables: Record<string, unknown> = {}): Promise<string> =>
  (await apiOf(node).start({ params: { processId }, body: { variables } })).body.id;

const incidentOf = async (instanceId: string) => {
  const open = async () => (await adminOf(node).listIncidents({ query: { instanceId } })).body.incidents;
  await expect.poll(open).toHaveLength(1);
  return (await open())[0] as Awaited<ReturnType<typeof open>>[number];
};

/** Everything the block keeps, as text. */
const everythingKept = async (): Promise<string> => {
  const db = node.database('workflow');
  const kept = await sql<{ text: string }>`
    select scope::text as text from scope
    union all select history::text from history
    union all select incident::text from incident
    union all select job::text from job
    union all select notice::text from notice
    union all select connection_log::text from connection_log
    union all select connection.settings::text from connection
    union all select encode(connection.secret, 'escape') from connection`.execute(db);
  return kept.rows.map((row) => row.text).join('\n');
};

it('[WF-4.1] a process calculates, calls an HTTP interface outside and runs a script', async () => {
  answers['/weather/stations/7/readings'] = () => [
    200,
    { reading: { celsius: 21.5 } },
    { 'set-cookie': 'session=1' },
  ];
  await connect('weather', { baseUrl: `${base}/weather`, headers: { 'x-tenant': 'msp' } });
  const { body } = await deploy(
    'built',
    `${el('scriptTask', 'sum', { 'govstack:resultVariable': 'station' }, '<script>3 + 4</script>')}
     ${request('ask', 'weather', '/stations/{id}/readings', [
       input('path.id', '= station'),
       input('query.unit', 'C'),
       input('body.since', '= process.startedAt'),
       output('= response.body.reading.celsius', 'celsius'),
       output('= response.headers', 'headers'),
     ])}
     ${javaScript('turn', 'return { fahrenheit: celsius * 9 / 5 + 32, at: Date.now() > 0 }', 'turned')}
     ${chain('s', 'sum', 'ask', 'turn', 'e')}`,
  );
  expect(body.missingConnections).toBeUndefined();
  const instance = await ended(node, await start('built'));
  expect(instance).toMatchObject({
    state: 'completed',
    variables: { station: 7, celsius: 21.5, turned: { fahrenheit: 70.7, at: true } },
  });
  expect(JSON.stringify(instance.variables)).not.toContain('session=1');
  const [one, ...others] = at('/weather');
  expect(others).toEqual([]);
  expect(one).toMatchObject({
    method: 'POST',
    url: '/weather/stations/7/readings?unit=C',
    headers: {
      authorization: 'Bearer connection-secret',
      'x-tenant': 'msp',
      'content-type': 'application/json',
      'idempotency-key': expect.stringMatching(/^[0-9a-f-]{36}$/),
    },
    body: { since: expect.any(String) },
  });
});

describe('a call over a connection', () => {
  it('is tried again under its key, and its answers are errors, results and incidents as everywhere', async () => {
    const statuses = [503, 429, 200];
    answers['/flaky'] = () => [statuses.shift() ?? 500, { n: 1 }];
    answers['/refused'] = () => [409, { type: 'urn:taken', title: 'Taken' }];
    answers['/broken'] = () => [400, { title: 'Malformed', detail: 'no name' }];
    await connect('party');
    await deploy(
      'flaky',
      `${request('t', 'party', '/flaky', [output('= response.body.n', 'n')])}${chain('s', 't', 'e')}`,
    );
    expect(await ended(node, await start('flaky'))).toMatchObject({ variables: { n: 1 } });
    const keys = at('/flaky').map((one) => one.headers['idempotency-key']);
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
    await apiOf(node).addProcess({
      body: definition(
        `<startEvent id="s"/>${request('t', 'party', '/refused', ['<govstack:error status="409" problem="urn:taken" code="TAKEN"/>'])}
         <endEvent id="e"/><boundaryEvent id="b" attachedToRef="t"><errorEventDefinition errorRef="x"/></boundaryEvent>
         <endEvent id="taken"/>${chain('s', 't', 'e')}${chain('b', 'taken')}`,
        { key: 'refused', roots: '<error id="x" errorCode="TAKEN"/>' },
      ),
    });
    const taken = await ended(node, await start('refused'));
    expect(taken.log?.map((line) => line.elementId)).toContain('taken');
    await deploy('broken', `${request('t', 'party', '/broken', [])}${chain('s', 't', 'e')}`);
    const id = await start('broken');
    const incident = await incidentOf(id);
    expect(incident.message).toBe('the connection party answered 400: Malformed: no name');
    answers['/broken'] = () => [200, {}];
    await adminOf(node).retryIncident({ params: { incidentId: incident.id }, body: {} });
    expect((await ended(node, id)).state).toBe('completed');
    expect(new Set(at('/broken').map((one) => one.headers['idempotency-key'])).size).toBe(1);
  });

  it('is not made without a connection, with a method it does not allow, or to a place that is not allowed', async () => {
    const { body } = await deploy('nowhere', `${request('t', 'nowhere', '/x', [])}${chain('s', 't', 'e')}`);
    expect(body.missingConnections).toEqual(['nowhere']);
    const id = await start('nowhere');
    expect((await incidentOf(id)).message).toBe('there is no connection nowhere');
    // Another application's connection is none.
    await connect('nowhere', { authentication: { kind: 'none' } }, null, 'TEST/GOV/MOH/vaccination');
    const retry = async () => {
      const incident = await incidentOf(id);
      await adminOf(node).retryIncident({ params: { incidentId: incident.id }, body: {} });
      const messages = async () =>
        (await adminOf(node).listIncidents({ query: { instanceId: id } })).body.incidents
          .filter((one) => one.id !== incident.id)
          .map((one) => one.message);
      await expect.poll(messages).toHaveLength(1);
      return (await messages())[0];
    };
    expect(await retry()).toBe('there is no connection nowhere');
    await connect('nowhere', { methods: ['GET'] });
    expect(await retry()).toBe('the connection nowhere does not allow POST');
    for (const host of ['https://10.1.2.3', 'https://169.254.169.254/latest', 'https://[fd00::1]']) {
      await connect('nowhere', { baseUrl: host });
      expect(await retry()).toBe('the connection nowhere leads to a place that is not allowed');
    }
    expect(at('/x')).toEqual([]);
  });

  it('is not led elsewhere, takes no endless answer, and is over in time', async () => {
    answers['/moved'] = () => [302, undefined, { location: `${base}/elsewhere` }];
    answers['/endless'] = () => [200, 'x'.repeat(50_000)];
    answers['/silent'] = () => 'silent';
    await connect('party', { timeoutMs: 250 });
    for (const [path, message] of [
      ['/moved', /answered 302/],
      ['/endless', /more than 20000 bytes/],
      ['/silent', /the connection party: no answer in time/],
    ] as const) {
      const key = path.slice(1);
      await deploy(key, `${request('t', 'party', path, [])}${chain('s', 't', 'e')}`);
      expect((await incidentOf(await start(key))).message).toMatch(message);
    }
    expect(at('/elsewhere')).toEqual([]);
  });

  it('goes to nobody whose certificate is not known', async () => {
    const { certificate: cert, key } = selfSigned('localhost');
    let reached = 0;
    const https = createSecureServer({ cert, key }, (_request, response) => {
      reached += 1;
      response.end();
    });
    const smtps = new SMTPServer({
      cert,
      key,
      secure: true,
      authOptional: true,
      onConnect: (_session, done) => {
        reached += 1;
        done();
      },
    });
    smtps.on('error', () => undefined);
    const portOf = (server: Pick<Server, 'listen'>): Promise<number> =>
      new Promise((resolve) => {
        const listening = server.listen(0, '127.0.0.1', () =>
          resolve((listening.address() as AddressInfo).port),
        );
      });
    const [web, post] = [await portOf(https), await portOf(smtps as never)];
    try {
      await connect('party', { baseUrl: `https://localhost:${web}` });
      await deploy('web', `${request('t', 'party', '/x', [])}${chain('s', 't', 'e')}`);
      expect((await incidentOf(await start('web'))).message).toBe(
        'the connection party: no answer (DEPTH_ZERO_SELF_SIGNED_CERT)',
      );
      const mail = { kind: 'smtp', host: 'localhost', port: post, tls: 'implicit', from: 'a@msp.example' };
      const none = { baseUrl: undefined, authentication: undefined, methods: undefined };
      await connect('letters', { ...mail, ...none }, null);
      await deploy(
        'letter',
        `${el('sendTask', 't', { 'govstack:connection': 'letters', 'govstack:send': 'mail' }, extensions(input('to', 'b@msp.example'), input('subject', 'x')))}${chain('s', 't', 'e')}`,
      );
      expect((await incidentOf(await start('letter'))).message).toMatch(/^the connection letters: no answer/);
      expect(reached).toBe(0);
    } finally {
      https.close();
      await new Promise<void>((resolve) => smtps.close(resolve));
    }
  });

  it('is an incident at once when no attempt can be better', async () => {
    answers['/deep'] = () => [200, JSON.parse(`${'['.repeat(3000)}${']'.repeat(3000)}`)];
    answers['/half'] = () => [200, { a: '\ud800' }];
    answers['/long-token'] = () => [200, { access_token: 'x'.repeat(70_000) }];
    await connect('party');
    await connect('tokens', {
      authentication: { kind: 'oauth2', tokenUrl: `${base}/long-token`, clientId: 'msp' },
    });
    for (const [key, connection, mappings, message] of [
      ['deep', 'party', [], /cannot be stored, or is nested too deeply/],
      ['half', 'party', [], /cannot be stored/],
      ['worded', 'party', [input('header.x-name', '= line')], /has a header it cannot have/],
      ['tokens', 'tokens', [], /more than 65536 bytes/],
    ] as const) {
      await deploy(key, `${request('t', connection, `/${key}`, [...mappings])}${chain('s', 't', 'e')}`);
      expect((await incidentOf(await start(key, { line: 'a\r\nX-Other: b' }))).message).toMatch(message);
      expect(at(`/${key}`).length).toBeLessThan(2);
    }
  });

  it('leaves room for those of others, however many are not answered', async () => {
    let release = (_: Answer): void => undefined;
    const held = new Promise<Answer>((resolve) => {
      release = resolve;
    });
    answers['/held'] = () => held;
    answers['/quick'] = () => [200, {}];
    const other = 'TEST/GOV/MOH/vaccination';
    await connect('party');
    await connect('party', {}, 'connection-secret', other);
    await deploy('held', `${request('t', 'party', '/held', [])}${chain('s', 't', 'e')}`);
    const started = await Promise.all(Array.from({ length: 50 }, () => start('held')));
    await expect.poll(() => at('/held').length).toBe(16);
    const { body: quick } = await apiOf(node, other).addProcess({
      body: definition(
        `<startEvent id="s"/>${request('t', 'party', '/quick', [])}<endEvent id="e"/>${chain('s', 't', 'e')}`,
        { key: 'quick' },
      ),
    });
    const { body } = await apiOf(node, other).start({ params: { processId: quick.id }, body: {} });
    const state = async () =>
      (await apiOf(node, other).getInstance({ params: { instanceId: body.id } })).body.state;
    await expect.poll(state).toBe('completed');
    expect(at('/held').length).toBe(16);
    release([200, {}]);
    for (const id of started) expect((await ended(node, id)).state).toBe('completed');
    expect(new Set(at('/held').map((one) => one.headers['idempotency-key'])).size).toBe(50);
    expect(at('/held')).toHaveLength(50);
  });

  it('keeps to the rate of its connection across jobs, and goes on when there is more room', async () => {
    answers['/slow'] = () => [200, {}];
    await connect('slow', { perMinute: 1 });
    await deploy('slow', `${request('t', 'slow', '/slow', [])}${chain('s', 't', 'e')}`);
    const ids = await Promise.all([1, 2, 3].map(() => start('slow')));
    const waiting = () =>
      sql<{ ms: number }>`
        select extract(epoch from due_at - now())::float8 * 1000 as ms
        from job
        where admitted`.execute(node.database('workflow'));
    await expect.poll(async () => (await waiting()).rows).toHaveLength(2);
    expect(at('/slow')).toHaveLength(1);
    const [first, second] = (await waiting()).rows.map((row) => row.ms).sort((a, b) => a - b);
    expect(first).toBeGreaterThan(55_000);
    expect(second).toBeGreaterThan(115_000);
    await connect('slow', { perMinute: 10_000 });
    for (const id of ids) expect((await ended(node, id)).state).toBe('completed');
    expect(at('/slow')).toHaveLength(3);
  });

  it('shows what the connection says: basic, a header, or an access token that it fetches again', async () => {
    let tokens = 0;
    answers['/token'] = () => [
      200,
      { access_token: `token-${++tokens}`, token_type: 'Bearer', expires_in: 3600 },
    ];
    answers['/private'] = ({ headers }) =>
      headers.authorization === 'Bearer token-1' && at('/private').length > 1 ? [401, {}] : [200, {}];
    answers['/basic'] = () => [200, {}];
    await connect('basic', { authentication: { kind: 'basic', user: 'msp' } });
    await connect('key', { authentication: { kind: 'header', name: 'X-Api-Key' } });
    await connect('oauth', {
      authentication: { kind: 'oauth2', tokenUrl: `${base}/token`, clientId: 'msp', scope: 'read' },
    });
    await deploy(
      'shown',
      `${request('a', 'basic', '/basic', [])}${request('b', 'key', '/basic', [])}${request('c', 'oauth', '/private', [])}
       ${request('d', 'oauth', '/private', [])}${chain('s', 'a', 'b', 'c', 'd', 'e')}`,
    );
    expect((await ended(node, await start('shown'))).state).toBe('completed');
    const credentials = Buffer.from('msp:connection-secret').toString('base64');
    expect(at('/basic').map(({ headers }) => headers.authorization ?? headers['x-api-key'])).toEqual([
      `Basic ${credentials}`,
      'connection-secret',
    ]);
    expect(at('/token')[0]).toMatchObject({
      headers: { authorization: `Basic ${credentials}` },
      body: 'grant_type=client_credentials&scope=read',
    });
    expect(at('/private').map(({ headers }) => headers.authorization)).toEqual([
      'Bearer token-1',
      'Bearer token-1',
      'Bearer token-2',
    ]);
  });
});

describe('connections', () => {
  it('keep their secret to themselves, also when the other side shows it', async () => {
    answers['/echo'] = ({ headers }) => [
      400,
      { title: headers.authorization },
      { 'x-echo': headers.authorization ?? '' },
    ];
    await connect('echo', {}, 'do-not-tell-anyone');
    await deploy(
      'echo',
      `${request('t', 'echo', '/echo', [output('= response', 'all')], { 'govstack:accepts': '400', 'govstack:resultVariable': 'r' })}${chain('s', 't', 'e')}`,
    );
    await ended(node, await start('echo'));
    expect(at('/echo')[0]?.headers.authorization).toBe('Bearer do-not-tell-anyone');
    await connect('echo', { authentication: { kind: 'basic', user: 'msp' } }, 'do-not-tell-anyone');
    await ended(node, await start('echo'));
    await connect('echo', {}, 'not-"this"-\\either');
    await ended(node, await start('echo'));
    const kept = await everythingKept();
    expect(kept).not.toContain('do-not-tell-anyone');
    expect(kept).not.toContain('-\\\\either');
    expect(kept).not.toContain(Buffer.from('msp:do-not-tell-anyone').toString('base64'));
    const { body } = await adminOf(node).listConnections({});
    expect(body.connections.find((one) => one.name === 'echo')).toMatchObject({
      application: owner,
      hasSecret: true,
    });
    expect(JSON.stringify(body)).not.toContain('do-not-tell-anyone');
  });

  it('ask for the secret again where another would see it, and are refused where they cannot be right', async () => {
    await connect('kept', {}, 'first-secret');
    await connect('kept', { baseUrl: `${base}/other`, perMinute: 100 }, null);
    const refused = async (settings: Record<string, unknown>, secret: string | null = 'new-secret') =>
      expect(connect('kept', settings, secret)).rejects.toMatchObject({ status: 422 });
    await refused({ baseUrl: 'https://elsewhere.example' }, null);
    await refused({ baseUrl: 'http://elsewhere.example' });
    await refused({ baseUrl: 'https://user:password@elsewhere.example' });
    await refused({ headers: { Host: 'x' } });
    await expect(connect('kept', { methods: ['TRACE'] })).rejects.toMatchObject({ status: 400 });
    const { entries } = (await adminOf(node).getConnectionLog({ params: { name: 'kept' } })).body;
    expect(entries.map((one) => [one.action, one.actor, one.secretChanged])).toEqual([
      ['set', owner, false],
      ['set', owner, true],
    ]);
  });

  it('belong to an application: others do not see them, supervisors of its agency define them', async () => {
    const other = 'TEST/GOV/MOH/vaccination';
    const listed = async (as: string, person?: string) =>
      (
        await adminOf(node, as).listConnections(person === undefined ? {} : { personToken: person })
      ).body.connections.filter((one) => one.application === owner);
    expect(await listed(other)).toEqual([]);
    const body = {
      application: owner,
      settings: {
        kind: 'http' as const,
        baseUrl: base,
        authentication: { kind: 'none' as const },
        methods: ['GET' as const],
      },
    };
    const params = { name: 'supervised' };
    await expect(adminOf(node, other).putConnection({ params, body })).rejects.toMatchObject({
      status: 403,
    });
    const personToken = await node.token({
      id: 'boss',
      roles: ['administrator'],
      agency: 'TEST/GOV/MSP',
    });
    const { body: made } = await adminOf(node, 'TEST/GOV/DGA/portal').putConnection({
      params,
      body,
      personToken,
    });
    expect(made).toMatchObject({ application: owner, changedBy: 'boss', hasSecret: false });
    expect((await listed('TEST/GOV/DGA/portal', personToken)).length).toBeGreaterThan(1);
    await adminOf(node).removeConnection({ params, body: { reason: 'no longer used' } });
    await expect(adminOf(node).removeConnection({ params, body: {} })).rejects.toMatchObject({
      status: 404,
    });
    const { entries } = (await adminOf(node).getConnectionLog({ params, query: {} })).body;
    expect(entries.map((one) => [one.action, one.actor, one.reason])).toEqual([
      ['removed', owner, 'no longer used'],
      ['set', 'boss', null],
    ]);
  });
});

describe('messages to people', () => {
  const mail = (id: string, connection: string, more: string[] = []): string =>
    el(
      'sendTask',
      id,
      { 'govstack:connection': connection, 'govstack:send': 'mail' },
      extensions(
        input('to', '= address'),
        input('subject', '= "Case " + process.businessKey'),
        input('text', 'Your voucher is ready.'),
        output('= response.body.messageId', 'sent'),
        ...more,
      ),
    );

  it('[WF-6.2-k] go out by mail and SMS over gateways that are connected, repeats being recognisable', async () => {
    const texts: Received[] = [];
    answers['/sms/messages'] = (one) => {
      texts.push(one);
      return texts.length === 1 ? [503, {}] : [202, { id: 'sms-1', segments: 1 }];
    };
    await connect('post', smtpSettings(), 'mail-password');
    await connect('telecom', { kind: 'sms', baseUrl: `${base}/sms`, methods: undefined }, 'sms-key');
    mailFailures = [451];
    await deploy(
      'informed',
      `${mail('m', 'post')}
       ${el('sendTask', 'sms', { 'govstack:connection': 'telecom', 'govstack:send': 'sms' }, extensions(input('to', '+38761000111'), input('text', 'Ready'), output('= response.body.id', 'text')))}
       ${chain('s', 'm', 'sms', 'e')}`,
    );
    const { body } = await apiOf(node).start({
      params: { processId: 'informed' },
      body: { businessKey: '12', variables: { address: 'ada@example.org' } },
    });
    const instance = await ended(node, body.id);
    expect(mails).toHaveLength(2);
    const [first, second] = mails;
    expect(second).toMatchObject({ subject: 'Case 12', text: 'Your voucher is ready.\n' });
    expect(second?.from?.text).toContain('case@msp.example');
    expect(first?.messageId).toBe(second?.messageId);
    expect(instance.variables).toMatchObject({ sent: second?.messageId, text: 'sms-1' });
    expect(texts.map((one) => one.body)).toEqual([
      { to: '+38761000111', text: 'Ready', reference: expect.any(String) },
      { to: '+38761000111', text: 'Ready', reference: expect.any(String) },
    ]);
    expect(new Set(texts.map((one) => (one.body as { reference: string }).reference)).size).toBe(1);
    expect(texts[0]?.headers.authorization).toBe('Bearer sms-key');
  });

  it('name one recipient each, and what the server refuses is an error of the process', async () => {
    await connect('post', smtpSettings(), 'mail-password');
    await apiOf(node).addProcess({
      body: definition(
        `<startEvent id="s"/>${mail('m', 'post', ['<govstack:error status="550" code="UNKNOWN"/>'])}<endEvent id="e"/>
         <boundaryEvent id="b" attachedToRef="m"><errorEventDefinition errorRef="x"/></boundaryEvent>
         <endEvent id="unknown"/>${chain('s', 'm', 'e')}${chain('b', 'unknown')}`,
        { key: 'addressed', roots: '<error id="x" errorCode="UNKNOWN"/>' },
      ),
    });
    const instance = await ended(node, await start('addressed', { address: 'nobody@example.org' }));
    expect(instance.log?.map((line) => line.elementId)).toContain('unknown');
    const before = mails.length;
    for (const address of ['a@example.org, b@example.org', 'a@example.org\r\nBcc: b@example.org', 'Ada']) {
      const id = await start('addressed', { address });
      expect((await incidentOf(id)).message).toBe('to is not an address of mail');
    }
    expect(mails).toHaveLength(before);
    await connect('post', smtpSettings(), 'wrong-password');
    const id = await start('addressed', { address: 'ada@example.org' });
    expect((await incidentOf(id)).message).toBe('the connection post answered 535');
  });

  const smtpSettings = () => ({
    kind: 'smtp',
    host: 'localhost',
    port: smtpPort,
    tls: 'none',
    user: 'msp',
    from: 'Cash transfer <case@msp.example>',
    baseUrl: undefined,
    authentication: undefined,
    methods: undefined,
  });
});

describe('scripts', () => {
  it('[WF-6.1-e] run beside the node: an endless one is an incident, whose retry runs the revision of then', async () => {
    await deploy('endless-script', `${javaScript('t', 'for (;;) {}', 'r')}${chain('s', 't', 'e')}`);
    const { body: known } = await apiOf(node).getProcess({ params: { processId: 'endless-script' } });
    const id = await start('endless-script');
    await deploy(
      'translate',
      `${javaScript('t', 'return { name: [first, last].join(" ") }', 'r')}${chain('s', 't', 'e')}`,
    );
    const other = await ended(node, await start('translate', { first: 'Ada', last: 'Lovelace' }));
    expect(other.variables).toMatchObject({ r: { name: 'Ada Lovelace' } });
    const incident = await incidentOf(id);
    expect(incident.message).toBe('the script took longer than 400 ms');
    const { body: repaired } = await deploy(
      'endless-script',
      `${javaScript('t', 'return 1', 'r')}${chain('s', 't', 'e')}`,
    );
    await adminOf(node).migrateInstances({
      params: { processId: known.id },
      body: { to: repaired.id, reason: 'The script never ended' },
    });
    await adminOf(node).retryIncident({ params: { incidentId: incident.id }, body: {} });
    expect((await ended(node, id)).variables).toMatchObject({ r: 1 });
  });
});

describe('whoever starts an instance', () => {
  const startTold = (processId: string, callbackUrl: string, key?: string) =>
    apiOf(node).start({
      params: { processId },
      body: { callbackUrl },
      ...(key === undefined ? {} : { idempotencyKey: key }),
    });

  it('is told its states in order and at least once, over a connection of the owner', async () => {
    const told: Received[] = [];
    answers['/hooks/case'] = (one) => {
      told.push(one);
      return told.length === 1 ? [500, {}] : [204];
    };
    await connect('hooks', { baseUrl: `${base}/hooks` });
    await deploy('told', `${el('userTask', 'u')}${chain('s', 'u', 'e')}`);
    const { body } = await startTold('told', `${base}/hooks/case?of=1`, 'told-1');
    const again = await startTold('told', `${base}/hooks/case?of=1`, 'told-1');
    expect(again.body.id).toBe(body.id);
    const params = { instanceId: body.id };
    await adminOf(node).suspendInstance({ params, body: {} });
    await adminOf(node).resumeInstance({ params, body: {} });
    await apiOf(node).stop({ params });
    const states = () => told.map((one) => (one.body as { state: string }).state);
    await expect.poll(states).toEqual(['suspended', 'suspended', 'running', 'stopped']);
    const [first, second] = told;
    expect(first?.body).toEqual(second?.body);
    expect(first).toMatchObject({
      method: 'POST',
      url: '/hooks/case?of=1',
      headers: {
        authorization: 'Bearer connection-secret',
        'idempotency-key': (first?.body as { id: string }).id,
      },
      body: { instanceId: body.id, processKey: 'told', suspended: true, ended: false },
    });
    await expect.poll(async () => (await adminOf(node).listNotices({})).body.notices).toEqual([]);
  });

  it('is told nowhere else, and what is not taken waits for an operator', async () => {
    await deploy('told-once', chain('s', 'e'));
    for (const address of [`${base.replace('localhost', '127.0.0.1')}/x`, 'https://elsewhere.example/x', 'x'])
      await expect(startTold('told-once', address)).rejects.toMatchObject({ status: 422 });
    await connect('read-only', { baseUrl: `${base}/read-only`, methods: ['GET'] });
    await connect('down', { baseUrl: `${base}/down` });
    answers['/down/x'] = () => [503, {}];
    await startTold('told-once', `${base}/down/x`);
    const givenUp = async () => (await adminOf(node).listNotices({ query: { givenUp: true } })).body.notices;
    await expect.poll(givenUp).toHaveLength(1);
    const [notice] = await givenUp();
    expect(notice).toMatchObject({
      connection: 'down',
      state: 'completed',
      attempts: 3,
      refusal: 'answered 503',
      next: null,
    });
    answers['/down/x'] = () => [200, {}];
    const other = adminOf(node, 'TEST/GOV/MOH/vaccination');
    const params = { noticeId: notice?.id ?? '' };
    await expect(other.sendNotice({ params })).rejects.toMatchObject({ status: 404 });
    await adminOf(node).sendNotice({ params });
    await expect.poll(givenUp).toEqual([]);
    await expect.poll(() => at('/down/x')).toHaveLength(4);
    expect(new Set(at('/down/x').map((one) => one.headers['idempotency-key'])).size).toBe(1);
  });
});

it("[WF-10-b] a scheduler's alert starts a process: by an event it announced, or by an API call, once each", async () => {
  const scheduler = 'TEST/GOV/DGA/scheduler';
  await apiOf(node).addProcess({
    body: definition(
      `<startEvent id="s">${extensions(output('= message.programme', 'programme'))}<messageEventDefinition messageRef="m"/></startEvent>
       <startEvent id="by-hand"/><userTask id="u"/><endEvent id="e"/>${chain('s', 'u', 'e')}${chain('by-hand', 'u')}`,
      { key: 'payday', roots: '<message id="m" name="scheduler.alert.v1"/>' },
    ),
  });
  const events = createClient(
    eventsSurface,
    { client: scheduler, service: `${owner}/events-v1` },
    async (one) => {
      const caller = {
        application: scheduler,
        service: `${owner}/events-v1`,
        operator: undefined,
        exchangeId: 'test',
      };
      const answer = await node.localProviders.dispatch('workflow', 'events-v1', one, caller);
      if (!answer) throw new Error('the block is not mounted');
      return answer;
    },
  );
  const alert = {
    specversion: '1.0' as const,
    id: newId(),
    source: scheduler,
    type: 'scheduler.alert.v1',
    subject: 'payday-2026-12',
    time: '2026-12-01T06:00:00Z',
    datacontenttype: 'application/json' as const,
    correlationid: newId(),
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    data: { programme: 'cash' },
  };
  for (const _ of [1, 2]) await events.receiveEvent({ body: alert });
  const byCall = { params: { processId: 'payday' }, body: { businessKey: 'by-call' } };
  for (const _ of [1, 2]) await apiOf(node).start({ ...byCall, idempotencyKey: 'alert-2' });
  const { body } = await apiOf(node).getInstances({ query: { processId: 'payday' } });
  expect(body.map((one) => one.businessKey).sort()).toEqual(['by-call', 'payday-2026-12']);
});

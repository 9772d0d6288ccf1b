import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mediatorLog } from '../src/api/operations.ts';
import {
  consumer,
  echoService,
  engine,
  governance,
  grant,
  type Instance,
  own,
  refusal,
  startInstance,
} from './fixtures/instance.ts';

const other = 'T/GOV/DGA/other';
let instance: Instance;

const logAs = (application: string) =>
  instance.node.client(mediatorLog, { as: application, service: `${own}/${mediatorLog.name}` });

interface Call {
  readonly client?: string;
  readonly operator?: string;
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  readonly signal?: AbortSignal;
}

/** One exchange; answers its id in the log. */
async function call({
  client = consumer,
  operator,
  path = '/say/it',
  method = 'POST',
  headers = {},
  body,
  signal,
}: Call) {
  const answer = await instance.node.mediator.exchange({
    client,
    ...(operator === undefined ? {} : { operator }),
    service: echoService,
    method,
    path,
    headers: { 'content-type': 'application/json', ...headers },
    body: body ?? '{"text":"hello"}',
    ...(signal ? { signal } : {}),
  });
  return answer.headers['x-road-request-id'] ?? '';
}

const found = async (query: Record<string, unknown>, as = governance): Promise<string[]> =>
  (await logAs(as).searchExchanges({ query })).body.items.map(({ exchangeId }) => exchangeId);

const ids: Record<string, string> = {};

beforeAll(async () => {
  instance = await startInstance({
    settings: {
      masking: {
        headers: ['X-Secret'],
        query: ['nin'],
        pointers: ['/person/nin', '/items/*/nin', '/**/pin'],
      },
    },
  });
  await grant(instance);
  await instance.admin.putApplication({ params: { application: other }, body: { name: 'Other' } });
  for (const subject of [other, engine])
    await instance.admin.putRight({
      params: { service: `${own}/${mediatorLog.name}`, subject },
      body: {},
    });
  ids.first = await call({ headers: { 'x-road-id': 'message-one' } });
  ids.notValid = await call({ body: '{}' });
  ids.elsewhere = await call({ path: '/nowhere/at/all', method: 'GET' });
  ids.refused = await call({ client: other });
  ids.operated = await call({ operator: engine });
});
afterAll(() => instance.node.stop());

describe('searching the log', () => {
  it('[IM-8.4-a] [IM-8.5-a] finds exchanges by whatever is known of them, the newest first', async () => {
    const { first, notValid, elsewhere, refused, operated } = ids;
    const service = { service: echoService };
    expect(await found(service)).toEqual([operated, refused, elsewhere, notValid, first]);
    expect(await found({ client: consumer })).toEqual([operated, elsewhere, notValid, first]);
    expect(await found({ client: other, ...service })).toEqual([refused]);
    expect(await found({ member: 'T/GOV/MOH', ...service })).toHaveLength(5);
    expect(await found({ member: 'T/GOV/MSP' })).toEqual([operated, elsewhere, notValid, first]);
    expect(await found({ member: 'T/GOV/DGA', ...service })).toEqual([operated, refused]);
    expect(await found({ ...service, status: '2xx' })).toEqual([operated, first]);
    expect(await found({ ...service, status: '4xx' })).toEqual([refused, elsewhere, notValid]);
    expect(await found({ ...service, status: '5xx' })).toEqual([]);
    expect(await found({ ...service, error: 'Server.ServerProxy.AccessDenied' })).toEqual([refused]);
    expect(await found({ ...service, error: 'Server.ServerProxy' })).toEqual([refused]);
    expect(await found({ ...service, error: 'Server.ServerPro' })).toEqual([]);
    expect(await found({ ...service, method: 'GET' })).toEqual([elsewhere]);
    expect(await found({ ...service, pathPrefix: '/nowhere/' })).toEqual([elsewhere]);
    expect(await found({ messageId: 'message-one' })).toEqual([first]);
    const { at } = (await logAs(governance).getExchange({ params: { exchangeId: elsewhere as string } }))
      .body;
    expect(await found({ ...service, from: at })).toEqual([operated, refused, elsewhere]);
    expect(await found({ ...service, to: at })).toEqual([notValid, first]);
    expect(await found({ ...service, status: '4xx', to: at })).toEqual([notValid]);
  });

  it('[IM-4.4-a] [IM-6.6-d] every request and every decision about it is there, with id, status, source and time', async () => {
    const { items } = (await logAs(governance).searchExchanges({ query: { service: echoService } })).body;
    const one = (id: string | undefined) => items.find(({ exchangeId }) => exchangeId === id);
    expect(one(ids.first)).toMatchObject({
      messageId: 'message-one',
      status: 200,
      client: consumer,
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      right: '* **',
      error: null,
      verified: true,
    });
    expect(one(ids.refused)).toMatchObject({
      client: other,
      status: 403,
      right: null,
      error: 'Server.ServerProxy.AccessDenied',
    });
    expect(one(ids.operated)).toMatchObject({ client: consumer, operator: engine });
  });

  it('finds an exchange that got no answer', async () => {
    const gaveUp = new AbortController();
    const left = call({ path: '/wait', method: 'GET', signal: gaveUp.signal });
    await expect.poll(() => instance.record.waiting).toBe(1);
    const unanswered = await found({ service: echoService, status: 'none' });
    gaveUp.abort();
    expect(unanswered).toEqual([await left]);
    expect(await found({ service: echoService, status: 'none' })).toEqual([]);
  });

  it('[IM-6.7-d] shows an application what it took part in, and an auditor their agency’s', async () => {
    expect(await found({ service: echoService }, other)).toEqual([ids.refused]);
    expect(await found({ status: '4xx' }, other)).toEqual([ids.refused]);
    expect(await found({ status: '2xx' }, engine)).toContain(ids.operated);
    expect(await found({ service: echoService, status: '2xx' }, engine)).toEqual([ids.operated]);
    expect(await found({ client: consumer, service: echoService, status: '2xx' }, other)).toEqual([]);
    const as = (agency: string, roles: string[]) => async (query: Record<string, unknown>) =>
      (
        await logAs(other).searchExchanges({
          query,
          personToken: await instance.node.token({ id: 'p', roles, agency }),
        })
      ).body.items.map(({ client }) => client);
    const ofConsumer = as('T/GOV/MSP', ['auditor']);
    expect(new Set(await ofConsumer({}))).toEqual(new Set([consumer]));
    expect(await ofConsumer({ client: other })).toEqual([]);
    expect((await refusal(as('T/GOV/MSP', ['clerk'])({}))).status).toBe(403);
  });

  it('gives pages that neither repeat nor leave out', async () => {
    const all = await found({ service: echoService });
    for (const pageSize of [1, 2, 4]) {
      const seen: string[] = [];
      for (let pageToken: string | undefined; ; ) {
        const { body } = await logAs(governance).searchExchanges({
          query: { service: echoService, pageSize, ...(pageToken ? { pageToken } : {}) },
        });
        expect(body.items.length).toBeLessThanOrEqual(pageSize);
        seen.push(...body.items.map(({ exchangeId }) => exchangeId));
        pageToken = body.nextPageToken;
        if (pageToken === undefined) break;
      }
      expect(seen).toEqual(all);
    }
    for (const pageToken of ['AAAA', Buffer.from('2020-01-01T00:00:00Z 1 2').toString('base64url')])
      expect((await refusal(found({ pageToken }))).status).toBe(400);
  });

  it('[IM-8.4-a] goes by an index whatever it looks for', async () => {
    // Rows as many others would have left them; the planner knows how many.
    await sql`
      insert into message_log (seq, exchange_id, kind, at, message_id, client, service, method, path, correlation_id,
        trace_id, status, head_digest, body_size, verified, hash)
      select 1000000 + n, md5(n::text)::uuid, 'request', now() - make_interval(secs => 100000 - n), 'm' || n,
        'T/GOV/M' || n % 50 || '/a' || n % 200, 'T/GOV/P' || n % 30 || '/b/c', 'GET', '/', '', '', null, '', 0, true, ''
      from generate_series(1, 30000) n`.execute(instance.db);
    await sql`analyze message_log`.execute(instance.db);
    const plans = await Promise.all(
      [
        `client = '${other}'`,
        `service = '${echoService}'`,
        `substring(client from '^[^/]*/[^/]*/[^/]*') = 'T/GOV/MSP'`,
        `substring(service from '^[^/]*/[^/]*/[^/]*') = 'T/GOV/MOH'`,
        `operator is not null and substring(operator from '^[^/]*/[^/]*/[^/]*') = 'T/GOV/DGA'`,
        `message_id = 'message-one'`,
      ].map(async (entrance) => {
        const { rows } = await sql<{ 'QUERY PLAN': string }>`
          explain select at, seq, exchange_id from message_log found
          where ${sql.raw(entrance)} and kind = 'request'
          order by at desc, seq desc limit 50`.execute(instance.db);
        return rows.map((row) => row['QUERY PLAN']).join('\n');
      }),
    );
    for (const plan of plans) {
      expect(plan).toMatch(/Index Scan.* (using|on) message_log_(client|service|operator|message_id)/);
      expect(plan).not.toContain('Seq Scan');
    }
    expect(await found({ client: other, service: echoService })).toEqual([ids.refused]);
  });
});

describe('reading contents', () => {
  const auditor = async (agency: string, roles = ['auditor']) =>
    instance.node.token({ id: 'officer-1', roles, agency });
  const read = async (
    exchangeId: string,
    agency = 'T/GOV/MSP',
    input: Record<string, unknown> = {},
    roles?: string[],
  ) =>
    (
      await logAs(other).getMessageContents({
        params: { exchangeId },
        body: { message: 'request', reason: 'complaint 17/2026', ...input } as never,
        personToken: await auditor(agency, roles),
      })
    ).body;

  it('[IM-8.4-a] is for auditors of an agency that took part, who say why, and leaves a record', async () => {
    const body = '{"text":"what was said"}';
    const id = await call({
      body,
      headers: { 'x-secret': 's3cret', 'x-open': 'seen', authorization: 'Bearer abc' },
    });
    const message = await read(id);
    expect(message).toMatchObject({
      firstLine: `POST /r1/${echoService}/say/it`,
      bodySize: body.length,
      encoding: 'utf-8',
      body,
      withheld: null,
      intact: true,
    });
    expect(message.headers).toContainEqual({ name: 'x-open', value: 'seen' });
    const answer = await read(id, 'T/GOV/MOH', { message: 'response' });
    expect(answer).toMatchObject({ firstLine: '200', intact: true });
    expect(answer.body).toContain('what was said');
    const { items } = (
      await logAs(other).listContentsReadings({
        params: { exchangeId: id },
        query: {},
        personToken: await auditor('T/GOV/MOH'),
      })
    ).body;
    const record = { reader: 'officer-1', application: other, reason: 'complaint 17/2026' };
    expect(items).toMatchObject([
      { ...record, message: 'request', agency: 'T/GOV/MSP' },
      { ...record, message: 'response', agency: 'T/GOV/MOH' },
    ]);
  });

  it('is refused to anybody else, and then leaves no record of a reading', async () => {
    const id = await call({});
    const readings = async () =>
      (await instance.db.selectFrom('contents_reading').select('seq').where('exchange_id', '=', id).execute())
        .length;
    for (const [attempt, status] of [
      // Governing the instance is no right to what others said.
      [() => read(id, 'T/GOV/DGA'), 404],
      [() => read(id, 'T/GOV/MSP', {}, ['administrator']), 403],
      [() => read(id, 'T/GOV/MSP', { reason: 'why not' }), 400],
      [() => read(id, 'T/GOV/MSP', { reason: ' '.repeat(20) }), 400],
      [() => read(id, 'T/GOV/MSP', { message: 'both' }), 400],
      [
        () =>
          logAs(governance).getMessageContents({
            params: { exchangeId: id },
            body: { message: 'request', reason: 'complaint 17/2026' },
          }),
        401,
      ],
    ] as const)
      expect((await refusal(attempt())).status).toBe(status);
    expect(await readings()).toBe(0);
  });

  it('does not show what the settings mask: headers, parameters of the query, places in the body', async () => {
    const id = await call({
      path: '/say/it?nin=123456&page=2',
      headers: { 'x-secret': 'hidden' },
      body: JSON.stringify({
        text: 'open',
        person: { nin: '123456', name: 'open' },
        items: [{ nin: '234567', kept: 1 }, { nin: '345678' }],
        deep: { deeper: [{ pin: '4567', pine: 'open' }] },
        nin: 'not among the pointers',
      }),
    });
    const message = await read(id);
    expect(message.firstLine).toBe(`POST /r1/${echoService}/say/it?nin=[masked]&page=2`);
    expect(message.headers).toContainEqual({ name: 'x-secret', value: '[masked]' });
    expect(JSON.parse(message.body ?? '')).toEqual({
      text: 'open',
      person: { nin: '[masked]', name: 'open' },
      items: [{ nin: '[masked]', kept: 1 }, { nin: '[masked]' }],
      deep: { deeper: [{ pin: '[masked]', pine: 'open' }] },
      nin: 'not among the pointers',
    });
    expect(message.intact).toBe(true);
    expect(JSON.stringify(message)).not.toMatch(/123456|234567|345678|4567|hidden/);
  });

  it('withholds a body in which what is masked cannot be found', async () => {
    const id = await call({ headers: { 'content-type': 'text/plain' }, body: 'nin=123456' });
    expect(await read(id)).toMatchObject({ body: null, withheld: 'not-maskable', bodySize: 10 });
  });

  it('shows a body that is kept in parts, and says that a message has been erased', async () => {
    const text = 'x'.repeat(3_000_000);
    const id = await call({ body: JSON.stringify({ text }) });
    expect(await read(id)).toMatchObject({ body: JSON.stringify({ text }), intact: true });
    await sql`delete from message_content`.execute(instance.db);
    const failed = await refusal(read(id));
    expect([failed.status, failed.problem?.detail]).toEqual([404, expect.stringContaining('erased')]);
  });
});

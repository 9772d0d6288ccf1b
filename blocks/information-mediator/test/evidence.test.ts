import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mediatorLog } from '../src/api/operations.ts';
import { chainHash } from '../src/evidence/chain.ts';
import { toRecord } from '../src/evidence/verify-chain.ts';
import { echo } from './fixtures/echo-block.ts';
import {
  consumer,
  echoService,
  engine,
  governance,
  grant,
  type Instance,
  own,
  provider,
  refusal,
  startInstance,
  under,
} from './fixtures/instance.ts';

let instance: Instance;
beforeAll(async () => {
  instance = await startInstance();
  await grant(instance);
});
afterAll(() => instance.node.stop());

const exchangesUnder = async (correlationId: string) =>
  (await instance.log.listExchanges({ query: { correlationId } })).body.exchanges;

const verification = async () => (await instance.log.verifyChain({ query: { limit: 100_000 } })).body;

/** Changes the log behind its back, as somebody with the database in their hands could. */
const tamper = (change: string): Promise<unknown> =>
  instance.db.transaction().execute(async (trx) => {
    await sql`alter table message_log disable trigger user`.execute(trx);
    await sql.raw(change).execute(trx);
    await sql`alter table message_log enable trigger user`.execute(trx);
  });

describe('evidence', () => {
  it('[IM-4.4-a][IM-6.6-d] every exchange and every refusal is on record, with who, what, when and outcome', async () => {
    await under('case-1', () => instance.say('one', consumer, engine));
    await under('case-1', () =>
      refusal(instance.node.client(echo, { as: engine, service: echoService }).ring({ body: { id: '1' } })),
    );
    const [allowed, denied] = await exchangesUnder('case-1');
    expect(allowed).toMatchObject({
      client: consumer,
      operator: engine,
      service: echoService,
      method: 'POST',
      path: '/say/one',
      status: 200,
      error: null,
      right: '* **',
      correlationId: 'case-1',
      verified: true,
    });
    expect(denied).toMatchObject({
      client: engine,
      status: 403,
      error: 'Server.ServerProxy.AccessDenied',
      right: null,
      verified: true,
    });
  });

  it('an application that may not send leaves a record, which no member has signed', async () => {
    await under('case-unlisted', () => refusal(instance.say('x', consumer, provider)));
    const [exchange] = await exchangesUnder('case-unlisted');
    const evidence = (await instance.log.getExchange({ params: { exchangeId: exchange?.exchangeId ?? '' } }))
      .body;
    expect(evidence).toMatchObject({ operator: provider, status: 403, verified: false });
    expect(evidence.request.signer).toBeNull();
  });

  it('[IM-9.1-d] the request is signed by the member that asks, the response by the one that answers', async () => {
    const { body } = await instance.say('signed');
    const { exchangeId } = body;
    const evidence = (await instance.log.getExchange({ params: { exchangeId } })).body;
    expect(evidence.request).toMatchObject({
      signer: 'T/GOV/MSP',
      signatureHolds: true,
      verifiedOnReceipt: true,
    });
    expect(evidence.response).toMatchObject({
      signer: 'T/GOV/MOH',
      signatureHolds: true,
      verifiedOnReceipt: true,
    });
    expect(evidence.request.keyId).not.toBe(evidence.response?.keyId);
  });

  it('the request is on record, its signature checked, before the provider is called', async () => {
    let seen: unknown;
    instance.record.whenSaid = async (exchangeId) => {
      seen = await instance.db
        .selectFrom('message_log')
        .select(['kind', 'verified'])
        .where('exchange_id', '=', exchangeId)
        .execute();
    };
    await instance.say('looked at');
    instance.record.whenSaid = async () => {};
    expect(seen).toEqual([{ kind: 'request', verified: true }]);
  });

  it('without a record nothing is carried out, and others in the same batch are not harmed', async () => {
    await sql`alter table message_log add constraint unwritable check (path <> '/say/unwritable')`.execute(
      instance.db,
    );
    const others = Array.from({ length: 10 }, (_, index) => instance.say(`other-${index}`));
    const failed = await refusal(instance.say('unwritable'));
    expect(failed.mediatorError).toBe('Server.ClientProxy.LoggingFailed');
    expect(failed.status).toBe(503);
    expect(failed.temporary).toBe(true);
    expect(instance.record.said).not.toContain('unwritable');
    for (const { status } of await Promise.all(others)) expect(status).toBe(200);
    await sql`alter table message_log drop constraint unwritable`.execute(instance.db);
    expect((await instance.say('writable again')).status).toBe(200);
    expect((await verification()).broken).toBeNull();
  });

  it('neither credentials nor contents can be read from the log', async () => {
    const token = `secret-${randomUUID()}`;
    const { body } = await instance.echoAs().say({
      params: { what: 'private' },
      headers: { authorization: `Bearer ${token}` },
      body: { text: `secret-${token}` },
    });
    expect(body.headers.authorization).toBe(`Bearer ${token}`);
    const { rows } = await sql<{ text: string }>`
      select m::text || coalesce(encode(c.contents, 'escape'), '') as text
      from message_log m left join message_content c on c.seq = m.seq
      where exchange_id = ${body.exchangeId}`.execute(instance.db);
    expect(rows).toHaveLength(2);
    for (const { text } of rows) expect(text).not.toContain(token);
  });

  it('[CFR-ARC-13] correlation id and trace reach the provider, the log and the answer', async () => {
    const { body, headers } = await under('case-77', () => instance.say('context'));
    expect(body.headers['x-correlation-id']).toBe('case-77');
    expect(headers['x-correlation-id']).toBe('case-77');
    const [exchange] = await exchangesUnder('case-77');
    expect(body.headers.traceparent).toContain(exchange?.traceId);
    expect(headers['x-road-request-id']).toBe(exchange?.exchangeId);
  });
});

describe('the chain', () => {
  it('[IM-6.6-a] verifies from the first record to the last', async () => {
    await instance.say('for the chain');
    const report = await verification();
    expect(report.broken).toBeNull();
    expect(report.records).toBeGreaterThan(10);
    expect(report.signaturesVerified).toBeGreaterThan(report.records / 2);
    expect(BigInt(report.head) - BigInt(report.to)).toBeLessThan(2n);
    const part = (await instance.log.verifyChain({ query: { from: '3', to: '6' } })).body;
    expect(part).toMatchObject({ from: '3', to: '6', records: 4, broken: null });
  });

  it('refuses to be changed', async () => {
    await expect(sql`update message_log set status = 500`.execute(instance.db)).rejects.toThrow(
      'append-only',
    );
    await expect(sql`delete from message_log`.execute(instance.db)).rejects.toThrow('append-only');
    await expect(sql`truncate message_log`.execute(instance.db)).rejects.toThrow('append-only');
    await expect(sql`update message_content set contents = ''`.execute(instance.db)).rejects.toThrow(
      'append-only',
    );
  });

  it.each([
    ['a changed fact', "update message_log set path = path || 'x' where seq = 5", 'changed'],
    ['a changed outcome', 'update message_log set duration_ms = 999999 where seq = 6', 'changed'],
    ['a missing record', 'update message_log set seq = -5 where seq = 5', 'missing'],
  ])('[IM-6.6-a] shows %s that was forced', async (_what, change, reason) => {
    const { rows } = await sql<{ row: Record<string, unknown> }>`
      select to_jsonb(m) as row from message_log m where seq in (5, 6) order by seq`.execute(instance.db);
    await tamper(change);
    const { broken } = await verification();
    await tamper('delete from message_log where seq in (-5, 5, 6)');
    for (const { row } of rows)
      await tamper(
        `insert into message_log select (jsonb_populate_record(null::message_log, '${JSON.stringify(row)}')).*`,
      );
    expect(broken?.reason).toBe(reason);
    expect(['5', '6']).toContain(broken?.at);
    expect((await verification()).broken).toBeNull();
  });

  it('[IM-6.6-a] shows a forged signature even when the chain was recomputed around it', async () => {
    const { body } = await instance.say('to be forged');
    const { seq } = await instance.db
      .selectFrom('message_log')
      .select('seq')
      .where('exchange_id', '=', body.exchangeId)
      .where('kind', '=', 'response')
      .executeTakeFirstOrThrow();
    const row = await instance.db
      .selectFrom('message_log')
      .selectAll()
      .where('seq', '=', seq)
      .executeTakeFirstOrThrow();
    const before = await instance.db
      .selectFrom('message_log')
      .select('hash')
      .where('seq', '=', String(BigInt(seq) - 1n))
      .executeTakeFirstOrThrow();
    const signature = Buffer.from(row.signature as Buffer);
    signature[10] = (signature[10] as number) ^ 1;
    const hash = chainHash(before.hash, BigInt(seq), toRecord({ ...row, signature }));
    const put = (one: { signature: Buffer | null; hash: Buffer }) =>
      tamper(`update message_log set signature = '\\x${one.signature?.toString('hex')}',
        hash = '\\x${one.hash.toString('hex')}' where seq = ${seq}`);
    await put({ signature, hash });
    const evidence = (await instance.log.getExchange({ params: { exchangeId: body.exchangeId } })).body;
    const report = (await instance.log.verifyChain({ query: { to: seq, limit: 100_000 } })).body;
    await put(row);
    expect(evidence.response?.signatureHolds).toBe(false);
    expect(evidence.verified).toBe(false);
    expect(evidence.request.signatureHolds).toBe(true);
    expect(report.broken).toEqual({ at: seq, reason: 'signature' });
    expect((await verification()).broken).toBeNull();
  });

  it('two nodes on one database extend one chain, and neither loses an exchange', async () => {
    const other = await startInstance({ databasePrefix: instance.node.databasePrefix });
    const before = (await verification()).exchanges;
    try {
      const calls = [instance, other].flatMap((node) =>
        Array.from({ length: 60 }, () => under('race', () => node.say('race'))),
      );
      expect((await Promise.all(calls)).every(({ status }) => status === 200)).toBe(true);
    } finally {
      await other.node.stop();
    }
    const report = await verification();
    expect(report.broken).toBeNull();
    expect(report.exchanges - before).toBeGreaterThanOrEqual(120);
    const { exchanges } = (await instance.log.listExchanges({ query: { correlationId: 'race', limit: 500 } }))
      .body;
    expect(exchanges).toHaveLength(120);
    expect(exchanges.every(({ verified, status }) => verified && status === 200)).toBe(true);
  });

  it('shows that its end was cut off', async () => {
    const { body } = await instance.say('last');
    const { rows } = await sql<{ row: Record<string, unknown> }>`
      select to_jsonb(m) as row from message_log m where exchange_id = ${body.exchangeId}`.execute(
      instance.db,
    );
    await tamper(`delete from message_log where exchange_id = '${body.exchangeId}'`);
    const { broken } = await verification();
    for (const { row } of rows)
      await tamper(
        `insert into message_log select (jsonb_populate_record(null::message_log, '${JSON.stringify(row)}')).*`,
      );
    expect(broken?.reason).toBe('missing');
    expect((await verification()).broken).toBeNull();
  });
});

describe('who may read the log', () => {
  it('[IM-6.7-d] an application sees what it took part in, governance sees all', async () => {
    const service = `${own}/${mediatorLog.name}`;
    await instance.admin.putRight({ params: { service, subject: consumer }, body: {} });
    await instance.admin.putRight({ params: { service, subject: engine }, body: {} });
    await under('case-read', () => instance.say('read'));
    const as = (application: string) =>
      instance.node
        .client(mediatorLog, { as: application, service })
        .listExchanges({ query: { correlationId: 'case-read' } });
    expect((await as(governance)).body.exchanges).toHaveLength(1);
    const [own1] = (await as(consumer)).body.exchanges;
    expect(own1).toMatchObject({ path: '/say/read' });
    expect((await as(engine)).body.exchanges).toHaveLength(0);
    const exchangeId = own1?.exchangeId ?? '';
    const asEngine = instance.node.client(mediatorLog, { as: engine, service });
    expect((await refusal(asEngine.getExchange({ params: { exchangeId } }))).status).toBe(404);
    expect((await refusal(asEngine.verifyChain({ query: {} }))).status).toBe(403);
    expect((await refusal(asEngine.listTraffic({ query: {} }))).status).toBe(403);
  });

  it('[IM-6.7-d] a person sees their agency by role, and nothing without it', async () => {
    await under('case-person', () => instance.say('person'));
    const as = async (person: { roles: string[]; agency: string }) =>
      instance.log.listExchanges({
        query: { correlationId: 'case-person' },
        personToken: await instance.node.token({ id: 'p', ...person }),
      });
    expect((await as({ roles: ['auditor'], agency: 'T/GOV/MSP' })).body.exchanges).toHaveLength(1);
    expect((await as({ roles: ['auditor'], agency: 'T/GOV/DGA' })).body.exchanges).toHaveLength(1);
    expect((await as({ roles: ['auditor'], agency: 'T/GOV/NLA' })).body.exchanges).toHaveLength(0);
    expect((await refusal(as({ roles: ['officer'], agency: 'T/GOV/MSP' }))).status).toBe(403);
  });

  it('traffic is counted per service and outcome', async () => {
    const before = await traffic();
    await instance.say('counted');
    await refusal(instance.say('refused', consumer, provider));
    const after = await traffic();
    expect(after.answered - before.answered).toBe(1);
    expect(after.refused - before.refused).toBe(1);
  });

  const traffic = async () =>
    (await instance.log.listTraffic({ query: {} })).body.services.find(
      ({ service }) => service === echoService,
    ) ?? { answered: 0, refused: 0 };
});

import { createHash, randomUUID } from 'node:crypto';
import { callerSigner, callerTokenHeader } from '@govstack/platform';
import { CompactSign, exportJWK, flattenedVerify, generateKeyPair, importJWK, type JWK } from 'jose';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { g2p, paymentsAdmin, voucherAdmin, vouchers } from '../src/api/operations.ts';
import { surfaces } from '../src/api/surfaces.ts';
import {
  application,
  approver,
  brokenBooks,
  payees,
  programme,
  source,
  startTreasury,
  type Treasury,
} from './fixtures/treasury.ts';
import { voucherAdminOf } from './fixtures/vouchers.ts';

interface Pair {
  readonly privateKey: JWK;
  readonly publicKey: JWK;
}
const newPair = async (alg: string, kid: string): Promise<Pair> => {
  const pair = await generateKeyPair(alg, { extractable: true });
  return {
    privateKey: { ...(await exportJWK(pair.privateKey)), alg, kid },
    publicKey: { ...(await exportJWK(pair.publicKey)), alg, kid },
  };
};

let t: Treasury;
let url: string;
let token: string;
let tokenFor: (surface: string) => Promise<string>;
let own: Pair;
let rsa: Pair;
let stranger: Pair;
let payee: string;
const params = { sourceId: programme.sourceId };

beforeAll(async () => {
  own = await newPair('ES256', 'own');
  rsa = await newPair('RS256', 'rsa');
  stranger = await newPair('ES256', 'own');
  const mediator = await newPair('ES256', 'mediator');
  t = await startTreasury({}, { node: { mediatorKeys: [mediator.publicKey] } });
  url = await t.node.listen({ port: 0, all: 'payments' });
  tokenFor = (surface) => {
    const service = `${application}/${surface}`;
    const caller = { application: source, service, operator: undefined, exchangeId: 'x-1' };
    return callerSigner(mediator.privateKey)(caller, application);
  };
  token = await tokenFor(g2p.name);
  [payee = ''] = await payees(t.node, 1);
});
afterAll(() => t.stop());

const batches = async () => {
  const { rows } = await sql<{ count: string }>`select count(*) from batch`.execute(
    t.node.database('payments'),
  );
  return Number(rows[0]?.count);
};

const sign = async (
  text: string,
  more: { readonly key?: Pair; readonly protected?: object; readonly alg?: string } = {},
): Promise<string> => {
  const key = (more.key ?? own).privateKey;
  const jws = await new CompactSign(Buffer.from(text))
    .setProtectedHeader({
      alg: more.alg ?? (key.alg as string),
      iat: Math.floor(Date.now() / 1000),
      jti: randomUUID(),
      htm: 'POST',
      htu: '/batchtransactions',
      ...more.protected,
    } as never)
    .sign(await importJWK(key, key.alg));
  const [header, , signature] = jws.split('.');
  return `${header}..${signature}`;
};

let runs = 0;
const newRun = () => {
  runs += 1;
  const id = `signed-${runs}`;
  const text = JSON.stringify([
    {
      requestId: id,
      creditParty: [{ key: 'functionalId', value: payee }],
      amount: `${runs}.00`,
      currency: 'USD',
    },
  ]);
  return { id, text, headers: { 'x-correlationid': id } as Record<string, string> };
};
const post = async (
  path: string,
  body: string,
  headers: Record<string, string> = {},
  caller: string | undefined = token,
): Promise<{ status: number; text: string; headers: Headers }> => {
  const response = await fetch(`${url}/${g2p.name}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(caller === undefined ? {} : { [callerTokenHeader]: caller, 'x-road-request-id': 'x-1' }),
      ...headers,
    },
    body,
  });
  return { status: response.status, text: await response.text(), headers: response.headers };
};
const handOver = async (
  run: ReturnType<typeof newRun>,
  signature?: string,
  headers: Record<string, string> = {},
) =>
  (
    await post('/batchtransactions', run.text, {
      ...run.headers,
      ...(signature === undefined ? {} : { 'X-JWS-Signature': signature }),
      ...headers,
    })
  ).status;

describe('a source that must sign', () => {
  beforeAll(async () => {
    await t.admin.putRequestSigning({
      params,
      body: { required: true, keys: [own.publicKey, rsa.publicKey] as Record<string, unknown>[] },
    });
  });
  afterAll(async () => {
    await t.admin.putRequestSigning({ params, body: { required: false, keys: [] } });
  });

  it('[PAY-6.14-b][PAY-6.14-f] is taken at its word with either of its keys, and what it signed is kept', async () => {
    for (const key of [own, rsa]) {
      const run = newRun();
      const signature = await sign(run.text, { key, protected: { headers: run.headers } });
      expect(await handOver(run, signature)).toBe(202);
    }
  });

  it('[PAY-6.14-d] cannot deny what it sent: anybody can check it, nobody can change it', async () => {
    const run = newRun();
    expect(await handOver(run, await sign(run.text, { protected: { headers: run.headers } }))).toBe(202);
    const db = t.node.database('payments');
    const { rows } = await sql<{ key: JWK; protected: string; signature: string; exchange_id: string }>`
      select key, protected, signature, exchange_id from signed_request order by received_at desc limit 1`.execute(
      db,
    );
    const [kept] = rows;
    if (!kept) throw new Error('nothing was kept');
    const jws = { protected: kept.protected, signature: kept.signature };
    const verify = (text: string) =>
      flattenedVerify({ ...jws, payload: Buffer.from(text).toString('base64url') }, kept.key);
    await verify(run.text);
    await expect(verify(run.text.replace('"amount":"', '"amount":"9'))).rejects.toThrow();
    expect(kept.exchange_id).toBe('x-1');
    await expect(sql`delete from signed_request`.execute(db)).rejects.toThrow();
  });

  it('[PAY-6.14-f][PAY-5.3.1-b] has nothing done for it when the signature is missing, wrong, used or old', async () => {
    const before = await batches();
    const run = newRun();
    const about = { headers: run.headers };
    const good = await sign(run.text, { protected: about });
    const now = Math.floor(Date.now() / 1000);
    const [header = '', , mark = ''] = good.split('.');
    const signatures: (string | undefined)[] = [
      undefined,
      'nonsense',
      `${header}..${mark.slice(0, -4)}AAAA`,
      `${header}.${Buffer.from(run.text).toString('base64url')}.${mark}`,
      await sign(run.text.replace('USD', 'EUR'), { protected: about }),
      await sign(run.text, { protected: about, key: stranger }),
      await sign(run.text, { protected: { ...about, iat: now - 301 } }),
      await sign(run.text, { protected: { ...about, iat: now + 3600 } }),
      await sign(run.text, { protected: { ...about, iat: undefined } }),
      await sign(run.text, { protected: { ...about, jti: undefined } }),
      await sign(run.text, { protected: { ...about, htu: '/prepayment-validation' } }),
      await sign(run.text, { protected: { ...about, htm: 'PUT' } }),
      await sign(run.text),
      await sign(run.text, { protected: { headers: { 'x-correlationid': 'other' } } }),
    ];
    for (const [index, signature] of signatures.entries())
      expect([index, await handOver(run, signature)]).toEqual([index, 401]);
    expect(await handOver(run, good, { 'X-Program-Id': programme.programmeId })).toBe(401);
    expect(await batches()).toBe(before);
    expect(await handOver(run, good)).toBe(202);
    expect(await handOver(run, good)).toBe(401);
    const again = await sign(run.text, { protected: about });
    const repeated = await Promise.all([1, 2, 3, 4].map(() => handOver(run, again)));
    expect(repeated.sort()).toEqual([202, 401, 401, 401]);
    expect(await batches()).toBe(before + 1);
  });

  it('[PAY-6.14-f] signs registrations and validations as well', async () => {
    const beneficiaries = [{ payeeIdentity: 'signed', paymentModality: '00', financialAddress: '12345678' }];
    const credit = { instructionID: 'v-1', payeeFunctionalID: payee, amount: '1.00', currency: 'USD' };
    for (const [htu, message] of [
      ['/identityAccountMapper/beneficiary', { requestID: 's-1', beneficiaries }],
      ['/prepayment-validation', { requestID: 's-1', batchID: 's-1', creditInstructions: [credit] }],
    ] as const) {
      const text = JSON.stringify(message);
      expect((await post(htu, text)).status).toBe(401);
      const signed = { 'X-JWS-Signature': await sign(text, { protected: { htu } }) };
      expect((await post(htu, text, signed)).status).toBe(200);
    }
    expect((await t.api.getRegistrationResult({ params: { requestID: 's-1' } })).body.numberFailedCases).toBe(
      0,
    );
  });

  it('[PAY-6.14-f] signs submissions by the digest of what comes; anything else is not taken over', async () => {
    const credit = { requestId: 'sub-1', amount: '3.00', currency: 'USD' };
    const row = { ...credit, creditParty: [{ key: 'functionalId', value: payee }] };
    const bodies = {
      'application/x-ndjson': `${JSON.stringify(row)}\n`,
      'application/json': JSON.stringify([row]),
      'text/csv': `requestId,payeeIdentity,amount,currency\nsub-1,${payee},3.00,USD\n`,
    };
    const submit = async (type: keyof typeof bodies, sent: string, signed?: string) => {
      const named = { 'x-correlationid': 'submission', 'x-program-id': programme.programmeId };
      const digest = `sha-256=:${createHash('sha256').update(bodies[type]).digest('base64')}:`;
      const about = { ...named, 'content-digest': signed ?? digest };
      const headers: Record<string, string> = { ...named, 'content-digest': digest, 'content-type': type };
      if (signed !== '')
        headers['x-jws-signature'] = await sign('', { protected: { htu: '/submissions', headers: about } });
      return (await post('/submissions', sent, headers)).status;
    };
    for (const [type, body] of Object.entries(bodies) as [keyof typeof bodies, string][]) {
      expect([type, await submit(type, body, '')]).toEqual([type, 401]);
      expect([type, await submit(type, body, 'sha-256=:other:')]).toEqual([type, 401]);
      expect([type, await submit(type, body.replace('3.00', '4.00'))]).toEqual([type, 401]);
      expect([type, await submit(type, `${body}\n`)]).toEqual([type, 401]);
    }
    const kept = async () =>
      (await sql<{ state: string }>`select state from submission`.execute(t.node.database('payments'))).rows;
    expect(await kept()).toEqual([]);
    for (const [type, body] of Object.entries(bodies) as [keyof typeof bodies, string][])
      expect([type, await submit(type, body)]).toEqual([type, 202]);
    expect(await kept()).toHaveLength(1);
  });

  it('[PAY-6.14-f] signs what it does with vouchers and runs: the path, the command and the run it is about', async () => {
    const ask = async (
      surface: string,
      method: string,
      path: string,
      body: object | undefined,
      htu?: string,
    ) => {
      const text = body === undefined ? '' : JSON.stringify(body);
      const response = await fetch(`${url}/${surface}${path}`, {
        method,
        headers: {
          [callerTokenHeader]: await tokenFor(surface),
          'x-road-request-id': 'x-1',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(htu === undefined
            ? {}
            : { 'x-jws-signature': await sign(text, { protected: { htm: method, htu } }) }),
        },
        ...(body === undefined ? {} : { body: text }),
      });
      await response.text();
      return response.status;
    };
    const run = newRun();
    const signature = await sign(run.text, { protected: { headers: run.headers } });
    const { text } = await post('/batchtransactions', run.text, {
      ...run.headers,
      'X-JWS-Signature': signature,
    });
    const { batchId } = JSON.parse(text) as { batchId: string };
    const other = `/batches/${randomUUID()}`;
    const list = { requestID: 'q-1', voucherInstructions: [{ serialNumber: '1' }] };
    const redeeming = { requestID: 'q-1', agentID: 'nobody', voucherSecretNumber: '1' };
    const atOwnShop = { ...redeeming, agentID: 'own-shop' };
    await voucherAdminOf(t.node).putMerchant({
      params: { merchantId: 'own-shop' },
      body: { name: 'Shop', application: source, paymentModality: '00', financialAddress: '55555555' },
    });
    const { publicKey } = await generateKeyPair('ECDH-ES', { extractable: true });
    const key = { publicKey: await exportJWK(publicKey) };
    const keyPath = `/sources/${programme.sourceId}/voucher-encryption-key`;
    for (const [surface, method, path, body, wrong, status] of [
      [vouchers.name, 'PUT', '/vouchers?command=activate', list, '/vouchers?command=suspend', 200],
      [vouchers.name, 'PUT', '/vouchers?command=suspend', list, '/vouchers', 200],
      [vouchers.name, 'PUT', '/vouchers?command=reactivate', list, '/vouchers?command=suspend', 200],
      [vouchers.name, 'POST', '/vouchers?command=cancel', list, '/vouchers', 200],
      [vouchers.name, 'POST', '/vouchers?command=redeem', redeeming, '/vouchers', 200],
      [vouchers.name, 'POST', '/vouchers?command=redeem', atOwnShop, '/vouchers', 200],
      [vouchers.name, 'POST', '/vouchers', {}, '/vouchers?command=cancel', 400],
      [voucherAdmin.name, 'PUT', keyPath, key, keyPath.replace(programme.sourceId, 'other'), 200],
      [paymentsAdmin.name, 'POST', `/batches/${batchId}/retry`, undefined, `${other}/retry`, 409],
      [paymentsAdmin.name, 'POST', `/batches/${batchId}/stop`, { reason: 'No' }, `${other}/stop`, 409],
      [paymentsAdmin.name, 'POST', `/batches/${batchId}/cancel`, { reason: 'No' }, `${other}/cancel`, 200],
    ] as const) {
      const about = `${method} ${path}`;
      expect([about, await ask(surface, method, path, body)]).toEqual([about, 401]);
      expect([about, await ask(surface, method, path, body, wrong)]).toEqual([about, 401]);
      expect([about, await ask(surface, method, path, body, path)]).toEqual([about, status]);
    }
  });

  it('is let through unsigned only as long as the treasury says so; secrets are no keys', async () => {
    const symmetric = { kty: 'oct', k: 'c2VjcmV0', alg: 'HS256' };
    for (const keys of [[symmetric], [own.privateKey], [{ kty: 'EC', alg: 'ES256' }], []])
      await expect(
        t.admin.putRequestSigning({
          params,
          body: { required: true, keys: keys as Record<string, unknown>[] },
        }),
      ).rejects.toMatchObject({ status: 400 });
    expect((await t.admin.getRequestSigning({ params })).body).toEqual({
      required: true,
      keys: [own.publicKey, rsa.publicKey],
    });
    await t.admin.putRequestSigning({
      params,
      body: { required: false, keys: [own.publicKey as Record<string, unknown>] },
    });
    expect(await handOver(newRun())).toBe(202);
    const run = newRun();
    expect(await handOver(run, await sign(run.text, { key: rsa, protected: { headers: run.headers } }))).toBe(
      401,
    );
  });
});

describe('a request over HTTP', () => {
  it('[PAY-5.3.1-b] without a token, with a forged, an expired or another service’s one changes nothing', async () => {
    const before = await batches();
    const run = newRun();
    const forged = await newPair('ES256', 'mediator');
    const call = async (service: string) =>
      callerSigner(forged.privateKey)(
        { application: source, service, operator: undefined, exchangeId: 'x-1' },
        application,
      );
    for (const caller of ['', 'nonsense', await call(`${application}/${g2p.name}`)])
      expect((await post('/batchtransactions', run.text, run.headers, caller)).status).toBe(401);
    const person = await t.node.token({ id: 'maker', roles: [] }, '-1m');
    const expired = { ...run.headers, authorization: `Bearer ${person}` };
    expect((await post('/batchtransactions', run.text, expired)).status).toBe(401);
    const admin = await fetch(`${url}/payments-admin-v1/batches`, {
      headers: { [callerTokenHeader]: token, 'x-road-request-id': 'x-1' },
    });
    expect(admin.status).toBe(403);
    expect(await batches()).toBe(before);
  });

  it('[PAY-6.17.1-b] that is too large, malformed or made to do harm is refused, and changes nothing', async () => {
    const before = await batches();
    const one = (more: object) => JSON.stringify([{ ...JSON.parse(newRun().text)[0], ...more }]);
    const deep = `${'['.repeat(200)}${']'.repeat(200)}`;
    const hostile: [number, string][] = [
      [400, '['],
      [400, '{"requestId": 1e400}'],
      [400, deep],
      [400, one({ amount: 1e300 })],
      [400, one({ amount: '1e5' })],
      [400, one({ amount: '-1.00' })],
      [400, one({ currency: "U'S" })],
      [400, `[{"__proto__": {"requestId": "x"}, "amount": "1.00"}]`],
      [400, one({ creditParty: [{ key: 'functionalId', value: 'a\u0000b' }] })],
      [400, one({ creditParty: [{ key: 'accountNumber', value: '12345678' }] })],
      [400, one({ requestId: 'x'.repeat(10_000) })],
    ];
    for (const [status, text] of hostile)
      expect([
        text.slice(0, 60),
        (await post('/batchtransactions', text, { 'x-correlationid': 'h' })).status,
      ]).toEqual([text.slice(0, 60), status]);
    const xml = await post(
      '/batchtransactions',
      '<?xml version="1.0"?><!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
      {
        'x-correlationid': 'h',
        'content-type': 'application/xml',
      },
    );
    expect(xml.status).toBe(415);
    const large = await post(
      '/beneficiary',
      `{"requestId":"x","payeePartyIds":["${'x'.repeat(1_100_000)}"]}`,
    );
    expect([404, 413]).toContain(large.status);
    const put = await fetch(`${url}/${g2p.name}/beneficiary`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json', [callerTokenHeader]: token, 'x-road-request-id': 'x-1' },
      body: `{"requestId":"x","payeePartyIds":["${'x'.repeat(1_100_000)}"]}`,
    });
    expect(put.status).toBe(413);
    expect(await batches()).toBe(before);
    // Text is text to the database, whatever it looks like.
    const injection = one({
      requestId: "x'); drop table batch; --",
      descriptionText: "'; delete from batch; --",
    });
    expect((await post('/batchtransactions', injection, { 'x-correlationid': "1' or '1'='1" })).status).toBe(
      202,
    );
    expect(await batches()).toBe(before + 1);
  });

  it('[PAY-6.17.1-e][PAY-6.14-c] that fails is told so in one form, without what is inside', async () => {
    const faults = [
      await post('/batchtransactions', '[', { 'x-correlationid': 'h' }),
      await post('/batchtransactions', newRun().text, { 'x-correlationid': 'h' }, ''),
      await post('/batchtransactions', '[]', { 'x-correlationid': 'h' }),
    ];
    const db = t.node.database('payments');
    await sql`alter table batch rename to batch_away`.execute(db);
    faults.push(await post('/batchtransactions', newRun().text, { 'x-correlationid': 'h-1' }));
    await sql`alter table batch_away rename to batch`.execute(db);
    expect(faults.map((one) => one.status)).toEqual([400, 401, 400, 500]);
    for (const { text, headers } of faults) {
      expect(headers.get('content-type')).toContain('json');
      const problem = JSON.parse(text) as Record<string, unknown>;
      expect(problem).toMatchObject({
        ResponseCode: '01',
        title: expect.any(String),
        instance: expect.any(String),
      });
      expect(text).not.toMatch(/select|relation|postgres|\.ts|node_modules|stack|at \w+ \(/i);
      expect(text).not.toContain(payee);
    }
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-5.3.1-b] with an access token that is not valid gets nothing, with a valid one what is its own', async () => {
    const ask = (authorization: string) =>
      fetch(`${url}/${g2p.name}/api/v1/batch?batchId=${randomUUID()}`, {
        headers: { [callerTokenHeader]: token, 'x-road-request-id': 'x-1', authorization },
      });
    expect((await ask('Bearer nonsense')).status).toBe(401);
    expect((await ask(`Bearer ${await approver(t.node)}`)).status).toBe(404);
  });

  it.each(
    surfaces.map((surface) => [surface.name, surface] as const),
  )('[PAY-5.1.13][PAY-5.1.15] to %s is described with its version, and answered to nobody unknown', async (name, surface) => {
    expect(name).toMatch(/^payments-[a-z0-9-]+-v\d+$/);
    const document = (await (await fetch(`${url}/${name}/openapi.json`)).json()) as {
      openapi: string;
      paths: Record<string, Record<string, { operationId: string }>>;
    };
    expect(document.openapi).toBe('3.1.0');
    for (const operation of Object.values(surface.operations)) {
      const method = operation.method.toLowerCase();
      expect(document.paths[operation.path]?.[method]?.operationId).toBe(operation.id);
      const path = operation.path.replace(/\{\w+\}/g, () => randomUUID());
      const { status, headers } = await fetch(`${url}/${name}${path}`, { method: operation.method });
      expect(status, operation.id).toBe(operation.access.caller === 'public' ? 200 : 401);
      expect(headers.get('content-type'), operation.id).toContain('json');
    }
  });
});

import { decodeJwt, flattenedVerify, importJWK, type JWK, jwtVerify } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { mobileNumber, programmeWalletFloat } from '../src/index.ts';
import { call, type Program, startProgram, startReceiver, temporaryFolder, until } from './party.ts';

const service = 'LUMORA/GOV/TRE/payments/payments-rail-callback-v1';
const client = 'LUMORA/COM/LMM/rail';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let receiver: Awaited<ReturnType<typeof startReceiver>>;
let provider: Program;
let shared: Program;
/** References of a test begin with it, so that tests can share a provider. */
let prefix = '';
let tests = 0;
const cleanups: (() => Promise<unknown>)[] = [];
const start = async (path: string): Promise<Program> => {
  const url = `${receiver.url}/r1/{service}/transfer-results`;
  provider = await startProgram('mobile-money', ['--data', path, '--callback-url', url, '--client', client]);
  const started = provider;
  cleanups.unshift(() => started.kill('SIGKILL'));
  return provider;
};
const ownFolder = async (): Promise<string> => {
  const own = await temporaryFolder();
  cleanups.push(own.remove);
  return own.path;
};
beforeAll(async () => {
  folder = await temporaryFolder();
  receiver = await startReceiver();
  shared = await start(folder.path);
  cleanups.length = 0;
});
beforeEach(async () => {
  provider = shared;
  prefix = `t${++tests}-`;
  receiver.received.length = 0;
  receiver.status = 202;
  await setFaults({});
});
afterEach(async () => {
  for (const clean of cleanups.splice(0)) await clean();
});
afterAll(async () => {
  await shared.kill('SIGKILL');
  await receiver.stop();
  await folder.remove();
});

const wallet = (serial: number): string => mobileNumber(String(serial).padStart(8, '0'));
const transfer = (reference: string, more: object = {}) => ({
  reference: prefix + reference,
  msisdn: wallet(Number(reference.replaceAll(/[^0-9]/g, '') || 1)),
  amount: '10.00',
  ...more,
});
const disburse = (transfers: object[], batchId = 'b1') =>
  call('POST', `${provider.url}/disbursements`, {
    batchId: prefix + batchId,
    debtorAccount: programmeWalletFloat,
    currency: 'XLD',
    callbackService: service,
    transfers,
  });
const setFaults = (faults: object) => call('POST', `${provider.controlUrl}/control/faults`, faults);
const publicKey = async () =>
  importJWK(
    (await call<{ keys: JWK[] }>('GET', `${provider.url}/.well-known/jwks.json`)).body.keys[0] as JWK,
    'ES256',
  );

interface Notice {
  readonly eventId: string;
  readonly results: readonly {
    reference: string;
    status: string;
    reasonCode?: string;
    railReference: string;
  }[];
}
/** The notices about transfers of this test. */
const notices = async (): Promise<Notice[]> => {
  const key = await publicKey();
  const all = await Promise.all(
    receiver.received.map(
      async ({ body }): Promise<Notice> =>
        JSON.parse(new TextDecoder().decode((await flattenedVerify(JSON.parse(body), key)).payload)),
    ),
  );
  return all
    .filter(({ results }) => results[0]?.reference.startsWith(prefix))
    .map(({ eventId, results }) => ({
      eventId,
      results: results.map((one) => ({ ...one, reference: one.reference.slice(prefix.length) })),
    }));
};
const told = (count: number): Promise<Notice['results']> =>
  until(async () => {
    const results = (await notices()).flatMap(({ results: some }) => some);
    return results.length >= count && results;
  });
const debits = async (): Promise<string[]> => {
  const { body } = await call<{ entries: { direction: string; reference: string }[] }>(
    'GET',
    `${provider.url}/statement`,
  );
  return body.entries
    .filter(({ direction, reference }) => direction === 'debit' && reference.startsWith(prefix))
    .map(({ reference }) => reference.slice(prefix.length));
};
const statusOf = (reference: string) => call('GET', `${provider.url}/disbursements/${prefix}${reference}`);

describe('the mobile-money provider', () => {
  it('takes transfers with 202 and reports their results in a signed notice to the service it was told', async () => {
    const reply = await disburse([
      transfer('r1'),
      transfer('r2', { msisdn: mobileNumber('80000002') }),
      transfer('r3', { msisdn: mobileNumber('90000003') }),
      transfer('r4', { msisdn: '+447700900123' }),
      transfer('r5', { amount: '10000.01' }),
    ]);
    expect(reply).toMatchObject({ status: 202, body: { batchId: `${prefix}b1`, accepted: 5 } });
    const results = await told(5);
    expect(results.map(({ reference, status, reasonCode }) => [reference, status, reasonCode])).toEqual([
      ['r1', 'completed', undefined],
      ['r2', 'failed', 'PAYEE_INACTIVE'],
      ['r3', 'failed', 'PAYEE_NOT_FOUND'],
      ['r4', 'failed', 'PAYEE_NOT_FOUND'],
      ['r5', 'failed', 'PAYEE_LIMIT_REACHED'],
    ]);
    const [posted] = receiver.received;
    expect(posted?.path).toBe(`/r1/${service}/transfer-results`);
    expect(posted?.headers['x-road-client']).toBe(client);
    const assertion = posted?.headers['x-govstack-client-assertion'] as string;
    await jwtVerify(assertion, await publicKey(), {
      typ: 'client-assertion+jwt',
      issuer: client,
      subject: client,
      audience: receiver.url,
    });
    expect(decodeJwt(assertion).jti).toBeDefined();
    expect(await debits()).toEqual(['r1']);
    const { body } = await statusOf('r2');
    expect(body).toMatchObject({ status: 'failed', errorCode: 'PAYEE_INACTIVE' });
    expect((await statusOf('r9')).status).toBe(404);
  });

  it('signs with a key that fits nothing but what it sent', async () => {
    await disburse([transfer('r1')]);
    await told(1);
    const jws = JSON.parse(receiver.received[0]?.body ?? '');
    const forged = { ...jws, payload: Buffer.from('{"eventId":"x","results":[]}').toString('base64url') };
    await expect(flattenedVerify(forged, await publicKey())).rejects.toThrow(/signature/);
  });

  it('pays a reference once under 50 identical requests at the same time', async () => {
    const replies = await Promise.all(Array.from({ length: 50 }, () => disburse([transfer('r1')])));
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([202]));
    await told(1);
    expect(await debits()).toEqual(['r1']);
    expect((await disburse([transfer('r1', { amount: '11.00' })])).status).toBe(409);
  });

  it('repeats a notice until it is taken', async () => {
    receiver.status = 503;
    await disburse([transfer('r1')]);
    await until(() => receiver.received.length >= 2);
    receiver.status = 202;
    const before = receiver.received.length;
    await until(() => receiver.received.length > before);
    expect(new Set((await notices()).map(({ eventId }) => eventId)).size).toBe(1);
    await until(
      async () => (await call('GET', `${provider.controlUrl}/control/totals`)).body.noticesPending === 0,
    );
  });

  it('finishes after a kill what it took, pays it once and tells it', async () => {
    receiver.status = 503;
    const path = await ownFolder();
    const first = await start(path);
    const references = Array.from({ length: 200 }, (_, at) => `r${at + 1}`);
    await disburse(references.map((reference) => transfer(reference)));
    await first.kill('SIGKILL');
    receiver.received.length = 0;
    receiver.status = 202;
    await start(path);
    const results = await until(async () => {
      const all = (await notices()).flatMap(({ results: some }) => some);
      return new Set(all.map(({ reference }) => reference)).size === 200 && all;
    });
    expect(results.every(({ status }) => status === 'completed')).toBe(true);
    expect((await debits()).sort()).toEqual(references.sort());
    await until(
      async () => (await call('GET', `${provider.controlUrl}/control/totals`)).body.noticesPending === 0,
    );
    const before = receiver.received.length;
    await provider.kill('SIGTERM');
    await start(path);
    await disburse([transfer('again1')]);
    await until(async () => (await notices()).some(({ results: some }) => some[0]?.reference === 'again1'));
    expect(receiver.received.length).toBe(before + 1);
  });

  it('keeps its notices until there is an address', async () => {
    const elsewhere = await startReceiver();
    await start(await ownFolder());
    receiver.status = 500;
    await disburse([transfer('r1')]);
    await until(() => receiver.received.length > 0);
    await call('PUT', `${provider.controlUrl}/control/callback`, { url: `${elsewhere.url}/results` });
    await until(() => elsewhere.received.length === 1);
    await elsewhere.stop();
  });

  it('validates wallets without paying', async () => {
    const { body } = await call('POST', `${provider.url}/wallet-validations`, {
      batchId: 'v1',
      currency: 'XLD',
      wallets: [
        { reference: 'a', msisdn: wallet(1), amount: '1.00' },
        { reference: 'b', msisdn: mobileNumber('80000001'), amount: '1.00' },
        { reference: 'c', msisdn: wallet(2), amount: '10000.01' },
      ],
    });
    expect(body).toEqual({
      batchId: 'v1',
      failures: [
        { reference: 'b', errorCode: 'PAYEE_INACTIVE' },
        { reference: 'c', errorCode: 'PAYEE_LIMIT_REACHED' },
      ],
    });
    expect(await debits()).toEqual([]);
  });

  it('refuses a request that is not valid and takes nothing', async () => {
    expect((await disburse([transfer('r1'), transfer('r2', { amount: 'ten' })])).status).toBe(422);
    const elsewhere = await call('POST', `${provider.url}/disbursements`, {
      batchId: 'b1',
      currency: 'XLD',
      callbackService: '../../admin',
      transfers: [transfer('r1')],
    });
    expect(elsewhere.status).toBe(422);
    expect((await statusOf('r1')).status).toBe(404);
  });
});

describe('the faults of the mobile-money provider', () => {
  it('are busy first: not executed, told, and executed when sent again', async () => {
    await setFaults({ transfers: { busy: { share: 1 } } });
    await disburse([transfer('r1')]);
    expect((await told(1))[0]?.status).toBe('busy');
    expect(await debits()).toEqual([]);
    expect((await statusOf('r1')).body.status).toBe('busy');
    await disburse([transfer('r1')]);
    expect((await told(2))[1]?.status).toBe('completed');
    expect(await debits()).toEqual(['r1']);
  });

  it('answer twice, repeat a notice and contradict, without paying twice', async () => {
    await setFaults({
      transfers: { answeredTwice: { share: 1 }, contradicted: { share: 1 } },
      notices: { repeated: { share: 1 } },
    });
    await disburse([transfer('r1')]);
    const results = await told(6);
    expect(results.map(({ status }) => status).sort()).toEqual([
      'completed',
      'completed',
      'completed',
      'completed',
      'failed',
      'failed',
    ]);
    expect(new Set((await notices()).map(({ eventId }) => eventId)).size).toBe(3);
    expect(await debits()).toEqual(['r1']);
  });

  it('never tell some results, which can still be asked for', async () => {
    await setFaults({ transfers: { unanswered: { share: 1 } } });
    await disburse([transfer('r1')]);
    await until(async () => (await statusOf('r1')).body.status === 'completed');
    await setFaults({});
    await disburse([transfer('r2')], 'b2');
    expect((await told(1)).map(({ reference }) => reference)).toEqual(['r2']);
  });

  it('lose the answer to a request that was taken', async () => {
    await setFaults({ requests: { timeout: { share: 1, holdMs: 10 } } });
    await expect(disburse([transfer('r1')])).rejects.toThrow();
    expect((await told(1))[0]).toMatchObject({ reference: 'r1', status: 'completed' });
    expect((await disburse([transfer('r1')])).status).toBe(202);
    expect(await debits()).toEqual(['r1']);
  });
});

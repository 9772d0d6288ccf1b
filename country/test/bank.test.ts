import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { flattenedVerify, importJWK, type JWK } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { accountNumber, bankCode, mobileNumber, programmeBankAccount } from '../src/index.ts';
import { call, type Program, startProgram, startReceiver, temporaryFolder, until } from './party.ts';

interface Result {
  readonly reference: string;
  readonly status: string;
  readonly transactionStatus?: string;
  readonly reasonCode?: string;
  readonly bankReference: string;
}
interface Statement {
  readonly pages: number;
  readonly balance: string;
  readonly entries: readonly {
    entry: number;
    reference: string;
    direction: string;
    amount: string;
    balance: string;
    counterparty: string;
  }[];
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let shared: Program;
let bank: Program;
/** References and batches of a test begin with it, so that tests can share a bank. */
let prefix = '';
let tests = 0;
const started: Program[] = [];
const cleanups: (() => Promise<void>)[] = [];

/** A bank of the test's own, which it may kill; started again in the same folder it knows what it knew. */
const start = async (path: string, ...args: string[]): Promise<Program> => {
  bank = await startProgram('bank', ['--data', path, ...args]);
  started.push(bank);
  return bank;
};
const ownFolder = async (): Promise<string> => {
  const own = await temporaryFolder();
  cleanups.push(own.remove);
  return own.path;
};
beforeAll(async () => {
  folder = await temporaryFolder();
  shared = await startProgram('bank', ['--data', folder.path]);
});
beforeEach(async () => {
  bank = shared;
  prefix = `t${++tests}-`;
  await setFaults({});
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((program) => program.kill('SIGKILL')));
  await Promise.all(cleanups.splice(0).map((clean) => clean()));
});
afterAll(async () => {
  await shared.kill('SIGKILL');
  await folder.remove();
});

const payee = (serial: number): string => accountNumber('0101', String(serial).padStart(8, '0'));
const transfer = (reference: string, more: object = {}) => ({
  reference: prefix + reference,
  creditorAccount: payee(Number(reference.replaceAll(/[^0-9]/g, '') || 1)),
  amount: '10.00',
  ...more,
});
const withoutPrefix = <T extends { readonly reference: string }>(one: T): T => ({
  ...one,
  reference: one.reference.slice(prefix.length),
});
const batch = async (transfers: object[], batchId = 'b1') => {
  const reply = await call<{ batchId: string; results: Result[] }>('POST', `${bank.url}/transfer-batches`, {
    batchId: prefix + batchId,
    debtorAccount: programmeBankAccount,
    currency: 'XLD',
    transfers,
  });
  const { results = [] } = reply.body;
  return { ...reply, body: { ...reply.body, results: results.map(withoutPrefix) } };
};
const statusOf = async (reference: string) => {
  const reply = await call<Result>('GET', `${bank.url}/transfers/${prefix}${reference}`);
  return reply.status === 200 ? { ...reply, body: withoutPrefix(reply.body) } : reply;
};
/** The whole statement, page by page, with the movements of this test only. */
const statement = async (): Promise<Statement> => {
  const pages: Statement[] = [];
  do {
    const { body } = await call<Statement>('GET', `${bank.url}/statement?page=${pages.length + 1}`);
    pages.push(body);
  } while (pages.length < (pages[0]?.pages ?? 1));
  const entries = pages
    .flatMap((page) => page.entries)
    .filter(({ reference }) => reference.startsWith(prefix));
  return { ...(pages[0] as Statement), entries: entries.map(withoutPrefix) };
};
const debits = async (): Promise<string[]> =>
  (await statement()).entries
    .filter(({ direction }) => direction === 'debit')
    .map(({ reference }) => reference);
const setFaults = (faults: object) => call('POST', `${bank.controlUrl}/control/faults`, faults);

describe('the bank', () => {
  it('answers each transfer of a batch with an ISO 20022 status and books what it settled', async () => {
    const { status, body } = await batch([
      transfer('r1', { amount: '12.5', creditorInstitution: bankCode, narration: 'Cash transfer' }),
      transfer('r2', { creditorAccount: accountNumber('0101', '80000002') }),
      transfer('r3', { creditorAccount: accountNumber('0101', '90000003') }),
      transfer('r4', { creditorAccount: mobileNumber('00000004') }),
      transfer('r5', { creditorInstitution: 'OTHRXLLX' }),
      transfer('r6', { amount: '0.00' }),
      transfer('r7', { amount: '999999999999.00' }),
    ]);
    expect(status).toBe(200);
    expect(
      body.results.map(({ reference, status: state, transactionStatus, reasonCode }) => [
        reference,
        state,
        transactionStatus,
        reasonCode,
      ]),
    ).toEqual([
      ['r1', 'completed', 'ACSC', undefined],
      ['r2', 'rejected', 'RJCT', 'AC04'],
      ['r3', 'rejected', 'RJCT', 'AC01'],
      ['r4', 'rejected', 'RJCT', 'AC01'],
      ['r5', 'rejected', 'RJCT', 'RC01'],
      ['r6', 'rejected', 'RJCT', 'AM01'],
      ['r7', 'rejected', 'RJCT', 'AM04'],
    ]);
    const { entries, balance } = await statement();
    expect(entries).toHaveLength(1);
    expect(entries[0]).toMatchObject({
      direction: 'debit',
      amount: '12.50',
      counterparty: payee(1),
      balance,
    });
    const earlier = (await call<Statement>('GET', `${bank.url}/statement`)).body.entries.find(
      ({ entry }) => entry === (entries[0]?.entry ?? 0) - 1,
    );
    expect(Number(earlier?.balance) - Number(balance)).toBeCloseTo(12.5);
  });

  it('writes its statement as ISO 20022 camt.053 whose entries lead from balance to balance', async () => {
    await batch([transfer('r51', { amount: '7.25' })]);
    const { entries, balance } = await statement();
    const response = await fetch(`${bank.url}/statement?format=camt.053`);
    expect(response.headers.get('content-type')).toMatch(/^application\/xml/);
    const file = await response.text();
    expect(file).toContain('xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"');
    expect(file).toContain(`<EndToEndId>${prefix}${entries.at(-1)?.reference}</EndToEndId>`);
    const cents = (text: string | undefined): number => Math.round(Number(text) * 100);
    const of = (pattern: RegExp): [string | undefined, string | undefined][] =>
      [...file.matchAll(pattern)].map((match) => [match[1], match[2]]);
    const [opening, closing] = of(/<Bal>.*?<Amt Ccy="XLD">([0-9.]+)<\/Amt><CdtDbtInd>(CRDT|DBIT)/g);
    const moved = of(/<Ntry>.*?<Amt Ccy="XLD">([0-9.]+)<\/Amt><CdtDbtInd>(CRDT|DBIT)/g).reduce(
      (sum, [amount, side]) => sum + (side === 'CRDT' ? cents(amount) : -cents(amount)),
      0,
    );
    expect(cents(opening?.[0]) + moved).toBe(cents(closing?.[0]));
    expect(closing?.[0]).toBe(balance);
  });

  it('tells what became of a transfer, and that it never heard of one', async () => {
    const { body } = await batch([transfer('r1')]);
    expect((await statusOf('r1')).body).toEqual(body.results[0]);
    const unknown = await statusOf('r2');
    expect(unknown.status).toBe(404);
    expect(unknown.headers.get('content-type')).toContain('application/problem+json');
  });

  it('executes a reference once under 50 identical requests at the same time', async () => {
    const replies = await Promise.all(
      Array.from({ length: 50 }, (_, at) => batch([transfer('r1'), transfer('r2')], `b${at}`)),
    );
    expect(new Set(replies.map(({ body }) => JSON.stringify(body.results))).size).toBe(1);
    expect(await debits()).toEqual(['r1', 'r2']);
  });

  it('refuses a reference that stands for another transfer, and the whole batch with it', async () => {
    await batch([transfer('r1')]);
    const clash = await batch([transfer('r2'), transfer('r1', { amount: '11.00' })], 'b2');
    expect(clash.status).toBe(409);
    expect(clash.body).toMatchObject({ errors: [{ pointer: '/transfers/1/reference' }] });
    const inside = await batch([transfer('r3'), transfer('r3', { amount: '11.00' })], 'b3');
    expect(inside.status).toBe(409);
    expect(await debits()).toEqual(['r1']);
  });

  it('takes single transfers under the header Idempotency-Key', async () => {
    const post = (key: string, more: object = {}) =>
      call<Result>(
        'POST',
        `${bank.url}/transfers`,
        {
          debtorAccount: programmeBankAccount,
          creditorAccount: payee(1),
          amount: '5.00',
          currency: 'XLD',
          ...more,
        },
        key === '' ? {} : { 'idempotency-key': key },
      );
    const key = `${prefix}k1`;
    const [first, again] = [await post(key), await post(key)];
    expect(first.body).toMatchObject({ reference: key, status: 'completed' });
    expect(again.body).toEqual(first.body);
    expect((await post(key, { amount: '6.00' })).status).toBe(409);
    expect((await post('')).status).toBe(422);
    expect((await post('k2', { reference: 'k3' })).status).toBe(422);
    expect(await debits()).toEqual(['k1']);
  });

  it('remembers after a kill what it answered, and its key', async () => {
    const path = await ownFolder();
    const before = await start(path);
    const jwks = (await call('GET', `${before.url}/.well-known/jwks.json`)).body;
    const answered = (
      await batch([transfer('r1'), transfer('r2', { creditorAccount: accountNumber('0101', '80000002') })])
    ).body;
    await before.kill('SIGKILL');
    await start(path);
    expect(
      (await batch([transfer('r1'), transfer('r2', { creditorAccount: accountNumber('0101', '80000002') })]))
        .body,
    ).toEqual(answered);
    expect(await debits()).toEqual(['r1']);
    expect((await call('GET', `${bank.url}/.well-known/jwks.json`)).body).toEqual(jwks);
  });

  it('has exactly once what it acknowledged, when it is killed under load and everything is sent again', async () => {
    const path = await ownFolder();
    const acknowledged = new Set<string>();
    const sent = Array.from({ length: 60 }, (_, at) => `r${at + 1}`);
    for (let life = 0; life < 4; life++) {
      const program = await start(path);
      let answers = 0;
      const sending = sent.map(async (reference, at) => {
        const { body } = await batch([transfer(reference)], `b${at}`);
        for (const result of body.results) acknowledged.add(result.reference);
        if (++answers === 10 * (life + 1)) await program.kill('SIGKILL');
      });
      await Promise.allSettled(sending);
      await program.kill('SIGKILL');
    }
    await start(path);
    const booked = await debits();
    expect(new Set(booked).size).toBe(booked.length);
    for (const reference of acknowledged) expect(booked).toContain(reference);
    await Promise.all(sent.map((reference, at) => batch([transfer(reference)], `b${at}`)));
    expect((await debits()).sort()).toEqual([...sent].sort());
  });

  it('cuts off a line that a kill tore, and refuses a journal that somebody damaged', async () => {
    const own = await ownFolder();
    const path = join(own, 'book.jsonl');
    const first = await start(own);
    await batch([transfer('r1')]);
    await first.kill('SIGKILL');
    await appendFile(path, '{"type":"outcome","reference":"r1","st');
    const second = await start(own);
    await batch([transfer('r2')]);
    expect(await debits()).toEqual(['r1', 'r2']);
    await second.kill('SIGTERM');
    await writeFile(path, (await readFile(path, 'utf8')).replace('"type":"order"', '"type":"ord'));
    await expect(start(own)).rejects.toThrow(/damaged at byte/);
  });

  it('waits until another process has left its folder', async () => {
    const path = await ownFolder();
    const first = await start(path);
    await batch([transfer('r1')]);
    const second = start(path);
    await first.kill('SIGTERM');
    await second;
    expect(await debits()).toEqual(['r1']);
  });

  it('validates accounts without paying', async () => {
    await call('PUT', `${bank.controlUrl}/control/accounts`, [
      { number: payee(70_001), standing: 'open', holder: 'Amara Solvane' },
      { number: payee(70_002), standing: 'closed' },
    ]);
    const { body } = await call('POST', `${bank.url}/account-validations`, {
      batchId: 'v1',
      currency: 'XLD',
      accounts: [
        { reference: 'a', creditorAccount: payee(70_001), creditorName: 'amara SOLVANE', amount: '1.00' },
        { reference: 'b', creditorAccount: payee(70_001), creditorName: 'Someone Else', amount: '1.00' },
        { reference: 'c', creditorAccount: payee(70_002), amount: '1.00' },
        { reference: 'd', creditorAccount: accountNumber('0101', '90000001'), amount: '1.00' },
        { reference: 'e', creditorAccount: 'XL00FNBL010100000001', amount: '1.00' },
      ],
    });
    expect(body).toEqual({
      batchId: 'v1',
      failures: [
        { reference: 'b', reasonCode: 'BE01' },
        { reference: 'c', reasonCode: 'AC04' },
        { reference: 'd', reasonCode: 'AC01' },
        { reference: 'e', reasonCode: 'AC01' },
      ],
    });
    expect(await debits()).toEqual([]);
  });

  it('authorises funds that the account covers', async () => {
    await start(await ownFolder());
    const authorise = async (more: object) =>
      (
        await call('POST', `${bank.url}/fund-authorisations`, {
          batchId: 'b1',
          payerIdentifier: programmeBankAccount,
          currency: 'XLD',
          amount: '10.00',
          ...more,
        })
      ).body;
    expect(await authorise({})).toEqual({ batchId: 'b1', status: 'Y' });
    expect(await authorise({ amount: '1000000000.01' })).toMatchObject({
      status: 'N',
      reason: 'Insufficient funds',
    });
    await call('POST', `${bank.controlUrl}/control/deposits`, {
      account: programmeBankAccount,
      amount: '0.01',
      reference: 'd1',
    });
    await call('POST', `${bank.controlUrl}/control/deposits`, {
      account: programmeBankAccount,
      amount: '0.01',
      reference: 'd1',
    });
    expect(await authorise({ amount: '1000000000.01' })).toMatchObject({ status: 'Y' });
    expect(await authorise({ amount: '1000000000.02' })).toMatchObject({ status: 'N' });
    expect(await authorise({ payerIdentifier: payee(1) })).toMatchObject({ status: 'N' });
    expect(await authorise({ currency: 'EUR' })).toMatchObject({ status: 'N' });
    await setFaults({ authorisation: { refuse: true } });
    expect(await authorise({})).toMatchObject({ status: 'N', reason: 'Refused by the bank' });
  });

  it.each([
    ['no transfers', { transfers: [] }],
    ['too many transfers', { transfers: Array.from({ length: 1_001 }, (_, at) => transfer(`r${at}`)) }],
    ['a number as amount', { transfers: [transfer('r1', { amount: 10 })] }],
    ['too many decimals', { transfers: [transfer('r1', { amount: '1.001' })] }],
    ['a negative amount', { transfers: [transfer('r1', { amount: '-1.00' })] }],
    ['no currency', { currency: undefined }],
  ])('refuses %s and executes nothing', async (_name, more) => {
    const { status } = await call('POST', `${bank.url}/transfer-batches`, {
      batchId: 'b1',
      debtorAccount: programmeBankAccount,
      currency: 'XLD',
      transfers: [transfer('r1')],
      ...more,
    });
    expect(status).toBe(422);
    expect(await debits()).toEqual([]);
  });

  it('publishes its operations as OpenAPI 3.1', async () => {
    const { body } = await call<{
      openapi: string;
      paths: Record<string, Record<string, { operationId: string }>>;
    }>('GET', `${bank.url}/openapi.json`);
    expect(body.openapi).toBe('3.1.0');
    const ids = Object.values(body.paths).flatMap((item) =>
      Object.values(item).map(({ operationId }) => operationId),
    );
    expect(ids.sort()).toEqual([
      'authoriseFunds',
      'getStatement',
      'getTransfer',
      'postTransfer',
      'postTransferBatch',
      'validateAccounts',
    ]);
    expect((await call('GET', `${bank.url}/control/faults`)).status).toBe(404);
  });

  it('refuses options and faults that make no sense', async () => {
    const path = await ownFolder();
    await expect(start(path, '--port', '70000')).rejects.toThrow(/port/);
    await expect(start(path, '--colour', 'red')).rejects.toThrow(/colour/);
    const file = join(path, 'faults.json');
    await writeFile(file, JSON.stringify({ transfers: { rejected: { share: 2 } } }));
    await expect(start(path, '--faults', file)).rejects.toThrow(/share/);
    expect((await setFaults({ transfer: {} })).status).toBe(422);
  });
});

describe('the faults of the bank', () => {
  const references = Array.from({ length: 400 }, (_, at) => `r${at + 1}`);
  const rejectedBy = async (faults: object): Promise<string[]> => {
    await setFaults(faults);
    const { body } = await batch(references.map((reference) => transfer(reference)));
    return body.results.filter(({ status }) => status !== 'completed').map(({ reference }) => reference);
  };

  it('strike the same transfers in every run, about as many as asked for', async () => {
    const faults = { transfers: { rejected: { share: 0.2, reasonCodes: ['AC06', 'AG01'] } } };
    const struck = await rejectedBy(faults);
    expect(struck.length).toBeGreaterThan(50);
    expect(struck.length).toBeLessThan(110);
    await start(await ownFolder());
    expect(await rejectedBy(faults)).toEqual(struck);
    const { body } = await statusOf(struck[0] ?? '');
    expect(['AC06', 'AG01']).toContain(body.reasonCode);
  });

  it('refuse accounts by rule', async () => {
    await setFaults({ accounts: [{ number: payee(7), reasonCode: 'AC06' }] });
    const { body } = await batch([transfer('r7'), transfer('r8')]);
    expect(body.results.map(({ status, reasonCode }) => [status, reasonCode])).toEqual([
      ['rejected', 'AC06'],
      ['completed', undefined],
    ]);
  });

  it('are busy as often as told, and execute the same reference afterwards', async () => {
    await setFaults({ transfers: { busy: { share: 1, times: 2 } } });
    const states: string[] = [];
    for (let attempt = 0; attempt < 4; attempt++)
      states.push((await batch([transfer('r1')])).body.results[0]?.status ?? '');
    expect(states).toEqual(['busy', 'busy', 'completed', 'completed']);
    expect(await debits()).toEqual(['r1']);
  });

  it('fail a request before or after it was booked, once', async () => {
    await setFaults({ requests: { errorBefore: { share: 1 } } });
    expect((await batch([transfer('r1')])).status).toBe(503);
    expect(await debits()).toEqual([]);
    expect((await batch([transfer('r1')])).status).toBe(200);
    await setFaults({ requests: { errorAfter: { share: 1 } } });
    expect((await batch([transfer('r2')], 'b2')).status).toBe(500);
    expect(await debits()).toEqual(['r1', 'r2']);
    expect((await batch([transfer('r2')], 'b2')).status).toBe(200);
    expect(await debits()).toEqual(['r1', 'r2']);
  });

  it('break the connection after booking', async () => {
    await setFaults({ requests: { timeout: { share: 1, holdMs: 20 } } });
    await expect(batch([transfer('r1')])).rejects.toThrow();
    expect((await statusOf('r1')).body.status).toBe('completed');
    expect((await batch([transfer('r1')])).body.results[0]?.status).toBe('completed');
    expect(await debits()).toEqual(['r1']);
  });

  it('answer late', async () => {
    await setFaults({ requests: { late: { share: 1, delayMs: 300 } } });
    const started = performance.now();
    expect((await batch([transfer('r1')])).status).toBe(200);
    expect(performance.now() - started).toBeGreaterThan(280);
  });

  it('settle late, answer twice, contradict and return, told by signed notices', async () => {
    const receiver = await startReceiver();
    await start(await ownFolder(), '--callback-url', `${receiver.url}/results`);
    try {
      const notices = async () => {
        const key = await importJWK(
          (await call<{ keys: JWK[] }>('GET', `${bank.url}/.well-known/jwks.json`)).body.keys[0] as JWK,
        );
        const payloads = await Promise.all(
          receiver.received.map(async ({ body }) =>
            JSON.parse(new TextDecoder().decode((await flattenedVerify(JSON.parse(body), key)).payload)),
          ),
        );
        return payloads.flatMap(({ results }) => results as { reference: string; status: string }[]);
      };
      const told = async (reference: string, count: number): Promise<string[]> =>
        until(async () => {
          const states = (await notices())
            .filter((one) => one.reference === prefix + reference)
            .map(({ status }) => status);
          return states.length >= count && states;
        });
      await setFaults({ transfers: { late: { share: 1, afterMs: 30 } } });
      expect((await batch([transfer('r1')])).body.results[0]).toMatchObject({
        status: 'pending',
        transactionStatus: 'PDNG',
      });
      expect(await told('r1', 1)).toEqual(['completed']);
      await setFaults({ transfers: { answeredTwice: { share: 1 }, contradicted: { share: 1 } } });
      expect((await batch([transfer('r2')], 'b2')).body.results[0]?.status).toBe('completed');
      expect((await told('r2', 2)).sort()).toEqual(['completed', 'failed']);
      await setFaults({ transfers: { returned: { share: 1, afterMs: 30 } } });
      await batch([transfer('r3')], 'b3');
      expect(await told('r3', 1)).toEqual(['returned']);
      expect((await statusOf('r3')).body).toMatchObject({
        status: 'completed',
        returned: true,
      });
      expect((await statement()).balance).toBe('999999980.00');
    } finally {
      await receiver.stop();
    }
  });
});

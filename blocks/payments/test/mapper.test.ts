import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { programme, source, startTreasury, type Treasury } from './fixtures/treasury.ts';

let t: Treasury;
beforeAll(async () => {
  t = await startTreasury();
});
afterAll(() => t.stop());

const register = (requestID: string, beneficiaries: object[], headers: Record<string, string> = {}) =>
  t.api.registerBeneficiary({ headers, body: { requestID, beneficiaries: beneficiaries as never } });
const payee = (payeeIdentity: string, more: object = {}) => ({
  payeeIdentity,
  paymentModality: '00',
  bankingInstitutionCode: 'TESTUS33',
  financialAddress: '000000000042',
  ...more,
});
const find = async (payeeIdentity: string) =>
  (await t.api.getBeneficiary({ query: { payeeIdentity, requestId: 'q' }, headers: {} })).body
    .paymentModalityList[0];
const failedOf = async (requestID: string) =>
  (await t.api.getRegistrationResult({ params: { requestID } })).body.failedCases;

describe('the account mapper', () => {
  it('[PAY-8.1.2-a][PAY-6.3-a][PAY-5.3.1-j] registers payees and tells how each is paid, without the account', async () => {
    const { body } = await register('m-1', [
      payee('m-a'),
      payee('m-b', { paymentModality: '01', financialAddress: '+1 555 010 0042' }),
    ]);
    expect(body).toMatchObject({ responseCode: '00', requestID: 'm-1' });
    expect(await find('m-a')).toEqual({
      payeeIdentity: 'm-a',
      paymentModality: '00',
      bankingInstitutionCode: 'TESTUS33',
      financialAddress: expect.stringMatching(/^[^0-9]*0042$/),
    });
    expect(await find('m-b')).toMatchObject({ paymentModality: '01' });
    expect(await find('nobody')).toBeUndefined();
  });

  it('[PAY-9.1.1-a][PAY-8.1.2-b] takes each record on its own and says which failed and why', async () => {
    await register('m-2', [payee('n-a')]);
    await register('m-3', [
      payee('n-a', { financialAddress: '000000000043' }),
      payee('n-b'),
      payee('n-b'),
      payee('n-c', { paymentModality: '09' }),
      payee('n-d', { financialAddress: 'GB82WEST12345698765433' }),
      payee('n-e', { paymentModality: '01', financialAddress: '0555' }),
      payee('n-f', { financialAddress: undefined }),
    ]);
    const reasons = Object.fromEntries(
      (await failedOf('m-3')).map((one) => [one.payeeIdentity, one.failureReason]),
    );
    expect(reasons).toEqual({
      'n-a': expect.stringContaining('registered already'),
      'n-b': expect.stringContaining('more than once'),
      'n-c': expect.stringContaining('paymentModality'),
      'n-d': expect.stringContaining('IBAN'),
      'n-e': expect.stringContaining('E.164'),
      'n-f': expect.stringContaining('missing'),
    });
    expect((await find('n-a'))?.financialAddress).toMatch(/0042$/);
    expect(await find('n-b')).toBeDefined();
    for (const id of ['n-c', 'n-d', 'n-e', 'n-f']) expect(await find(id)).toBeUndefined();
  });

  it('[PAY-8.1.2-a] the same request again changes nothing, even when the account was changed since', async () => {
    await register('m-4', [payee('o-a')]);
    await t.api.updateBeneficiary({
      headers: {},
      body: { requestID: 'u-1', beneficiaries: [{ payeeIdentity: 'o-a', financialAddress: '000000000099' }] },
    });
    await register('m-4', [payee('o-a')]);
    expect((await find('o-a'))?.financialAddress).toMatch(/0099$/);
    expect(await failedOf('m-4')).toEqual([]);
  });

  it('[PAY-8.1.3-a][PAY-8.1.3-b] changes account and standing; what is not named stays; an unknown payee is a failure', async () => {
    await register('m-5', [payee('p-a')]);
    await t.api.updateBeneficiary({
      headers: {},
      body: {
        requestID: 'u-2',
        beneficiaries: [
          { payeeIdentity: 'p-a', financialAddress: '000000000077' },
          { payeeIdentity: 'p-x', financialAddress: '000000000077' },
        ],
      },
    });
    expect(await find('p-a')).toMatchObject({ bankingInstitutionCode: 'TESTUS33', paymentModality: '00' });
    expect((await find('p-a'))?.financialAddress).toMatch(/0077$/);
    const { body } = await t.api.getUpdateResult({ params: { requestID: 'u-2' } });
    expect(body.failedCases.map((one) => one.payeeIdentity ?? one.payeeFunctionalID)).toEqual(['p-x']);
    await t.api.updateBeneficiary({
      headers: {},
      body: { requestID: 'u-3', beneficiaries: [{ payeeIdentity: 'p-a', status: '0' }] },
    });
    expect(await find('p-a')).toBeUndefined();
  });

  it('[PAY-8.1.2-b] tells the source by callback, to nobody but the service registered for it', async () => {
    const elsewhere = register('m-6', [payee('q-a')], { 'x-callback-url': 'https://evil.example/take' });
    await expect(elsewhere).rejects.toMatchObject({ status: 400 });
    expect(await find('q-a')).toBeUndefined();
    await t.admin.putSource({
      params: { sourceId: programme.sourceId },
      body: {
        application: source,
        name: 'Cash transfer',
        institutionId: 'MSP',
        callbackService: `${source}/results-v1`,
      },
    });
    await register('m-7', [payee('q-b', { paymentModality: '09' })], { 'x-callback-url': '/mapper-results' });
    await expect
      .poll(
        () =>
          t.node.exchanges
            .filter((one) => one.service === `${source}/results-v1`)
            .map((one) => ({ path: one.path, body: JSON.parse(String(one.body)) })),
        { timeout: 30_000 },
      )
      .toContainEqual({
        path: '/mapper-results',
        body: expect.objectContaining({ requestID: 'm-7', numberFailedCases: 1 }),
      });
  });

  it('[PAY-6.3-b] keeps neither payee nor account in clear', async () => {
    await register('m-8', [payee('secret-payee', { financialAddress: '123456789012' })]);
    const db = t.node.database('payments');
    for (const table of ['mapper_entry', 'mapper_version', 'mapper_request', 'instruction', 'callback']) {
      const { rows } = await sql<{ text: string }>`select t::text as text from ${sql.table(table)} t`.execute(
        db,
      );
      for (const { text } of rows) {
        for (const clear of ['secret-payee', '123456789012'])
          for (const form of [clear, Buffer.from(clear).toString('hex')]) expect(text).not.toContain(form);
      }
    }
  });
});

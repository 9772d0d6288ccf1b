import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accountNumber } from '../src/index.ts';
import { call, type Program, startProgram, startReceiver, temporaryFolder, until } from './party.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let programs: Program[];
beforeEach(async () => {
  folder = await temporaryFolder();
  programs = [];
});
afterEach(async () => {
  await Promise.all(programs.map((program) => program.kill('SIGTERM')));
  await folder.remove();
});
const start = async (name: string, ...args: string[]): Promise<Program> => {
  const program = await startProgram(name, ['--data', `${folder.path}/${name}`, ...args]);
  programs.push(program);
  return program;
};

describe('the revenue authority', () => {
  const pay = (program: Program, billId: string, reference: string) =>
    call('POST', `${program.url}/billTransferRequests`, {
      requestID: 'P00000000001',
      billId,
      PaymentReferenceID: reference,
    });

  it('knows its bills, marks each paid once, and remembers it when it is killed', async () => {
    let office = await start('revenue');
    const bill = await call('GET', `${office.url}/bills/100100000001`);
    expect(bill.body).toMatchObject({ billDetails: { billStatus: 'OPEN', currency: 'XLD' } });
    expect((await call('GET', `${office.url}/bills/100190000001`)).status).toBe(404);
    expect((await pay(office, '100100000001', 'A')).body).toMatchObject({ status: 'ACK' });
    await office.kill('SIGKILL');
    office = await start('revenue');
    expect((await pay(office, '100100000001', 'A')).body).toMatchObject({ status: 'ACK' });
    expect((await pay(office, '100100000001', 'B')).body).toMatchObject({
      status: 'RJC',
      rejectReason: 'Dup',
    });
    expect((await call('GET', `${office.url}/bills/100100000001`)).body).toMatchObject({
      billDetails: { billStatus: 'PAID' },
    });
    expect((await pay(office, '100190000001', 'C')).body).toMatchObject({ rejectReason: 'Und' });
  });

  it('fails as it is told to', async () => {
    const office = await start('revenue');
    await call('POST', `${office.controlUrl}/control/faults`, {
      rejected: { share: 1, reason: 'Def' },
      requests: { errorBefore: { share: 1 } },
    });
    expect((await pay(office, '100100000002', 'A')).status).toBe(503);
    expect((await pay(office, '100100000002', 'A')).body).toMatchObject({ rejectReason: 'Def' });
  });
});

describe('the bill desk of the bank', () => {
  const ask = (program: Program, TxnID: string, financialAddress?: string) =>
    call('POST', `${program.url}/rtpRequest`, {
      TxnID,
      rTPID: 1,
      billDetails: { 'Bill ID': '100100000001', 'Biller Name': 'LRA', Amount: 12.5 },
      ...(financialAddress === undefined ? {} : { payerFiDetails: { financialAddress } }),
    });

  it('answers each request once, with a payment or a reason, also when it was killed before', async () => {
    const receiver = await startReceiver();
    const answers = (txnId: string) =>
      receiver.received
        .map((one) => JSON.parse(one.body) as Record<string, string>)
        .filter((one) => one.txnId === txnId);
    try {
      let desk = await start('bank-bills');
      await ask(desk, 'T00000000001', accountNumber('0101', '00000001'));
      await ask(desk, 'T00000000001', accountNumber('0101', '00000001'));
      await desk.kill('SIGKILL');
      desk = await start('bank-bills', '--callback-url', `${receiver.url}/rtpResponse`);
      await until(() => answers('T00000000001').length > 0);
      expect(answers('T00000000001')).toEqual([
        {
          RequestId: 'R-T00000000001',
          txnId: 'T00000000001',
          billId: '100100000001',
          rtpStatus: '00',
          paymentReferenceID: 'FNB-T00000000001',
        },
      ]);
      await ask(desk, 'T00000000002', accountNumber('0101', '80000001'));
      await until(() => answers('T00000000002').length > 0);
      expect(answers('T00000000002')[0]).toMatchObject({ rtpStatus: '01', rejectReason: 'CRED' });
    } finally {
      await receiver.stop();
    }
  });
});

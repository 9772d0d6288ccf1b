import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { createTransport } from 'nodemailer';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  accountNumber,
  mobileNumber,
  type Parties,
  programmeBankAccount,
  startParties,
} from '../src/index.ts';
import { call, startReceiver, temporaryFolder, until } from './party.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

const answers = (url: string): Promise<boolean> =>
  fetch(`${url}/health`).then(
    ({ ok }) => ok,
    () => false,
  );

describe('the parties together', () => {
  it('start, serve, tell their results, stop, and know everything when they start again', async () => {
    const receiver = await startReceiver();
    const options = {
      dataDir: folder.path,
      callbackUrls: {
        mobileMoney: `${receiver.url}/r1/{service}/transfer-results`,
        sms: `${receiver.url}/receipts`,
      },
      faults: { bank: { accounts: [{ number: accountNumber('0101', '00000002'), reasonCode: 'AC06' }] } },
    };
    let parties: Parties = await startParties(options);
    const pay = (serial: string) =>
      call('POST', `${parties.bank.url}/transfers`, {
        reference: `r-${serial}`,
        debtorAccount: programmeBankAccount,
        creditorAccount: accountNumber('0101', serial),
        amount: '1.00',
        currency: 'XLD',
      });
    expect((await pay('00000001')).body).toMatchObject({ transactionStatus: 'ACSC' });
    expect((await pay('00000002')).body).toMatchObject({ transactionStatus: 'RJCT', reasonCode: 'AC06' });
    await call('POST', `${parties.mobileMoney.url}/disbursements`, {
      batchId: 'b1',
      currency: 'XLD',
      callbackService: 'LUMORA/GOV/TRE/payments/payments-rail-callback-v1',
      transfers: [{ reference: 'w-1', msisdn: mobileNumber('00000001'), amount: '1.00' }],
    });
    await call(
      'POST',
      `${parties.sms.url}/messages`,
      { to: mobileNumber('00000001'), text: 'Paid', reference: 'm-1' },
      { authorization: `Bearer ${parties.sms.apiKey}` },
    );
    await createTransport(parties.smtp.url).sendMail({
      from: 'a@lumora.example',
      to: 'b@post.example',
      text: 'Paid',
    });
    await until(() => receiver.received.length === 2);
    expect(receiver.received.map(({ headers }) => headers['x-road-client']).sort()).toEqual([
      'LUMORA/COM/LMM/rail',
      'LUMORA/COM/TEL/sms-gateway',
    ]);
    await parties.stop();
    expect(await answers(parties.bank.url)).toBe(false);

    parties = await startParties(options);
    expect((await call('GET', `${parties.bank.url}/transfers/r-00000001`)).status).toBe(200);
    expect((await call('GET', `${parties.mobileMoney.url}/disbursements/w-1`)).body).toMatchObject({
      status: 'completed',
    });
    expect((await call('GET', `${parties.sms.url}/messages`)).body.messages).toHaveLength(1);
    expect((await call('GET', `${parties.smtp.httpUrl}/messages`)).body.messages).toHaveLength(1);
    await parties.stop();
    await receiver.stop();
  });

  it('do not start by halves', async () => {
    const taken = await startReceiver();
    const port = Number(new URL(taken.url).port);
    await expect(startParties({ dataDir: folder.path, ports: { sms: port } })).rejects.toThrow(
      /sms did not start/,
    );
    const parties = await startParties({ dataDir: folder.path });
    await parties.stop();
    await taken.stop();
  });

  it('tell when one of them dies', async () => {
    const died: string[] = [];
    const parties = await startParties({ dataDir: folder.path, onExit: (name) => died.push(name) });
    parties.sms.process.kill('SIGKILL');
    await until(() => died.includes('sms'));
    expect(await answers(parties.bank.url)).toBe(true);
    await parties.stop();
    expect(died).toEqual(['sms']);
  });

  it('end when the process that started them is killed', async () => {
    const script = join(folder.path, 'parent.mjs');
    const index = pathToFileURL(join(import.meta.dirname, '../src/index.ts')).href;
    await writeFile(
      script,
      `const { startParties } = await import(${JSON.stringify(index)});
const { bank, mobileMoney, smtp, sms } = await startParties({ dataDir: ${JSON.stringify(folder.path)} });
process.stdout.write(JSON.stringify([bank.url, mobileMoney.url, smtp.httpUrl, sms.url]) + '\\n');
setInterval(() => {}, 1000);`,
    );
    const parent = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
    const urls = JSON.parse(line) as string[];
    expect(await Promise.all(urls.map(answers))).toEqual([true, true, true, true]);
    parent.kill('SIGKILL');
    await until(async () => (await Promise.all(urls.map(answers))).every((one) => !one));
  });
});

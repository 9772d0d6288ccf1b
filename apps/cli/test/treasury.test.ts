import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  accountNumber,
  bankCode,
  mobileMoneyCode,
  mobileNumber,
  programmeBankAccount,
  revenueBankAccount,
} from '@govstack/country';
import { applications } from '@govstack/country/seed';
import { enrolment } from '@govstack/identity/api';
import { mediatorAdmin } from '@govstack/information-mediator/api';
import { g2p, oversight, paymentsAdmin, railCallback, voucherAdmin } from '@govstack/payments/api';
import { arabic, expectValidHtml, phone, withoutScripts } from '@govstack/portal/testing';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { button, demonstrationCountry, link } from './country.ts';

const country = demonstrationCountry('treasury');
const { signedIn, look } = country;
const { payments, cashTransfer, farmerRegistry, governance, identity, landRegistry, mediator, taxRegistry } =
  applications;
const treasuryMember = payments.split('/').slice(0, 3).join('/');

const serial = (index: number): string => String(index).padStart(8, '0');
/** Six with accounts, six with wallets; the account of the last bank and of the last wallet is closed. */
const payees = Array.from({ length: 12 }, (_, index) => {
  const closed = index >= 10 ? '8' : '1';
  const bank = index % 2 === 0;
  return {
    payeeIdentity: `TP-${serial(index)}`,
    paymentModality: bank ? '00' : '01',
    bankingInstitutionCode: bank ? bankCode : mobileMoneyCode,
    financialAddress: bank
      ? accountNumber('0101', `${closed}${serial(index).slice(1)}`)
      : mobileNumber(`${closed}${serial(index).slice(1)}`),
  };
});

const theirs = () => country.as(cashTransfer).client(g2p, `${payments}/${g2p.name}`);
const treasury = () => country.as(payments).client(paymentsAdmin, `${payments}/${paymentsAdmin.name}`);
const directory = () => country.as(governance).client(mediatorAdmin, `${mediator}/mediator-admin-v1`);
/** Lets an application call a surface of payments. */
const allow = (subject: string, surface: { readonly name: string }) =>
  directory().putRight({ params: { service: `${payments}/${surface.name}`, subject }, body: {} });

/** Somebody more who works at the treasury, or elsewhere. */
const appoint = (login: string, name: string, role: string, position: number, agency = treasuryMember) =>
  country
    .as(governance)
    .client(enrolment, `${identity}/identity-enrolment-v1`)
    .enrolPersons({
      body: {
        persons: [
          {
            aliases: { login },
            attributes: { given_name: name, family_name: 'Orin', locale: 'en' },
            pin: '2468',
            appointments: [{ agency, role }],
            persona: { label: Object.fromEntries(['en', 'fr', 'ar'].map((one) => [one, name])), position },
          },
        ],
      },
    });

/** An outside party: it doubts one payee, and takes messages or says that it is gone. */
const doubted = 'TP-00000002';
let takes = false;
const outside = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  if (!request.url?.endsWith('/screenings')) return response.writeHead(takes ? 204 : 410).end();
  const { subjects } = JSON.parse(Buffer.concat(chunks).toString()) as {
    subjects: { reference: string; payeeIdentity: string }[];
  };
  const results = subjects.map(({ reference, payeeIdentity }) =>
    payeeIdentity === doubted
      ? { reference, result: 'hit', reasonCode: 'NAME-MATCH' }
      : { reference, result: 'clear' },
  );
  return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ results }));
});
/** Offers the outside party as a service that payments may call. */
async function offer(service: string): Promise<void> {
  const target = `http://127.0.0.1:${(outside.address() as AddressInfo).port}`;
  await directory().putService({ params: { service }, body: { title: service, target } });
  await directory().putRight({ params: { service, subject: payments }, body: {} });
}
beforeAll(() => new Promise<void>((resolve) => outside.listen(0, '127.0.0.1', resolve)));
afterAll(() => new Promise((resolve) => outside.close(resolve)));

/** The ministry's system hands a run over. */
async function handOver(id: string, amount = '45.00', list = payees): Promise<string> {
  const { body } = await theirs().batchTransactions({
    query: {},
    headers: { 'x-correlationid': id, 'x-program-id': 'cash-transfer', 'x-initiator': 'maker' },
    body: list.map(({ payeeIdentity: value }) => ({
      requestId: `${id}-${value}`,
      creditParty: [{ key: 'functionalId', value }],
      amount,
      currency: 'XLD',
    })),
  });
  return body.batchId;
}
const stateOf = async (batchId: string): Promise<string> =>
  (await treasury().getBatch({ params: { batchId } })).body.state;
const becomes = (batchId: string, state: string) =>
  vi.waitFor(async () => expect(await stateOf(batchId)).toBe(state), { timeout: 30_000, interval: 100 });

const rowOf = async (page: Page, name: string | RegExp): Promise<string> => {
  const row = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name }) });
  return (await row.first().innerText()).replaceAll(/\s+/g, ' ').trim();
};
const figure = (page: Page, name: string) =>
  page
    .locator('.portal-figures > div')
    .filter({ has: page.locator('dt', { hasText: new RegExp(`^\\s*${name}`) }) })
    .locator('dd')
    .innerText()
    .then((text) => text.replaceAll('\u00a0', ' '));

let run: string;
beforeAll(async () => {
  await theirs().registerBeneficiary({
    headers: {},
    body: { requestID: 'treasury-test', beneficiaries: payees },
  });
  run = await handOver('cash-transfer-2026-10');
  await becomes(run, 'awaiting-approval');
});

describe('payments in the portal', { timeout: 120_000 }, () => {
  it('[PAY-6.6-a][PAY-6.6-b][PAY-6.6-d][PAY-6.6-f][PAY-6.1-b] a run through several banks and operators is found, approved by a second person, and seen to be paid', async () => {
    const page = await signedIn(/^Pavel/, '/');
    await link(page, 'Payments').click();
    expect(await figure(page, 'Runs waiting for approval')).toBe('1');
    expect(await rowOf(page, 'Social cash transfer')).toContain('XLD 100,000,000.00');
    await look(page, 'overview-before');
    await link(page, 'October 2026').first().click();
    await page.getByRole('heading', { name: 'Payment run for October 2026' }).waitFor();
    expect(await figure(page, 'All payees')).toBe('12');
    expect((await page.locator('main').innerText()).replaceAll('\u00a0', ' ')).toMatch(
      /10 payees, XLD 450\.00 in all[\s\S]*The programme has XLD 100,000,000\.00 available\./,
    );
    await button(page, 'Confirm').click();
    await link(page, 'Choose whether you approve').waitFor();
    await look(page, 'run-to-approve');
    await country.setFaults('bank', { transfers: { rejected: { share: 1, reasonCodes: ['AC06'] } } });
    await page.getByLabel('Yes, pay').check();
    await button(page, 'Confirm').click();
    await page.getByText('The payment run is approved. Payment begins.').waitFor();
    // Without a hand on it, the page follows the run to its end.
    await page.getByText('Completed in part').first().waitFor({ timeout: 60_000 });
    expect(await figure(page, 'Paid')).toBe('5');
    expect(await figure(page, 'Not paid')).toBe('7');
    expect(await rowOf(page, /^First National Bank/)).toBe('First National Bank of Lumora 5 1 1');
    expect(await rowOf(page, /The account may not receive money/)).toContain(
      'AC06 First National Bank of Lumora 5 XLD 225.00',
    );
    expect(await page.getByRole('row', { name: /The account is closed/ }).count()).toBe(2);
    await look(page, 'run');
    await page.getByRole('link', { name: 'Payments', exact: true }).click();
    expect(await figure(page, 'Runs waiting for approval')).toBe('0');
  });

  it('[PAY-5.3.1-e][PAY-6.8-b] every payment of a run can be followed from the source to the bank', async () => {
    const page = await signedIn(/^Mina/, `/treasury/runs/${run}`, withoutScripts);
    await link(page, 'All payments of this run').click();
    expect(await page.locator('main tbody tr').count()).toBe(12);
    await link(page, 'Paid (5)').click();
    expect(await page.locator('main tbody tr').count()).toBe(5);
    await look(page, 'payments');
    await link(page, 'TP-00000001').click();
    const text = await page.locator('main').innerText();
    expect(text).toContain('cash-transfer-2026-10-TP-00000001');
    expect(text).toContain('ACCC');
    expect(text).toMatch(/Number at the bank or operator\s+\S+/);
    expect(text).not.toContain(payees[1]?.financialAddress);
    expect(await page.locator('.portal-timeline h3').allInnerTexts()).toEqual(
      expect.arrayContaining(['Paid', 'Sent', 'Checked']),
    );
    await look(page, 'payment');

    const addresses: string[] = [];
    page.on('request', (request) => addresses.push(request.url()));
    await page.goto(`${country.url}/treasury/runs`);
    await page.getByLabel('Number of the payee').fill('TP-00000011');
    await button(page, 'Find').click();
    await link(page, 'October 2026').waitFor();
    expect(await page.locator('main tbody tr').innerText()).toMatch(/45\.00[\s\S]*(Failed|Refused)/);
    expect(addresses.filter((address) => address.includes('TP-0'))).toEqual([]);
  });

  it('[PAY-6.1-k][PAY-5.1.16-b] a certificate says how a run ended, and can be taken along', async () => {
    const page = await signedIn(/^Pavel/, `/treasury/runs/${run}`);
    await link(page, 'Certificate of the run').click();
    expect(await figure(page, 'Money in')).toBe(await figure(page, 'Money out'));
    await look(page, 'certificate');
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      link(page, 'Download the certificate (JSON)').click(),
    ]);
    const certificate = JSON.parse(readFileSync(await file.path(), 'utf8'));
    expect(certificate.content).toMatchObject({ batchId: run, total: { count: 12 } });
  });

  it('[PAY-6.6-j] what was paid and what failed is shown over time, by bank and programme, as a picture and as a table', async () => {
    const page = await signedIn(/^Mina/, '/treasury');
    await page.locator('summary', { hasText: 'Show as a table' }).click();
    expect((await page.locator('#periods tbody tr').last().innerText()).split(/\s+/).slice(2)).toEqual([
      '5',
      '7',
      '58.3%',
      'XLD',
      '225.00',
    ]);
    expect(await page.locator('.portal-chart svg rect').count()).toBe(2);
    await look(page, 'overview');
    await link(page, 'By day').click();
    expect(await page.locator('#periods tbody tr').count()).toBe(30);
    expect(await page.locator('.portal-shares').count()).toBe(2);
  });

  it('[PAY-5.3.1-k] what failed is prepared anew, and a run of which nothing has left is withdrawn with a reason', async () => {
    const page = await signedIn(/^Mina/, `/treasury/runs/${run}`);
    await button(page, 'Prepare a new run of what failed').click();
    await page.getByText('A new run of what failed is prepared.').waitFor();
    const again = page.url().split('/').at(-1) as string;
    expect(again).not.toBe(run);
    await country.setFaults('bank', {});
    await becomes(again, 'awaiting-approval');
    expect((await treasury().getBatch({ params: { batchId: again } })).body.instructionCount).toBe(5);
    const second = await handOver('cash-transfer-2026-11', '46.00');
    await becomes(second, 'awaiting-approval');
    await page.goto(`${country.url}/treasury/runs?state=awaiting-approval`);
    await link(page, 'November 2026').click();
    await page.getByText('This run waits for a person who may approve payments.').waitFor();
    await page.locator('summary', { hasText: 'Withdraw this run' }).click();
    await button(page, 'Withdraw it').click();
    await link(page, 'Give a reason for withdrawing the run').waitFor();
    await look(page, 'withdraw');
    await page.getByLabel('Reason', { exact: true }).fill('Drawn for the wrong month');
    await button(page, 'Withdraw it').click();
    await page.getByText('The run is withdrawn. Nothing of it is paid.').waitFor();
    await page.getByText('Drawn for the wrong month').first().waitFor();
    expect(await stateOf(second)).toBe('cancelled');
  });

  it('[PAY-6.6-c][PAY-6.6-g] the treasury registers sources, programmes with money, banks and operators, without scripts', async () => {
    const page = await signedIn(/^Nadir/, '/treasury', withoutScripts);
    await link(page, 'Settings').click();
    await look(page, 'settings');
    await page.getByRole('button', { name: 'Register a source' }).click();
    await page.getByLabel('Name', { exact: true }).fill('Land compensation');
    await page.getByLabel('Short code').fill('land');
    await button(page, 'Save').click();
    await link(page, 'Fill in: Application that hands over').waitFor();
    await look(page, 'source');
    await page.getByLabel('Application that hands over').fill(landRegistry);
    await page.getByLabel('Registering institution').fill('NLA');
    await button(page, 'Save').click();
    await page.getByText('The setting is saved.').waitFor();
    await link(page, /^New programme ?: Land compensation/).click();
    await page.getByLabel('Short code').fill('compensation');
    await page.getByLabel('Name', { exact: true }).fill('Compensation for land');
    await page.getByLabel('Currency').fill('xld');
    await page.getByLabel('Account at the payer bank').fill('XL00FNBL000000000077');
    await page.getByLabel('Most for one payment').fill('a lot');
    await button(page, 'Save').click();
    await link(page, 'Most for one payment: enter an amount such as 1500.00').waitFor();
    await page.getByLabel('Most for one payment').fill('2 500,50');
    await button(page, 'Save').click();
    await page.getByText('The setting is saved.').waitFor();
    await page.getByLabel('Amount', { exact: true }).fill('10000');
    await page.getByLabel('Reference').fill('decree-7');
    await button(page, 'Release').click();
    await page.getByText('The money is booked to the programme.').waitFor();
    expect(await figure(page, 'Available')).toBe('XLD 10,000.00');
    await look(page, 'programme');
    // The same release again is the same release.
    await page.getByLabel('Amount', { exact: true }).fill('10000');
    await page.getByLabel('Reference').fill('decree-7');
    await button(page, 'Release').click();
    expect(await figure(page, 'Available')).toBe('XLD 10,000.00');
    const { body } = await treasury().getProgramme({
      params: { sourceId: 'land', programmeId: 'compensation' },
    });
    expect(body).toMatchObject({ currency: 'XLD', maximumInstructionAmount: '2500.50' });

    await page.goto(`${country.url}/treasury/settings/rails/new`);
    await page.getByLabel('Short code').fill('post');
    await page.getByLabel('Name', { exact: true }).fill('Postal bank');
    await page.getByLabel('Its service').fill(`${landRegistry}/rail-v1`);
    await page.getByLabel('Currencies').fill('XLD');
    await button(page, 'Save').click();
    await link(page, 'Choose at least one thing it pays to').waitFor();
    await page.getByLabel('Prepaid cards').check();
    await button(page, 'Save').click();
    await page.getByText('The setting is saved.').waitFor();
    await link(page, 'Postal bank').click();
    await look(page, 'rail');
    await page.getByLabel('In use').uncheck();
    await button(page, 'Save').click();
    await page.getByText('The setting is saved.').waitFor();
    expect(await rowOf(page, /Postal bank/)).toContain('Off');
    await page.goto(`${country.url}/treasury/settings/sources/land`);
    await page.getByLabel('Up to this amount').fill('500');
    await button(page, 'Save the limit').click();
    await link(page, 'Enter a currency as three letters, such as XLD').waitFor();
    await page.getByLabel('Currency').fill('XLD');
    await button(page, 'Save the limit').click();
    await page.getByText('The setting is saved.').waitFor();
    await link(page, 'Settings').click();
    expect(await rowOf(page, /Land compensation/)).toContain('XLD 500.00');
  });

  it('[PAY-6.1-c][PAY-6.12-h] the treasury sees the books, checks them, and settles what needs a person', async () => {
    await allow(landRegistry, railCallback);
    await country
      .as(landRegistry)
      .client(railCallback, `${payments}/${railCallback.name}`)
      .postTransferResults({
        body: { eventId: 'x', results: [{ reference: randomUUID(), status: 'completed' }] },
      });
    const page = await signedIn(/^Nadir/, '/treasury');
    expect(await figure(page, 'Open cases')).toBe('1');
    await link(page, 'Cases').click();
    await page.getByText('A notice about a payment that nobody knows').waitFor();
    await button(page, 'Close the case').click();
    await link(page, 'Write down what you found out').waitFor();
    await look(page, 'cases');
    await page.getByLabel('What you found out').fill('A test of the postal bank');
    await button(page, 'Close the case').click();
    await page.getByText('The case is closed.').waitFor();
    await link(page, 'Closed').click();
    await page.getByText('A test of the postal bank').waitFor();
    await link(page, 'Books').click();
    await page.getByLabel('Kind of account').selectOption('Available to a programme');
    await button(page, 'Show').click();
    await button(page, 'Check now').click();
    await page.getByText('The books are right.').waitFor();
    await look(page, 'books');
    await link(page, 'Available to a programme cash-transfer/cash-transfer').click();
    await page.getByText('Run approved').first().waitFor();
    await look(page, 'account');
  });

  it('[PAY-6.1-r][PAY-6.1-w] vouchers of a group are made for stock, counted, and one is looked at', async () => {
    const page = await signedIn(/^Nadir/, '/treasury/vouchers');
    await page.getByRole('button', { name: 'New voucher group' }).click();
    await page.getByLabel('Short code').fill('food');
    await button(page, 'Save').click();
    await link(page, 'Choose the programme that pays').waitFor();
    await page.getByLabel('Programme').selectOption({ index: 1 });
    await page.getByLabel('Name', { exact: true }).fill('Food');
    await page.getByLabel('Values', { exact: true }).fill('20.00 5\n50.00');
    await look(page, 'voucher-group');
    await button(page, 'Save').click();
    await page.getByText('The setting is saved.').waitFor();
    await page.getByLabel('How many').fill('3');
    await button(page, 'Make them').click();
    await page.getByText('The vouchers are made.').waitFor();
    expect(await page.locator('main tbody tr').count()).toBe(3);
    await look(page, 'voucher-stock');
    await page.locator('main tbody button').first().click();
    await page.getByRole('heading', { name: 'Voucher XLD' }).waitFor();
    expect(page.url()).toBe(`${country.url}/treasury/voucher`);
    await link(page, 'Vouchers').click();
    expect(await page.locator('#stock tbody tr').first().innerText()).toMatch(
      /Food[\s\S]*20\.00\s+3 low\s+5/,
    );
    await look(page, 'vouchers');
  });

  it('[PAY-6.6-i][PAY-5.3.3-b] a statement is loaded, what does not explain itself is decided, and the day is proven', async () => {
    const page = await signedIn(/^Nadir/, '/treasury/reconciliation/statements', withoutScripts);
    await button(page, 'Load').click();
    await link(page, 'Choose the format of the file').waitFor();
    const day = new Date().toISOString().slice(0, 10);
    const bring = async (closing: string) => {
      await page.getByLabel('csv').check();
      await page.getByLabel('File', { exact: true }).setInputFiles({
        name: 'statement.csv',
        mimeType: 'text/csv',
        buffer: Buffer.from(
          `statementId,account,currency,from,to,openingBalance,closingBalance,entryReference,bookingDate,valueDate,direction,amount,endToEndId,railReference,type,description\nS-1,${programmeBankAccount},XLD,${day},${day},0.00,${closing},E-1,${day},${day},credit,500.00,,,,A gift\n`,
        ),
      });
      await button(page, 'Load').click();
    };
    await bring('400.00');
    await page.locator('.govuk-error-summary').waitFor();
    await look(page, 'statements');
    await bring('500.00');
    await page.getByText('The statements are loaded.').waitFor();
    await page.getByText('A gift').waitFor();
    await look(page, 'statement');
    await page.goto(`${country.url}/treasury/reconciliation`);
    await vi.waitFor(
      async () => {
        await page.reload();
        expect(await link(page, 'Money that came in').count()).toBe(1);
      },
      { timeout: 30_000, interval: 300 },
    );
    await look(page, 'worklist');
    await link(page, 'Money that came in').click();
    await button(page, 'Decide').click();
    await link(page, 'Choose what becomes of it').waitFor();
    await look(page, 'worklist-item');
    await page.getByLabel('Keep the money until it is known whose it is').check();
    await page.getByLabel('Note', { exact: true }).fill('Nobody knows who gave it');
    await button(page, 'Decide').click();
    await page.getByText('It is decided, or waits for a second person.').waitFor();
    await page.goto(`${country.url}/treasury/reconciliation/proofs`);
    await button(page, 'Prove now').click();
    await page.getByText('In the books').first().waitFor();
    await look(page, 'proofs');
  });

  it('[PAY-5.3.3-c] an officer disputes a payment, another settles it; records are found by any number', async () => {
    const [payment] = (await treasury().listInstructions({ params: { batchId: run }, query: {} })).body.items;
    const manager = await signedIn(/^Mina/, `/treasury/payments/${payment?.instructionId}`);
    await link(manager, 'Complain about this payment').click();
    await button(manager, 'Send the complaint').click();
    await link(manager, 'Choose what is wrong').waitFor();
    await look(manager, 'dispute-new');
    await manager.getByLabel('Money not received').check();
    await manager.getByLabel('What happened').fill('The household says nothing came');
    await button(manager, 'Send the complaint').click();
    await manager.getByText('The complaint is sent.').waitFor();
    const approver = await signedIn(/^Pavel/, '/treasury/disputes');
    await link(approver, 'Money not received').click();
    await button(approver, 'Take it').click();
    await approver.getByText('The complaint is brought up to date.').waitFor();
    await approver.getByLabel('What happened').fill('The bank refused it, it is paid anew');
    await approver.getByLabel('The complaint is right').check();
    await button(approver, 'Settle').click();
    await approver.getByText('Settled: The complaint is right').waitFor();
    await look(approver, 'dispute');
    const officer = await signedIn(/^Nadir/, '/treasury/records');
    const addresses: string[] = [];
    officer.on('request', (request) => addresses.push(request.url()));
    await officer.getByLabel('Any number').fill(payment?.requestId as string);
    await button(officer, 'Find').click();
    await officer
      .locator('#found')
      .getByText(payment?.instructionId as string)
      .waitFor();
    expect(addresses.filter((address) => address.includes(payment?.requestId as string))).toEqual([]);
    await look(officer, 'records');
  });

  it('[PAY-6.16.3-c] a biller is proposed by its agency, let in by the treasury, and suspended', async () => {
    const proposer = await signedIn(/^Rosa/, '/treasury/billers');
    await proposer.getByRole('button', { name: 'Propose a biller' }).click();
    await button(proposer, 'Propose').click();
    await link(proposer, 'Fill in: Short name').waitFor();
    await look(proposer, 'biller-form');
    for (const [label, text] of [
      ['Name', 'Road tax'],
      ['Short name', 'ROAD'],
      ['Agency of its officers', 'LUMORA/GOV/LRA'],
      ['Application that hands over', applications.propertyTax],
      ['Its service', `${applications.propertyTax}/biller-v1`],
      ['Kind', 'tax'],
      ['Currency', 'XLD'],
      ['What its status codes mean', 'OPEN unpaid\nPAID paid'],
      ['Institution of its account', bankCode],
      ['Its account', revenueBankAccount],
    ] as const)
      await proposer.getByLabel(label, { exact: true }).fill(text);
    await button(proposer, 'Propose').click();
    await proposer.getByText('You proposed this. Somebody else must decide.').waitFor();
    const approver = await signedIn(/^Pavel/, new URL(proposer.url()).pathname);
    await look(approver, 'biller-proposal');
    await button(approver, 'Let it in').click();
    await approver.getByText('The proposal is decided.').waitFor();
    const officer = await signedIn(/^Nadir/, '/treasury/billers');
    await link(officer, 'Road tax').first().click();
    await officer.getByLabel('Reason').fill('Its service is being moved');
    await button(officer, 'Suspend').click();
    await officer.getByRole('heading', { name: 'Road tax Suspended' }).waitFor();
    await look(officer, 'biller');
  });

  it('[PAY-6.6-c][PAY-6.6-g] settings that are saved from their form without a change stay what they were, also where no input shows them', async () => {
    await allow(payments, voucherAdmin);
    const groups = country.as(payments).client(voucherAdmin, `${payments}/${voucherAdmin.name}`);
    const params = { sourceId: 'kept', programmeId: 'kept' };
    const rail = {
      name: 'Kept',
      service: `${landRegistry}/rail-v1`,
      modalities: ['04', '00'] as ('00' | '04')[],
      institutions: ['Two words', 'A;B', ...Array.from({ length: 500 }, (_, index) => `KEPT-${index}`)],
      currencies: ['XLD'],
      isDefault: true,
      rank: 7,
      maximumAmounts: { XLD: '1000.50' },
      transfersPerSecond: 25,
      calendar: {
        timeZone: 'Africa/Nairobi',
        windows: [{ days: [1, 2], from: '08:00', to: '24:00' }],
        holidays: ['2026-12-25'],
      },
      answerWithinSeconds: 86_401,
      batchSize: 20,
      concurrency: 3,
      debtorAccount: 'XL00FNBL000000000099',
      active: false,
    };
    const put = (adapter: string, more: object = {}) =>
      treasury().putRail({ params: { railId: adapter }, body: { ...rail, adapter, ...more } });
    await put('by-hand');
    await put('gsma', { settings: { debitPartyKey: 'walletid', checkAccounts: true } });
    await put('file', { settings: { initiatingParty: 'Treasury', debtorAgent: bankCode } });
    await put('voucher', { modalities: ['02'] });
    await treasury().putSource({
      params: { sourceId: 'kept' },
      body: {
        application: taxRegistry,
        name: 'Kept',
        institutionId: 'NLA',
        callbackService: `${landRegistry}/results-v1`,
        callbackPath: '/results',
        callbackUrls: ['https://kept.example/a,b;c', 'https://kept.example/d'],
        active: false,
      },
    });
    await treasury().putProgramme({
      params,
      body: {
        name: 'Kept',
        agency: landRegistry.split('/').slice(0, 3).join('/'),
        currency: 'XLD',
        fundingAccount: 'XL00FNBL000000000078',
        payerRail: 'fnb',
        maximumInstructionAmount: '12.34',
        maximumRunAmount: '5678.90',
        combinePayments: true,
        stagger: { payees: 20, seconds: 90 },
      },
    });
    await groups.putVoucherGroup({
      params: { sourceId: 'kept', groupCode: 'kept' },
      body: {
        programmeId: 'kept',
        name: 'Kept',
        description: 'One line\nand another',
        validitySeconds: 5401,
        merchantGroups: ['Corner shops'],
        onDemand: true,
        forRuns: true,
        variableAmounts: true,
        cancelSuspended: true,
        payeeCheck: {
          service: `${landRegistry}/registry-data-v1`,
          registry: 'land',
          version: '1',
          identityField: 'id',
          evidenceFields: ['owner'],
        },
        active: false,
        denominations: [{ amount: '20.00', stockThreshold: 5 }, { amount: '7.50' }],
      },
    });
    const now = async () => [
      (await treasury().listRails({})).body,
      (await treasury().listSources({})).body,
      (await treasury().getProgramme({ params })).body,
      (await groups.listVoucherGroups({ query: { sourceId: 'kept' } })).body,
    ];
    const before = await now();
    const page = await signedIn(/^Nadir/, '/treasury/settings');
    for (const path of [
      ...['fnb', 'by-hand', 'gsma', 'file', 'voucher'].map((railId) => `settings/rails/${railId}`),
      'settings/sources/kept',
      'settings/programmes/kept/kept',
      'vouchers/kept/kept/details',
    ]) {
      await page.goto(`${country.url}/treasury/${path}`);
      await button(page, 'Save').click();
      await page.getByText('The setting is saved.').waitFor();
    }
    expect(await now()).toEqual(before);
    await page.goto(`${country.url}/treasury/vouchers/kept/kept`);
    await page.getByText('Valid for 5,401 seconds').waitFor();

    await page.goto(`${country.url}/treasury/settings/rails/by-hand`);
    await page.evaluate("document.querySelector('input[name=adapter]:checked').value = 'telex'");
    await button(page, 'Save').click();
    await link(page, 'Kind: choose one of those offered').waitFor();
    // A new setting never takes the place of one that is there.
    await page.goto(`${country.url}/treasury/settings/rails/new`);
    await page.getByLabel('Short code').fill('by-hand');
    await button(page, 'Save').click();
    await link(page, /^This short code is taken/).waitFor();
    expect(await now()).toEqual(before);
  });

  it('[PAY-6.1-j][PAY-6.9-i] a payee whom a check doubts is held for a person, and let through before anybody can approve', async () => {
    const service = `${landRegistry}/screening-v1`;
    await offer(service);
    const officer = await signedIn(/^Nadir/, '/treasury/settings', withoutScripts);
    await officer.getByRole('button', { name: 'Set up a check' }).click();
    await officer.getByLabel('Short code').fill('names');
    await officer.getByLabel('Its service').fill(service);
    await button(officer, 'Save').click();
    await link(officer, 'Fill in: Name').waitFor();
    await look(officer, 'check');
    await officer.getByLabel('Name', { exact: true }).fill('Names of the listed');
    await officer.getByLabel('Which payments it looks at').selectOption('cash-transfer/cash-transfer');
    await button(officer, 'Save').click();
    await officer.getByText('The setting is saved.').waitFor();
    const held = await handOver('cash-transfer-2027-01', '47.00', payees.slice(0, 4));
    const page = await signedIn(/^Pavel/, '/treasury');
    await expect
      .poll(async () => {
        await page.reload();
        return figure(page, 'Payments held by a check');
      })
      .toBe('1');
    await page.goto(`${country.url}/treasury/runs/${held}`);
    await page.getByText('Checks hold payments of it for a person.').first().waitFor();
    expect(await button(page, 'Confirm').count()).toBe(0);
    await link(page, 'Decide on them').click();
    await look(page, 'reviews');
    await link(page, doubted).click();
    await button(page, 'Decide').click();
    await link(page, 'Say whether the payment may go through').waitFor();
    await link(page, 'Write down what you found out').waitFor();
    await look(page, 'review');
    await page.getByLabel('Yes, let it through').check();
    await page.getByLabel('What you found out').fill('Another person of the same name');
    await button(page, 'Decide').click();
    await page.getByText('The decision is recorded.').waitFor();
    expect(await button(page, 'Decide').count()).toBe(0);
    await page.getByText('Another person of the same name').waitFor();
    await becomes(held, 'awaiting-approval');
    await treasury().cancelBatch({ params: { batchId: held }, body: { reason: 'A test of the check' } });
    await link(officer, 'Names of the listed').click();
    await officer.getByLabel('In use').uncheck();
    await button(officer, 'Save').click();
    expect(await rowOf(officer, /Names of the listed/)).toContain('Off');
  });

  it('[PAY-6.1-c][PAY-5.3.1-k] a run is paused, let go on and stopped, and what is out without an answer is decided on evidence', async () => {
    const rails = (await treasury().listRails({})).body.items;
    const change = async (railId: string, more: object) => {
      const { railId: _id, ...rail } = rails.find((one) => one.railId === railId) as (typeof rails)[number];
      await treasury().putRail({ params: { railId }, body: { ...rail, ...more } });
    };
    const today = new Date();
    const days = [-1, 0, 1].map((day) => new Date(today.getTime() + day * 86_400_000));
    // Wallets have a holiday; the bank takes its time, and has used it up in a second.
    await change('lmm', {
      calendar: {
        timeZone: 'UTC',
        windows: [{ days: [1, 2, 3, 4, 5, 6, 7], from: '00:00', to: '24:00' }],
        holidays: days.map((one) => one.toISOString().slice(0, 10)),
      },
    });
    await country.setFaults('bank', { transfers: { late: { share: 1, afterMs: 86_400_000 } } });
    const held = await handOver('cash-transfer-2027-02', '48.00', payees.slice(0, 2));
    await becomes(held, 'awaiting-approval');
    const page = await signedIn(/^Pavel/, `/treasury/runs/${held}`);
    await page.getByLabel('Yes, pay').check();
    await button(page, 'Confirm').click();
    await becomes(held, 'processing');
    await expect
      .poll(async () =>
        (await treasury().listInstructions({ params: { batchId: held }, query: {} })).body.items.map(
          (one) => one.state,
        ),
      )
      .toEqual(['submitted', 'queued']);
    await page.goto(`${country.url}/treasury/runs/${held}`);
    await page.locator('summary', { hasText: 'Pause this run' }).click();
    await button(page, 'Pause it').click();
    await link(page, 'Give a reason').waitFor();
    await page.locator('#pause-reason').fill('A complaint of the ministry');
    await look(page, 'run-under-way');
    await button(page, 'Pause it').click();
    await page.getByText('The run is paused. Nothing more is sent.').waitFor();
    expect(await page.locator('summary', { hasText: 'Pause this run' }).count()).toBe(0);
    await look(page, 'run-paused');
    await button(page, 'Let it go on').click();
    await page.getByText('The run goes on.').waitFor();
    expect(await button(page, 'Let it go on').count()).toBe(0);
    await page.locator('summary', { hasText: 'Stop this run' }).click();
    await page.locator('#stop-reason').fill('The ministry has withdrawn it');
    await button(page, 'Stop it').click();
    await page.getByText('The run is stopped. What is out is awaited.').waitFor();
    expect(await page.locator('summary', { hasText: 'Stop this run' }).count()).toBe(0);
    expect(await rowOf(page, 'Withdrawn')).toContain('1 XLD 48.00');
    await look(page, 'run-stopped');

    const officer = await signedIn(/^Nadir/, '/treasury/rails');
    const card = officer.locator('.govuk-summary-card', { hasText: 'XLD\u00a048.00' });
    await card.getByText('It cannot be decided yet').waitFor();
    await card.getByRole('button', { name: 'Ask now' }).click();
    await card.getByText('still being worked on').waitFor();
    await change('fnb', { answerWithinSeconds: 1 });
    await expect
      .poll(async () => {
        await officer.goto(`${country.url}/treasury/rails`);
        return card.locator('summary').count();
      })
      .toBe(1);
    await card.locator('summary').click();
    await card.getByRole('button', { name: 'Decide' }).click();
    await link(officer, 'Say what became of the payment').waitFor();
    await look(officer, 'unknowns');
    await card.getByLabel('It was paid', { exact: true }).check();
    await card.getByLabel('Evidence').fill('Statement of the bank, page 3');
    await card.getByRole('button', { name: 'Decide' }).click();
    await officer.getByText('The payment is decided.').waitFor();
    await becomes(held, 'partially-completed');
    await officer.goto(`${country.url}/treasury/cases?state=resolved`);
    await officer.getByText('Statement of the bank, page 3').waitFor();
    await country.setFaults('bank', {});
    for (const railId of ['fnb', 'lmm']) await change(railId, {});
  });

  it('[PAY-9.1.3-c][PAY-5.3.1-k] where money goes is said by one person and confirmed by a second, never by the same', async () => {
    await appoint('second-treasurer', 'Selma', 'administrator', 40);
    const first = await signedIn(/^Nadir/, '/treasury/reconciliation?state=proposed');
    await link(first, 'Money that came in').click();
    await first.getByText('You proposed this. Somebody else must decide.').waitFor();
    expect(await button(first, 'Accept').count()).toBe(0);
    await look(first, 'worklist-own');
    const second = await signedIn(/^Selma/, new URL(first.url()).pathname);
    await look(second, 'worklist-second');
    await button(second, 'Accept').click();
    await second.getByText('Settled', { exact: true }).waitFor();
    await second.goto(`${country.url}/treasury/reconciliation/suspense`);
    await second.getByLabel('Note').fill('It is meant for the cash transfer');
    await second.getByLabel('Programme').selectOption('cash-transfer/cash-transfer');
    await button(second, 'Give it back to the programme').click();
    await second.goto(`${country.url}/treasury/reconciliation/suspense?state=proposed`);
    await second.getByText('You proposed this. Somebody else must decide.').waitFor();
    expect(await button(second, 'Accept').count()).toBe(0);
    await look(second, 'suspense-own');
    await first.goto(second.url());
    await button(first, 'Accept').click();
    await first.goto(`${country.url}/treasury/reconciliation/suspense?state=released`);
    await first.getByText('XLD\u00a0500.00').waitFor();
    await look(first, 'suspense-released');
  });

  it('[PAY-5.3.3-c][PAY-6.1-n] a complaint of a payee is seen, answered and settled, and each step is offered when it can be taken', async () => {
    const [payment] = (await treasury().listInstructions({ params: { batchId: run }, query: {} })).body.items;
    const instructionId = payment?.instructionId as string;
    const source = country.as(cashTransfer).client(oversight, `${payments}/${oversight.name}`);
    await source.openDispute({
      body: { clientId: 'of-payee', instructionId, reason: 'late', text: 'It came late', forPayee: true },
    });
    const page = await signedIn(/^Mina/, '/treasury/disputes?state=open');
    expect(await rowOf(page, 'Came late')).toContain('The payee');
    await link(page, 'Came late').click();
    await page.getByText('It came late').waitFor();
    const offered = async () =>
      (await page.locator('#acts button').allInnerTexts()).map((text) => text.trim()).sort();
    expect(await offered()).toEqual(['Only add this', 'Take it']);
    await button(page, 'Take it').click();
    await page.getByText('The complaint is brought up to date.').waitFor();
    expect(await offered()).toEqual(['Only add this', 'Settle', 'Wait for an answer']);
    await look(page, 'complaint');
    await page.getByLabel('What happened').fill('The bank is asked');
    await button(page, 'Wait for an answer').click();
    await page.getByText('Waits for an answer').first().waitFor();
    expect(await offered()).toEqual(['Look at it again', 'Only add this', 'Settle']);
    await page.getByLabel('What happened').fill('The bank was on holiday');
    await page.getByLabel('The complaint is right').check();
    await button(page, 'Settle').click();
    await page.getByText('Settled: The complaint is right').waitFor();
    expect(await page.locator('#acts').count()).toBe(0);
    const { items } = (await source.listDisputes({ query: { instructionId } })).body;
    expect(items.find((one) => one.openedByParty === 'payee')).toMatchObject({ outcome: 'upheld' });
  });

  it('[PAY-6.14-b][PAY-6.14-f][PAY-6.3-c] keys of a source, whether it must sign, and where its payees are looked up are set on its page', async () => {
    await treasury().putSource({
      params: { sourceId: 'signs' },
      body: { application: farmerRegistry, name: 'Signs', institutionId: 'MOA' },
    });
    const page = await signedIn(/^Nadir/, '/treasury/settings/sources/signs');
    const saved = () => page.getByText('The setting is saved.').waitFor();
    await page.getByLabel('Unsigned requests that change something are refused').check();
    await button(page, 'Save the keys').click();
    await page.locator('.govuk-error-summary', { hasText: 'needs a key' }).waitFor();
    await page.getByLabel('Its keys').fill('{"kty": ');
    await button(page, 'Save the keys').click();
    await link(page, /^Enter the keys as JSON/).waitFor();
    await look(page, 'source-keys');
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = { ...pair.publicKey.export({ format: 'jwk' }), alg: 'ES256', kid: 'one' };
    await page.getByLabel('Its keys').fill(JSON.stringify(key));
    await page.getByLabel('Unsigned requests that change something are refused').check();
    await button(page, 'Save the keys').click();
    await saved();
    const params = { sourceId: 'signs' };
    const signing = { required: true, keys: [key] };
    expect((await treasury().getRequestSigning({ params })).body).toEqual(signing);
    await page.getByLabel('Service of the directory').fill(`${landRegistry}/payee-directory-v1`);
    await page.getByLabel('Seconds that an answer is good').fill('90');
    await button(page, 'Save the directory').click();
    await saved();
    const directory = { service: `${landRegistry}/payee-directory-v1`, validSeconds: 90 };
    expect((await treasury().getDirectory({ params })).body).toEqual(directory);
    // Saved as they are shown, both stay what they are.
    for (const name of ['Save the keys', 'Save the directory']) {
      await button(page, name).click();
      await saved();
    }
    expect((await treasury().getRequestSigning({ params })).body).toEqual(signing);
    expect((await treasury().getDirectory({ params })).body).toEqual(directory);
    await page.getByLabel('Service of the directory').fill('');
    await button(page, 'Save the directory').click();
    await saved();
    expect((await treasury().getDirectory({ params })).body).toEqual({ service: null });
    const ofVouchers = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
    await page.getByLabel('Key to which they are encrypted').fill(JSON.stringify(ofVouchers));
    await button(page, 'Save this key').click();
    await saved();
  });

  it('[PAY-6.1-l][PAY-5.1.12-a][PAY-6.1-ac][PAY-6.6-g] fees, settlement, institutions, limits and messages are looked at and set', async () => {
    const page = await signedIn(/^Nadir/, '/treasury/reconciliation/fees', withoutScripts);
    await button(page, 'Save').click();
    await link(page, 'Bank or operator: choose one of those offered').waitFor();
    await page.getByLabel('Bank or operator').selectOption('post');
    await page.getByLabel('Currency').fill('xld');
    await page.getByLabel('Bands').fill('100.00 free');
    await button(page, 'Save').click();
    await link(page, /^Enter one band per line/).waitFor();
    await page.getByLabel('Bands').fill('100.00 0.50\n- 1.00 5 - 20.00');
    await button(page, 'Save').click();
    await page.getByText('The setting is saved.').waitFor();
    expect((await rowOf(page, /^Postal bank/)).replaceAll('\u00a0', ' ')).toContain(
      'Up to XLD 100.00: XLD 0.50 Above: XLD 1.00 + 5 ‰ · at most XLD 20.00',
    );
    await look(page, 'fees');
    await link(page, 'Settlement').click();
    expect((await rowOf(page, /^Lumora Mobile Money/)).replaceAll('\u00a0', ' ')).toMatch(/XLD 225\.00/);
    await look(page, 'settlement');

    await page.goto(`${country.url}/treasury/settings`);
    await page.getByRole('button', { name: 'Register an institution' }).click();
    await page.getByLabel('Its code').fill('POSTLMXX');
    await page.getByLabel('Name', { exact: true }).fill('Postal savings');
    await page.getByLabel('Member of its people').fill('nobody');
    await button(page, 'Save').click();
    await link(page, /member must be/).waitFor();
    await look(page, 'institution');
    await page.getByLabel('Member of its people').fill('LUMORA/COM/POST');
    await button(page, 'Save').click();
    await page.getByText('The setting is saved.').waitFor();
    await link(page, 'Postal savings').click();
    await page.getByLabel('In use').uncheck();
    await button(page, 'Save').click();
    expect(await rowOf(page, /Postal savings/)).toContain('Off');
    await page.getByLabel('Currency').fill('xld');
    await page.getByLabel('Up to this amount').fill('10');
    await button(page, 'Save the limit').click();
    await page.getByText('XLD\u00a010.00').waitFor();
    await page.getByLabel('Currency').fill('xld');
    await button(page, 'Save the limit').click();
    await page.getByText('The setting is saved.').waitFor();
    expect(await page.getByText('XLD\u00a010.00').count()).toBe(0);

    await offer(`${landRegistry}/results-v1`);
    const source = { sourceId: 'cash-transfer' };
    const {
      sourceId: _id,
      autoApproveLimit: _limit,
      autoApproveCurrency: _currency,
      ...before
    } = (await treasury().listSources({})).body.items.find((one) => one.sourceId === source.sourceId) as {
      sourceId: string;
    } & Parameters<ReturnType<typeof treasury>['putSource']>[0]['body'] & {
        autoApproveLimit?: string;
        autoApproveCurrency?: string;
      };
    await treasury().putSource({
      params: source,
      body: { ...before, callbackService: `${landRegistry}/results-v1`, callbackPath: '/told' },
    });
    const told = await handOver('cash-transfer-2027-03', '49.00', payees.slice(0, 1));
    await treasury().cancelBatch({ params: { batchId: told }, body: { reason: 'A test of messages' } });
    await expect
      .poll(async () => {
        await page.goto(`${country.url}/treasury/messages?state=dead`);
        return link(page, 'How a run stands').count();
      })
      .toBeGreaterThan(0);
    await look(page, 'messages');
    await link(page, 'How a run stands').first().click();
    await page.getByText('source/cash-transfer').waitFor();
    await look(page, 'message');
    takes = true;
    await button(page, 'Send it again').click();
    await page.getByText('The message is sent again.').waitFor();
    await expect
      .poll(async () => {
        await page.reload();
        return page.getByText('Arrived').count();
      })
      .toBeGreaterThan(0);
    expect(await button(page, 'Send it again').count()).toBe(0);
    await treasury().putSource({ params: source, body: before });
  });

  it('[PAY-6.6-h][PAY-6.16.1-b] an institution sees payments of its customers, takes them along, and says what became of them', async () => {
    const telephone = applications.sms.split('/').slice(0, 3).join('/');
    await allow(payments, oversight);
    await country
      .as(payments)
      .client(oversight, `${payments}/${oversight.name}`)
      .putInstitution({ params: { code: 'CASHLMXX' }, body: { name: 'Cash desks', member: telephone } });
    await treasury().putRail({
      params: { railId: 'desks' },
      body: {
        adapter: 'by-hand',
        service: `${landRegistry}/rail-v1`,
        name: 'Cash desks',
        modalities: ['00'],
        institutions: ['CASHLMXX'],
        currencies: ['XLD'],
      },
    });
    const customers = ['one', 'two'].map((payeeIdentity, index) => ({
      payeeIdentity: `CD-${payeeIdentity}`,
      paymentModality: '00',
      bankingInstitutionCode: 'CASHLMXX',
      financialAddress: `55550000000${index}`,
    }));
    await theirs().registerBeneficiary({
      headers: {},
      body: { requestID: 'cash-desks', beneficiaries: customers },
    });
    const paid = await handOver('cash-transfer-2027-04', '50.00', customers);
    await becomes(paid, 'awaiting-approval');
    const approver = await signedIn(/^Pavel/, `/treasury/runs/${paid}`);
    await approver.getByLabel('Yes, pay').check();
    await button(approver, 'Confirm').click();
    await becomes(paid, 'processing');
    await appoint('cash-desk', 'Ines', 'fsp-officer', 43, telephone);
    const page = await signedIn(/^Ines/, '/treasury');
    await expect
      .poll(async () => {
        await page.reload();
        return link(page, 'Cash desks').count();
      })
      .toBe(1);
    await look(page, 'customers');
    await link(page, 'Cash desks').click();
    await expect
      .poll(async () => {
        await page.reload();
        return page.getByLabel('What became of it').count();
      })
      .toBe(2);
    const [file] = await Promise.all([page.waitForEvent('download'), link(page, 'As a table (CSV)').click()]);
    expect(readFileSync(await file.path(), 'utf8')).toContain('555500000001');
    await button(page, 'Say what became of them').click();
    await link(page, 'Say of one payment at least what became of it').waitFor();
    await look(page, 'customer-payments');
    await look(
      await signedIn(/^Ines/, new URL(page.url()).pathname, { ...phone, ...arabic }),
      'customers-phone',
    );
    await page.getByLabel('What became of it').first().selectOption('Credited');
    await page.getByLabel('What became of it').last().selectOption('Not credited');
    await page.getByLabel('Reason code').last().fill('AC04');
    await button(page, 'Say what became of them').click();
    await page.getByText('It is passed on what became of the payments.').waitFor();
    await becomes(paid, 'partially-completed');
    // What is credited can only come back; what is not is over.
    await page.reload();
    expect(await page.getByLabel('What became of it').locator('option').allInnerTexts()).toEqual([
      '–',
      'Came back',
    ]);
    await treasury().putRail({
      params: { railId: 'desks' },
      body: {
        adapter: 'by-hand',
        service: `${landRegistry}/rail-v1`,
        name: 'Cash desks',
        modalities: ['00'],
        currencies: ['XLD'],
        active: false,
      },
    });
  });

  it('[PAY-6.15][PAY-6.2.5-e] keys are seen and changed by a custodian who sees nothing else', async () => {
    await appoint('custodian', 'Kian', 'key-custodian', 41);
    const page = await signedIn(/^Kian/, '/treasury');
    await page.getByRole('heading', { name: 'Keys', level: 1 }).waitFor();
    const tabs = page.getByRole('navigation', { name: 'Parts of payments' });
    expect(await tabs.getByRole('link').allInnerTexts()).toEqual(['Keys']);
    await button(page, 'Take the next key into use').click();
    await link(page, 'Give a reason').waitFor();
    // The numbers of vouchers are kept by somebody else.
    expect(await button(page, 'Make a new key for vouchers').count()).toBe(0);
    await page.getByLabel('Reason').fill('As every year');
    await button(page, 'Take the next key into use').click();
    await page.getByText('The new key is in use.').waitFor();
    expect(await page.locator('main tbody tr').count()).toBe(2);
    await look(page, 'keys');
    expect((await page.request.get(`${country.url}/treasury/settings`)).status()).toBe(403);
  });

  it('shows nobody more than the payments block does', async () => {
    for (const path of ['/treasury/settings', '/treasury/ledger', '/treasury/cases']) {
      const page = await signedIn(/^Pavel/, '/treasury');
      expect((await page.request.get(`${country.url}${path}`)).status(), path).toBe(403);
    }
    const governor = await signedIn(/^Dara/, '/');
    const menu = governor.getByRole('navigation', { name: 'Main menu' });
    expect(await menu.getByRole('link', { name: 'Payments' }).count()).toBe(0);
    await governor.goto(`${country.url}/treasury/runs`);
    await governor.getByText('There are no payment runs yet.').waitFor();
    expect((await governor.request.get(`${country.url}/treasury/runs/${run}`)).status()).toBe(404);
    const registrar = await signedIn(/^Teo/, '/registries');
    expect((await registrar.request.get(`${country.url}/treasury`)).status()).toBe(403);
  });

  it('offers nobody what the payments block would refuse: an auditor only looks on, and each finds where they work', async () => {
    await appoint('treasury-auditor', 'Lena', 'auditor', 42);
    const [payment] = (await treasury().listInstructions({ params: { batchId: run }, query: {} })).body.items;
    const page = await signedIn(/^Lena/, '/treasury');
    const tabs = page.getByRole('navigation', { name: 'Parts of payments' });
    expect(await tabs.getByRole('link').allInnerTexts()).toEqual([
      'Overview',
      'Runs',
      'Held payees',
      'Vouchers',
      'Billers',
      'Complaints',
      'Messages sent',
      'Records',
    ]);
    for (const path of [
      `runs/${run}`,
      `payments/${payment?.instructionId}`,
      'reviews',
      'vouchers/cash-transfer/food',
      'billers',
      'disputes',
      'messages',
      'records',
    ]) {
      expect((await page.goto(`${country.url}/treasury/${path}`))?.status(), path).toBe(200);
      expect(
        await page
          .locator('main form[method=post]:not([action="/treasury/records"], [action="/treasury/voucher"])')
          .count(),
        path,
      ).toBe(0);
    }
    await page.goto(`${country.url}/treasury/payments/${payment?.instructionId}`);
    expect(await link(page, 'Complain about this payment').count()).toBe(0);
    await page.goto(`${country.url}/treasury/vouchers`);
    expect(await page.getByRole('button', { name: 'New voucher group' }).count()).toBe(0);
    const manager = await signedIn(/^Rosa/, '/treasury');
    await manager.getByRole('heading', { name: 'Billers', level: 1 }).waitFor();
  });

  it('is valid HTML, and reads from right to left on a phone', { timeout: 300_000 }, async () => {
    const officer = await signedIn(/^Nadir/, '/treasury');
    await allow(payments, oversight);
    const records = country.as(payments).client(oversight, `${payments}/${oversight.name}`);
    const [review] = (await records.listReviews({ query: { state: 'released' } })).body.items;
    const [notice] = (await records.listNotices({ query: {} })).body.items;
    const [payment] = (await treasury().listInstructions({ params: { batchId: run }, query: {} })).body.items;
    const shown = [
      '',
      '?by=day',
      '/runs',
      `/runs/${run}`,
      `/runs/${run}/payments`,
      `/runs/${run}/certificate`,
      `/payments/${payment?.instructionId}`,
      '/cases?state=resolved',
      '/ledger',
      '/rails',
      '/vouchers',
      '/voucher-groups/new',
      '/vouchers/cash-transfer/food',
      '/merchants/new',
      '/reconciliation',
      '/reconciliation/statements',
      '/reconciliation/proofs',
      '/reconciliation/suspense',
      '/reconciliation/settlement',
      '/reconciliation/fees',
      '/reviews',
      '/reviews?state=released',
      '/messages',
      `/payments/${review?.instructionId}/reviews`,
      `/messages/${notice?.noticeId}`,
      '/billers',
      '/billers/new',
      '/disputes',
      '/records',
      `/payments/${payment?.instructionId}/dispute`,
      '/settings',
      '/settings/sources/new',
      '/settings/programmes/land/compensation',
      '/settings/rails/fnb',
      '/settings/sources/land',
      '/settings/institutions/new',
      '/settings/checks/new',
      '/vouchers/cash-transfer/food/details',
    ].map((path) => `/treasury${path}`);
    for (const path of shown) {
      const answer = await officer.request.get(`${country.url}${path}`);
      expect(answer.status(), path).toBe(200);
      await expectValidHtml(await answer.text(), path);
    }
    const page = await signedIn(/^نادر/, '/treasury', { ...phone, ...arabic });
    for (const path of shown) {
      await page.goto(`${country.url}${path}`);
      await look(page, 'phone');
    }
  });
});

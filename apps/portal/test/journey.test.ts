import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startBrowser, type TestBrowser, withoutScripts } from './browser.ts';
import { signIn, startPortal, type TestPortal } from './support/portal.ts';
import { UserAgent } from './support/user-agent.ts';

let portal: TestPortal;
let browser: TestBrowser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser?.close());
beforeEach(async () => {
  portal = await startPortal();
});
afterEach(async () => {
  expect(portal.errors).toEqual([]);
  await portal.stop();
});

/** Presses the page's main button and waits for the page it leads to. */
async function proceed(page: Page): Promise<void> {
  const button = page.locator('.govuk-button:not(.govuk-button--secondary)').last();
  await Promise.all([page.waitForEvent('domcontentloaded'), button.click()]);
}

async function fillDate(page: Page, day: string, month: string, year: string): Promise<void> {
  await page.locator('#dateOfBirth-day').fill(day);
  await page.locator('#dateOfBirth-month').fill(month);
  await page.locator('#dateOfBirth-year').fill(year);
}

/** From the service sheet to the page that checks the answers. */
async function fillIn(page: Page): Promise<void> {
  await page.goto(`${portal.url}/services/family-support`);
  await page.locator('.govuk-button--start').click();
  await page.getByRole('button', { name: 'Amina' }).click();
  await page.locator('#choice').check();
  await proceed(page);
  await page.locator('#nationalNumber').fill('xl 1234 5678');
  expect(await page.locator('#phone').inputValue()).toBe('+999712345678');
  await proceed(page);
  await page.locator('#roof-2').check();
  await proceed(page);
  await page.locator('#ownsLand').check();
  await proceed(page);
  // The answer opens a question on the same page.
  await page.locator('#hectares').fill('1,5');
  await proceed(page);
  await page.locator('button[value="add:members"]').click();
  await page.locator('#givenName').fill('Tomas');
  await fillDate(page, '2', '11', '2015');
  await proceed(page);
  // So does an answer about this person.
  await page.locator('#inSchool').check();
  await proceed(page);
  await proceed(page);
  await page.locator('#remarks').fill('Line one\nline two');
  await proceed(page);
}

const expected = {
  nationalNumber: 'XL12345678',
  phone: '+999712345678',
  roof: 'tin',
  ownsLand: true,
  hectares: 1.5,
  members: [{ givenName: 'Tomas', dateOfBirth: '2015-11-02', inSchool: true }],
  remarks: 'Line one\nline two',
};

describe.each<[string, BrowserContextOptions]>([
  ['with scripts', {}],
  ['without scripts', withoutScripts],
  ['in Arabic', { locale: 'ar' }],
])('a citizen %s', (_how, options) => {
  test('applies once, however often they press, and sees the reference', async () => {
    const { context, page } = await browser.user(options);
    await fillIn(page);
    expect(new URL(page.url()).pathname).toBe('/apply/family-support/check');
    const form = page.locator('main form').last();
    const fields = await form
      .locator('input')
      .evaluateAll((inputs) => inputs.map((one) => [one.getAttribute('name'), one.getAttribute('value')]));
    await proceed(page);
    expect(new URL(page.url()).pathname).toBe('/applications/file-1/received');
    expect(await page.locator('.govuk-panel').innerText()).toContain('FS-7K3M-92QX');
    const again = await context.request.post(`${portal.url}/apply/family-support/check`, {
      form: Object.fromEntries(fields as [string, string][]),
      maxRedirects: 0,
    });
    expect(again.status()).toBe(303);
    expect(again.headers().location).toBe('/applications');
    expect(portal.backend.submitted).toHaveLength(1);
    expect(portal.backend.submitted[0]).toMatchObject({ by: 'amina', answers: expected });
    await page.goto(`${portal.url}/applications`);
    expect(await page.getByText('FS-7K3M-92QX').count()).toBeGreaterThan(0);
    await context.close();
  });
});

describe('the form', () => {
  test('keeps answers that stop applying, but never sends them', async () => {
    const { context, page } = await browser.user();
    await fillIn(page);
    await page.locator('#row-ownsLand').getByRole('link').click();
    await page.getByLabel('No', { exact: true }).check();
    await proceed(page);
    expect(new URL(page.url()).pathname).toBe('/apply/family-support/check');
    expect(await page.locator('#row-hectares').count()).toBe(0);
    const draft = await portal.backend.draft({ id: 'amina' } as never, 'family-support');
    expect(draft?.answers.hectares).toBe(1.5);
    await proceed(page);
    const { hectares: _gone, ...rest } = expected;
    expect(portal.backend.submitted[0]?.answers).toEqual({ ...rest, ownsLand: false });
    await context.close();
  });

  test('says what is wrong beside the question and leads there from the summary', async () => {
    const { context, page } = await browser.user();
    portal.backend.consentGiven = true;
    await signIn(portal, page, 'Amina', '/sign-in?return=/apply/family-support/form/contact');
    await page.locator('#nationalNumber').fill('12');
    await page.locator('#phone').fill('');
    await proceed(page);
    expect(await page.title()).toMatch(/^Error: /);
    const summary = page.getByRole('alert');
    expect(await summary.innerText()).toContain('A national number has XL and eight digits');
    await summary.getByRole('link', { name: 'Mobile number' }).click();
    expect(await page.evaluate('document.activeElement.id')).toBe('phone');
    expect(await page.locator('#nationalNumber').inputValue()).toBe('12');
    expect(await page.locator('#nationalNumber').getAttribute('aria-describedby')).toContain(
      'nationalNumber-error',
    );
    await context.close();
  });

  test('shows what good answers have opened together with what is wrong', async () => {
    const { context, page } = await browser.user();
    portal.backend.consentGiven = true;
    await signIn(portal, page, 'Amina', '/sign-in?return=/apply/family-support/form/land');
    await page.locator('#ownsLand').check();
    await page
      .locator('form input[name="animals"]')
      .first()
      .evaluate((one) => one.setAttribute('value', 'dragons'));
    await page.locator('#animals').check();
    await proceed(page);
    await page.getByRole('alert').waitFor();
    expect(await page.getByRole('alert').getByRole('link').allInnerTexts()).toEqual([
      'Choose one of the answers offered: Which animals do you keep?',
    ]);
    expect(await page.locator('#hectares').count()).toBe(1);
    expect(await page.locator('#hectares-error').count()).toBe(0);
    await context.close();
  });

  test('is saved for later and continues where it was left', async () => {
    const { context, page } = await browser.user();
    portal.backend.consentGiven = true;
    await signIn(portal, page, 'Amina', '/sign-in?return=/apply/family-support');
    await page.locator('#nationalNumber').fill('XL12345678');
    await page.getByRole('button', { name: 'Save and finish later' }).click();
    expect(await page.getByRole('alert').innerText()).toContain('Your answers are saved');
    await page.reload();
    expect(await page.getByRole('alert').count()).toBe(0);
    await page.getByRole('link', { name: 'Cash support for families' }).first().click();
    expect(await page.locator('#roof').count()).toBe(1);
    await context.close();
  });

  test('pressing Enter in a field continues, it does not add a person', async () => {
    const { context, page } = await browser.user();
    portal.backend.consentGiven = true;
    await signIn(portal, page, 'Amina', '/sign-in?return=/apply/family-support/form/contact');
    await page.locator('#nationalNumber').fill('XL12345678');
    await page.locator('#nationalNumber').press('Enter');
    await page.waitForURL('**/form/housing');
    await context.close();
  });

  test('people are added, changed and removed one by one, and not more than allowed', async () => {
    const { context, page } = await browser.user();
    portal.backend.consentGiven = true;
    await portal.backend.saveDraft({ id: 'amina' } as never, 'family-support', {
      eFormId: 'eform-1',
      answers: {
        members: [
          { givenName: 'Amina', dateOfBirth: '1988-03-27' },
          { givenName: 'Tomas', dateOfBirth: '1990-11-02' },
        ],
      },
    });
    await signIn(portal, page, 'Amina', '/sign-in?return=/apply/family-support/form/household');
    await page.getByRole('link', { name: 'Remove Tomas' }).click();
    await page.getByRole('button', { name: 'Yes, remove' }).click();
    expect(await page.getByText('Tomas').count()).toBe(0);
    await page.getByRole('link', { name: 'Change Amina' }).click();
    await page.locator('#givenName').fill('Aminata');
    await proceed(page);
    expect(await page.getByText('Aminata').count()).toBeGreaterThan(0);
    const beyond = await page.goto(`${portal.url}/apply/family-support/form/household/members/4`);
    expect(beyond?.status()).toBe(404);
    await context.close();
  });

  test('what the server refuses is shown in the person’s words, not the server’s', async () => {
    const { context, page } = await browser.user();
    await fillIn(page);
    await page.locator('#row-remarks').getByRole('link').click();
    await page.locator('#remarks').fill('refuse me');
    await proceed(page);
    await proceed(page);
    const summary = page.getByRole('alert');
    expect(await summary.innerText()).toContain('What is the roof of your home made of?');
    expect(await page.content()).not.toContain('secret detail');
    expect(portal.backend.submitted).toHaveLength(0);
    await context.close();
  });

  test('nothing is submitted while something is missing', async () => {
    const { context, page } = await browser.user();
    portal.backend.consentGiven = true;
    await portal.backend.saveDraft({ id: 'amina' } as never, 'family-support', {
      eFormId: 'eform-1',
      answers: { roof: 'tin' },
    });
    await signIn(portal, page, 'Amina', '/sign-in?return=/apply/family-support/check');
    await proceed(page);
    await page.getByRole('alert').waitFor();
    const links = await page.getByRole('alert').getByRole('link').all();
    expect(links).toHaveLength(3);
    expect(portal.backend.submitted).toHaveLength(0);
    await context.close();
  });
});

describe('a payee', () => {
  test('[PAY-5.3.1-c] has a receipt of each payment to take along, and can complain about one', async () => {
    const { context, page } = await browser.user();
    await signIn(portal, page, 'Amina', '/sign-in?return=/payments');
    await page.getByRole('link', { name: 'January 2026' }).click();
    expect(await page.locator('.portal-receipt').innerText()).toMatch(
      /R-000017[\s\S]*150\.00[\s\S]*5 January 2026[\s\S]*LMM-88/,
    );
    const answer = await page.request.get(`${page.url()}/receipt.json`);
    expect(await answer.json()).toMatchObject({ number: 'R-000017', amount: { amount: '150.00' } });
    await page.locator('summary', { hasText: 'Something is wrong' }).click();
    await page.getByRole('button', { name: 'Send the complaint' }).click();
    expect(await page.getByRole('alert').innerText()).toMatch(
      /Choose what is wrong[\s\S]*Write what happened/,
    );
    await page.getByLabel('I did not get the money').check();
    await page.getByLabel('What happened').fill('Nothing came in');
    await page.getByRole('button', { name: 'Send the complaint' }).click();
    await page.getByText('Your complaint is sent.').waitFor();
    expect(portal.backend.complaints).toEqual([{ reason: 'not-received', text: 'Nothing came in' }]);
    const stranger = new UserAgent(portal);
    await stranger.signIn('bakary');
    for (const path of ['/payments/p1', '/payments/p1/receipt.json'])
      expect((await stranger.request(path)).status, path).toBe(404);
    await context.close();
  });
});

describe('a payer', () => {
  test('[PAY-6.1-ad][PAY-6.1-ae][PAY-6.1-aa] looks a bill up, approves exactly what is shown, and sees it paid, without scripts', async () => {
    const { context, page } = await browser.user({ javaScriptEnabled: false });
    const { backend } = portal;
    await signIn(portal, page, 'Amina', '/sign-in?return=/bills');
    await page.getByLabel('Number of the bill').fill('900000000042');
    await page.getByRole('button', { name: 'Look up the bill' }).click();
    expect(await page.getByRole('alert').innerText()).toContain('No agency or company is known');
    backend.billState = 'asking';
    await page.getByLabel('Number of the bill').fill('1000 0000 0042');
    await page.getByRole('button', { name: 'Look up the bill' }).click();
    await page.getByText('We are asking for the bill.').waitFor();
    expect((await page.request.get(page.url())).headers().refresh).toBe('3');
    expect((await page.request.get(`${page.url()}?still`)).headers()).not.toHaveProperty('refresh');
    backend.billState = 'unpaid';
    await page.reload();
    await page.getByRole('button', { name: 'Have it paid' }).click();
    expect(await page.getByRole('alert').innerText()).toMatch(
      /Choose where you want to pay[\s\S]*Confirm that you order/,
    );
    expect(backend.ordered).toEqual([]);
    await page.getByLabel('First National Bank').check();
    await page.getByLabel('I order this payment').check();
    const approvedText = (await page.locator('.govuk-inset-text').innerText()).trim();
    await page.locator('input[name=approvedText]').evaluate((element) => {
      (element as unknown as { value: string }).value = 'I order nothing';
    });
    await page.getByRole('button', { name: 'Have it paid' }).click();
    expect(await page.getByRole('alert').innerText()).toContain('cannot be paid as it was shown');
    await page.getByLabel('I order this payment').check();
    await page.getByRole('button', { name: 'Have it paid' }).click();
    await page.getByText('First National Bank asks you to confirm.').waitFor();
    expect(backend.ordered).toEqual([
      { billId: '0198f3c2-0000-7000-8000-000000000001', institution: 'FNBL', approvedText },
    ]);
    backend.billOutcome = 'confirmed';
    await page.reload();
    expect(await page.locator('main').innerText()).toMatch(/has paid the bill[\s\S]*FNB-77[\s\S]*booked/);
    expect(await page.getByRole('button', { name: 'Take the payment back' }).count()).toBe(0);
    await page.goto(`${portal.url}/bills`);
    expect(await page.locator('main table').innerText()).toMatch(/100000000042[\s\S]*250\.75[\s\S]*Paid/);
    backend.billOutcome = 'awaiting-confirmation';
    await page.getByRole('link', { name: '100000000042' }).click();
    await page.getByRole('button', { name: 'Take the payment back' }).click();
    await page.getByText('You took the payment back.').waitFor();
    await context.close();
  });
});

test('somebody appeals in their own words, without scripts, and is told when it is too late', async () => {
  const { context, page } = await browser.user({ javaScriptEnabled: false });
  await signIn(portal, page, 'Amina', '/sign-in?return=/applications/file-0');
  await page.getByText('The line is open again.').waitFor();
  expect(await page.locator('main').innerText()).toMatch(/telephone\nhttps:/);
  await page.getByRole('link', { name: 'Appeal' }).click();
  await page.getByText('Another officer looks at it.').waitFor();
  await page.getByRole('button', { name: 'Send' }).click();
  await page.getByRole('link', { name: 'Write what you want to tell us' }).waitFor();
  await page.getByLabel('Say it in your words').fill('too late');
  await page.getByRole('button', { name: 'Send' }).click();
  await page.getByText('The time for this is over.').waitFor();
  await page.goto(`${portal.url}/applications/file-0/requests/appeal`);
  await page.getByLabel('Say it in your words').fill('We have no land');
  await page.getByRole('button', { name: 'Send' }).click();
  await page.getByText('We have received it.').waitFor();
  expect(portal.backend.asked).toEqual([{ kind: 'appeal', text: 'We have no land' }]);
  await context.close();
});

describe('officials', () => {
  test('an officer answers a complaint in words', async () => {
    const { context, page } = await browser.user();
    await signIn(portal, page, 'Olena', '/sign-in?return=/office/tasks/task-2');
    await page.getByText('It came by letter.').waitFor();
    await page.getByRole('button', { name: 'Send the answer' }).click();
    await page.getByRole('link', { name: 'Write an answer' }).waitFor();
    await page.getByLabel('Answer', { exact: true }).fill('We called you back.');
    await page.getByRole('button', { name: 'Send the answer' }).click();
    await page.getByText('Your answer is recorded').waitFor();
    expect(portal.backend.answered).toEqual(['We called you back.']);
    await context.close();
  });

  test('an officer decides with a reason, once', async () => {
    const { context, page } = await browser.user();
    await signIn(portal, page, 'Olena');
    await page.getByRole('link', { name: 'Amina Osei' }).click();
    await proceed(page);
    expect(await page.getByRole('alert').innerText()).toMatch(/Choose a decision[\s\S]*Give a reason/);
    await page.getByLabel('Do not approve').check();
    await page.getByLabel('Reason').fill('The land register shows 4 hectares.');
    const second = await context.newPage();
    await second.goto(page.url());
    await second.getByLabel('Approve', { exact: true }).check();
    await second.getByLabel('Reason').fill('A second opinion');
    await proceed(page);
    expect(await page.getByRole('alert').innerText()).toContain('Your decision is recorded.');
    await proceed(second);
    expect(await second.locator('h1').innerText()).toBe('This has changed in the meantime');
    expect(portal.backend.decided).toEqual([
      { outcome: 'REJECTED', reason: 'The land register shows 4 hectares.' },
    ]);
    await context.close();
  });

  test('a manager has the payment run of the month prepared', async () => {
    const { context, page } = await browser.user();
    await signIn(portal, page, 'Mateo');
    await page.getByRole('button', { name: 'Prepare payment run' }).click();
    await page.waitForURL('**/treasury/runs');
    expect(portal.backend.prepared).toEqual([expect.stringMatching(/^\d{4}-\d{2}$/)]);
    await context.close();
  });
});

import type { BrowserContextOptions } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Language } from '../src/languages.ts';
import {
  expectNoSidewaysScroll,
  expectNoViolations,
  phone,
  startBrowser,
  type TestBrowser,
} from './browser.ts';
import { signIn, startPortal, type TestPortal } from './support/portal.ts';
import { expectValidHtml } from './valid.ts';

let portal: TestPortal;
let browser: TestBrowser;
beforeAll(async () => {
  [portal, browser] = await Promise.all([startPortal(), startBrowser()]);
  portal.backend.consentGiven = true;
  await portal.backend.saveDraft({ id: 'amina' } as never, 'family-support', {
    eFormId: 'eform-1',
    answers: {
      roof: 'tin',
      ownsLand: true,
      hectares: 1.5,
      members: [{ givenName: 'Amina', dateOfBirth: '1988-03-27' }],
    },
  });
});
afterAll(async () => {
  await browser?.close();
  await portal?.stop();
});

const pages: Readonly<Record<string, readonly string[]>> = {
  '': [
    '/',
    '/services/family-support',
    '/services/birth-registration',
    '/officials',
    '/help/accessibility',
    '/help/privacy',
    '/signed-out',
    '/sign-in/failed',
    '/nothing',
    '/behind-the-scenes/actions/1',
  ],
  Amina: [
    '/apply/family-support/form/contact',
    '/apply/family-support/form/housing',
    '/apply/family-support/form/land',
    '/apply/family-support/form/household',
    '/apply/family-support/form/household/members/2',
    '/apply/family-support/form/household/members/1/remove',
    '/apply/family-support/form/more',
    '/apply/family-support/check',
    '/applications',
    '/applications/file-0',
    '/applications/file-0/requests/appeal',
    '/applications/file-0/requests/nothing',
    '/applications/file-0/behind-the-scenes',
    '/messages',
    '/messages/message-1',
    '/payments',
    '/payments/p1',
    '/payments/p2',
    '/bills',
    '/bills/0198f3c2-0000-7000-8000-000000000001',
    '/bills/payments/0198f3c2-0000-7000-8000-000000000002',
    '/my-data',
    '/my-data/consents/consent-1/withdraw',
    '/office/tasks',
  ],
  Olena: [
    '/office/tasks',
    '/office/tasks?state=REJECTED',
    '/office/tasks/task-1',
    '/office/tasks/task-2',
    '/office/files/file-1',
  ],
  Mateo: ['/office/programmes', '/office/tasks'],
};

describe.each<[string, Language, BrowserContextOptions]>([
  ['on a computer in English', 'en', {}],
  ['on a phone in Arabic', 'ar', phone],
])('pages %s', (_where, language, options) => {
  test.each(Object.keys(pages))('[CFR-QUA-2][CFR-QUA-3] are valid, accessible and fit the screen (%s)', {
    timeout: 120_000,
  }, async (person) => {
    const { context, page } = await browser.user(options);
    await context.addCookies([{ name: 'portal-language', value: language, url: portal.url }]);
    const refused: string[] = [];
    page.on('console', (line) => {
      if (/Content Security Policy|Refused/.test(line.text())) refused.push(`${page.url()} ${line.text()}`);
    });
    page.on('pageerror', (error) => refused.push(`${page.url()} ${error.message}`));
    if (person !== '') await signIn(portal, page, person);
    for (const path of pages[person] as readonly string[]) {
      const answer = await page.goto(`${portal.url}${path}`);
      await expectValidHtml((await answer?.text()) ?? '', path);
      expect(await page.locator('html').getAttribute('lang')).toBe(language);
      expect(await page.locator('h1').count(), path).toBe(1);
      await expectNoViolations(page);
      await expectNoSidewaysScroll(page);
    }
    expect(refused).toEqual([]);
    expect(portal.errors).toEqual([]);
    await context.close();
  });
});

test('pages with errors and the consent page are accessible too', async () => {
  const { context, page } = await browser.user();
  await signIn(portal, page, 'Amina', '/sign-in?return=/apply/family-support/form/contact');
  await page.getByLabel('Mobile number').fill('12');
  await page.getByRole('button', { name: 'Continue' }).last().click();
  await page.getByText('There is a problem').waitFor();
  await expectNoViolations(page);
  portal.backend.consentGiven = false;
  await page.goto(`${portal.url}/apply/family-support`);
  await expectNoViolations(page);
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByText('There is a problem').waitFor();
  await expectNoViolations(page);
  await page.getByLabel('No, I do not agree').check();
  await page.getByRole('button', { name: 'Continue' }).click();
  await expectNoViolations(page);
  await context.close();
});

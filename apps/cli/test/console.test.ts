import { applications } from '@govstack/country/seed';
import { type VerificationConfiguration, verifyContainer } from '@govstack/information-mediator/verify';
import { arabic, phone } from '@govstack/portal/testing';
import type { Locator } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { demonstrationCountry } from './country.ts';

const country = demonstrationCountry('console');
const { signedIn, look } = country;

describe('the console of the information mediator', () => {
  it('[IM-4.5-a] shows volume per service and organisation, and what failed', async () => {
    const page = await signedIn(/^Aya/, '/exchange');
    const total = page.locator('.portal-figures dd').first();
    const count = async (cells: Locator): Promise<number> =>
      (await cells.allTextContents()).reduce((sum, text) => sum + Number(text.replaceAll(/\D/g, '')), 0);
    expect(await count(total)).toBeGreaterThan(50);
    const perHour = page.locator('details table td:nth-child(2)');
    expect(await count(perHour)).toBe(await count(total));
    expect(await page.locator('.portal-chart rect').count()).toBeGreaterThan(0);
    await page.getByRole('link', { name: 'identity-enrolment-v1' }).waitFor();
    expect(await page.locator('main .govuk-tag').allTextContents()).toContain('well');
    await page.locator('summary').first().click();
    await look(page);
    // Another agency's administrator sees what the agency took part in.
    const other = await signedIn(/^Ivo/, '/exchange', phone);
    expect(await other.getByRole('link', { name: 'identity-enrolment-v1' }).count()).toBe(0);
    await look(other);
  });

  it('[IM-6.4-b] shows all members, applications and services, and each service’s description', async () => {
    const page = await signedIn(/^Dara/, '/exchange/catalogue');
    expect(await page.locator('h2').count()).toBeGreaterThan(5);
    await look(page);
    await page.getByLabel('Search by service, application or organisation').fill('payments-g2p');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('status').getByText('1 service').waitFor();
    await page.locator('main table a').click();
    await page.getByRole('heading', { level: 1, name: /.+/ }).waitFor();
    await page.getByText(`${applications.payments}/payments-g2p-v1`, { exact: true }).waitFor();
    await page.locator('summary').first().click();
    await look(page);
    await page.goto(
      `${country.url}/exchange/services/${encodeURIComponent('LUMORA/GOV/TRE/payments/none-v1')}`,
    );
    expect(await page.locator('h1').textContent()).toMatch(/no such page/);
  });

  it('[IM-8.4-a][IM-6.6-a] finds an exchange, shows its evidence, and its contents to an auditor who says why', async () => {
    const page = await signedIn(/^Aya/, '/exchange/messages');
    await page.getByLabel('Service (identifier)').fill(`${applications.identity}/identity-enrolment-v1`);
    await page.getByLabel('Outcome').selectOption('2xx');
    await page.getByRole('button', { name: 'Search' }).click();
    const found = page.locator('main table a');
    expect(await found.count()).toBeGreaterThan(0);
    await look(page);
    await found.first().click();
    expect(await page.locator('.govuk-tag--green').allTextContents()).toEqual(['holds', 'holds']);
    await look(page);
    await page.getByRole('button', { name: 'Read the message' }).click();
    await page.getByText('There is a problem').waitFor();
    await look(page);
    await page.getByLabel('Why do you need to read it?').fill('A citizen has asked what was said');
    await page.getByRole('button', { name: 'Read the message' }).click();
    await page.getByText('It is what was signed').waitFor();
    expect(await page.locator('pre').textContent()).toContain('X-Road-Client');
    await look(page);
    // An administrator sees that it was, not what.
    const other = await signedIn(/^Dara/, new URL(page.url()).pathname.replace('/contents', ''));
    await other.getByRole('heading', { name: 'One exchange' }).waitFor();
    expect(await other.getByRole('button', { name: 'Read the message' }).count()).toBe(0);
  });

  it('[IM-6.2-e][IM-6.2-h] asks for access from the catalogue; the provider approves, and the application may call', async () => {
    const service = `${applications.identity}/identity-person-v1`;
    const page = await signedIn(/^Ivo/, `/exchange/services/${encodeURIComponent(service)}`);
    await page.getByLabel('Application that is to have access').selectOption(applications.cashTransfer);
    await page.getByLabel('What for').fill('To show beneficiaries their own data');
    await look(page);
    await page.getByRole('button', { name: 'Ask for access' }).click();
    await page.getByText('The request is with the provider of the service').waitFor();
    expect(await page.getByRole('button', { name: 'Approve' }).count()).toBe(0);
    await look(page);
    const provider = await signedIn(/^Dara/, '/exchange/requests');
    await provider.getByText('To show beneficiaries their own data').waitFor();
    await look(provider);
    await provider.getByRole('button', { name: 'Approve' }).click();
    await provider.getByText('The request is approved; it is in force now').waitFor();
    await provider.goto(`${country.url}/exchange/acts`);
    await provider.getByText('decideRequest').first().waitFor();
    await look(provider);
    await provider.goto(`${country.url}/exchange/services/${encodeURIComponent(service)}`);
    expect(await provider.locator('main table').first().textContent()).toContain(
      'Ministry of Social Protection',
    );
  });

  it('[IM-6.4-b] lets an administrator try a service, as an application of the agency and of no other', async () => {
    const service = `${applications.identity}/identity-enrolment-v1`;
    const page = await signedIn(/^Ivo/, `/exchange/services/${encodeURIComponent(service)}`);
    await page.locator('summary').first().click();
    await page
      .getByRole('link', { name: /^Try it out/ })
      .first()
      .click();
    const options = await page
      .getByLabel('Call as')
      .locator('option')
      .evaluateAll((all) => all.map((one) => (one as { value?: string }).value));
    expect(options).toContain(applications.cashTransfer);
    expect(options).not.toContain(applications.identity);
    await look(page);
    await page.getByRole('button', { name: 'Call' }).click();
    await page.getByText('Refused by the mediator').waitFor();
    await page.getByText('Server.ServerProxy.AccessDenied').first().waitFor();
    await look(page);

    const allowed = `${applications.messaging}/messaging-v1`;
    await page.goto(`${country.url}/exchange/services/${encodeURIComponent(allowed)}`);
    await page.locator('summary', { hasText: '/messages/{id}' }).click();
    await page.getByRole('link', { name: 'Try it out GET /messages/{id}' }).click();
    await page.getByRole('button', { name: 'Call' }).click();
    await page.getByRole('link', { name: 'Enter id' }).waitFor();
    await page.getByLabel('id', { exact: true }).fill('00000000-0000-4000-8000-000000000000');
    await page.getByLabel('Call as').selectOption(applications.cashTransfer);
    await page.getByRole('button', { name: 'Call' }).click();
    await page.getByRole('heading', { name: 'Answer 404' }).waitFor();
    await look(page);
    await page.getByRole('link', { name: 'The evidence of this call' }).click();
    await page.getByText('GET /messages/00000000-0000-4000-8000-000000000000').waitFor();
    expect(await page.locator('.govuk-tag--green').allTextContents()).toEqual(['holds', 'holds']);
    // An auditor looks on.
    const auditor = await signedIn(/^Aya/, `/exchange/services/${encodeURIComponent(allowed)}`);
    await auditor.locator('summary').first().waitFor();
    expect(await auditor.getByRole('link', { name: /^Try it out/, includeHidden: true }).count()).toBe(0);
  });

  it('shows keys with their certificates and when those end', async () => {
    const page = await signedIn(/^Dara/, '/exchange/certificates');
    expect(await page.locator('main tbody tr').count()).toBeGreaterThan(3);
    expect(await page.locator('.govuk-tag--green').count()).toBeGreaterThan(3);
    await look(page);
  });

  it('[IM-6.6-c] gives an auditor a message with its evidence as a file', async () => {
    const page = await signedIn(/^Aya/, '/exchange/messages?status=2xx');
    await page.locator('main table a').first().click();
    await page.getByLabel('Why do you need to read it?').fill('A court has asked for it');
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download with its evidence' }).click(),
    ]);
    expect(file.suggestedFilename()).toMatch(/^[0-9a-f-]{36}-request\.asice$/);
    const chunks: Buffer[] = [];
    for await (const chunk of await file.createReadStream()) chunks.push(chunk as Buffer);
    const believed = await (await fetch(`${country.url}/trust/verification.json`)).json();
    const proven = await verifyContainer(Buffer.concat(chunks), believed as VerificationConfiguration);
    expect(proven.signer).toMatch(/^LUMORA\//);
  });

  it('reads from right to left on a phone', async () => {
    const page = await signedIn(/^(Dara|دارا)/, '/exchange/catalogue?search=consent', {
      ...phone,
      ...arabic,
    });
    await look(page);
    await page.locator('main table a').first().click();
    await page.locator('summary').first().click();
    await look(page);
  });

  it('is for administrators and auditors only', async () => {
    const page = await signedIn(/^Omar/, '/exchange/catalogue');
    expect(await page.locator('main table').count()).toBe(0);
    expect(await page.locator('nav a[href="/exchange"]').count()).toBe(0);
  });
});

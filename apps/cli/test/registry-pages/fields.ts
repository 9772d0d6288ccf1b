import { readFileSync } from 'node:fs';
import { arabic, expectValidHtml, phone, withoutScripts } from '@govstack/portal/testing';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { button, type Country, link } from '../country.ts';
import { publishRegistry } from '../registry-console.ts';

export function documentsAndSecrets(country: Country): void {
  const { signedIn, look } = country;
  /** Works without scripts. */
  let registrar: Page;
  let record: string;

  const png = Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  );
  const pdf = (text: string) => ({
    name: `${text}.pdf`,
    mimeType: 'application/pdf',
    buffer: Buffer.from(`%PDF-1.4\n% ${text}\n%%EOF\n`),
  });
  const bring = (
    page: Page,
    field: string,
    file: Parameters<ReturnType<Page['locator']>['setInputFiles']>[0],
  ) => page.getByRole('group', { name: field }).getByLabel('Choose a file').setInputFiles(file);
  const pin = (page: Page) =>
    page
      .locator('.govuk-summary-list__row')
      .filter({ hasText: /^\s*Pin/ })
      .locator('dd');

  beforeAll(async () => {
    const analyst = await signedIn(/^Sana/, '/registries');
    await publishRegistry(country, analyst, 'permits', 'Permits', {
      type: 'object',
      required: ['Pin'],
      properties: {
        Holder: { type: 'string', id: 1, personal: true, owner: true },
        Pin: { type: 'string', id: 2, secret: true, pattern: '^[0-9]{4}$' },
        Photo: { type: 'file', id: 3, fileTypes: ['image/png', 'image/jpeg'] },
        Paper: { type: 'file', id: 4, fileTypes: ['application/pdf'] },
      },
    });
    registrar = await signedIn(/^Teo/, '/registries/permits/records', withoutScripts);
  }, 120_000);

  describe('documents and secrets of records in the portal', () => {
    it('[REG-6.1-21-b] brings documents with the form of a record, opens pictures, downloads others, shows its changes and who read it, without scripts', async () => {
      await registrar.goto(`${country.url}/registries/permits/records/new`);
      await look(registrar, 'new');
      await registrar.getByLabel('Holder').fill('Ana');
      await bring(registrar, 'Photo', {
        name: 'me.png',
        mimeType: 'image/png',
        buffer: Buffer.from('no picture'),
      });
      await bring(registrar, 'Paper', pdf('permit'));
      await button(registrar, 'Save').click();
      await link(registrar, /^The file is not of a kind that this field takes: Photo/).waitFor();
      await link(registrar, /Pin/).waitFor();
      // What was taken is not brought again.
      await registrar.getByRole('group', { name: 'Paper' }).getByText('permit.pdf').waitFor();
      await bring(registrar, 'Photo', { name: 'me.png', mimeType: 'image/png', buffer: png });
      await registrar.getByLabel('Pin').fill('4711');
      await button(registrar, 'Save').click();
      await registrar.getByText('The record is made.').waitFor();
      record = registrar.url();
      await look(registrar, 'record');
      const picture = await registrar.getByRole('img', { name: 'me.png' }).getAttribute('src');
      const shown = await registrar.request.get(`${country.url}${picture}`);
      expect(shown.headers()).toMatchObject({
        'content-type': 'image/png',
        'content-disposition': expect.stringMatching(/^inline/),
        'content-security-policy': "default-src 'none'; sandbox",
        'cache-control': 'no-store',
      });
      expect((await shown.body()).equals(png)).toBe(true);
      const [file] = await Promise.all([
        registrar.waitForEvent('download'),
        link(registrar, 'permit.pdf').click(),
      ]);
      expect(file.suggestedFilename()).toBe('permit.pdf');
      expect(readFileSync(await file.path())).toEqual(pdf('permit').buffer);
      const foreign = `${record}/documents/01900000-0000-7000-8000-000000000000`;
      expect((await registrar.request.get(foreign)).status()).toBe(404);
      await link(registrar, 'History').click();
      expect(await registrar.locator('.portal-changes').first().innerText()).toMatch(
        /Holder\s+–\s+Ana[\s\S]*Photo\s+–\s+me\.png/,
      );
      const analyst = await signedIn(/^Sana/, new URL(record).pathname);
      await link(analyst, 'Who has read it').click();
      await analyst.getByText('Everybody who read personal data').waitFor();
      expect(await analyst.locator('main tbody').innerText()).toMatch(/You[\s\S]*Holder/);
    });

    it('[REG-6.1-22-a] changes documents and encrypted fields, in the detail view and in the grid; secrets are shown only when asked for', async () => {
      await registrar.goto(record);
      expect(await pin(registrar).innerText()).not.toContain('4711');
      expect(await registrar.content()).not.toContain('4711');
      await link(registrar, 'Show Pin').click();
      expect(await pin(registrar).innerText()).toContain('4711');
      await link(registrar, 'Hide Pin').click();

      await registrar.goto(`${record}/edit`);
      expect(await registrar.getByLabel('Pin').inputValue()).toBe('');
      await look(registrar, 'edit');
      await registrar.getByLabel('Holder').fill('Ana B');
      await bring(registrar, 'Paper', pdf('renewed'));
      await registrar.getByLabel('Take it away: Photo').check();
      await button(registrar, 'Save').click();
      await link(registrar, 'renewed.pdf').waitFor();
      expect(await registrar.getByRole('img', { name: 'me.png' }).count()).toBe(0);
      await registrar.goto(`${record}?show=2`);
      expect(await pin(registrar).innerText()).toContain('4711');

      await registrar.goto(`${record}/edit`);
      await registrar.getByLabel('Pin').fill('4712');
      await button(registrar, 'Save').click();
      await link(registrar, 'Show Pin').click();
      expect(await pin(registrar).innerText()).toContain('4712');
      await registrar.goto(`${country.url}/registries/permits/records`);
      await link(registrar, /^Edit/).first().click();
      await registrar.locator('td').getByLabel('Pin').fill('4713');
      await button(registrar, 'Save').click();
      await registrar.getByText('The change is saved.').waitFor();
      expect(await registrar.content()).not.toMatch(/471\d/);
      await registrar.goto(`${record}?show=2`);
      expect(await pin(registrar).innerText()).toContain('4713');
      await link(registrar, 'History').click();
      expect(await registrar.content()).not.toMatch(/471[123]/);
      expect(await registrar.locator('main').innerText()).toMatch(/Paper\s+permit\.pdf\s+renewed\.pdf/);
    });

    it('[REG-6.1-22-a] a secret that somebody may not see stays when they change the record', async () => {
      const analyst = await signedIn(/^Sana/, '/registries/permits/access');
      await analyst.getByLabel('Registrars see and change records').uncheck();
      await button(analyst, 'Keep').click();
      await button(analyst, 'Give a right').or(link(analyst, 'Give a right')).click();
      await analyst.getByLabel('Short name').fill('holders');
      await analyst.getByLabel('Role', { exact: true }).fill('registrar');
      await analyst.getByLabel('Change records').check();
      await analyst.getByLabel('As said below').check();
      await analyst.getByLabel('Holder', { exact: true }).selectOption('Shown and written');
      await button(analyst, 'Keep the right').click();
      await analyst.getByText('The access is as you said.').waitFor();
      await registrar.goto(`${record}?show=2`);
      expect(await link(registrar, 'Show Pin').count()).toBe(0);
      expect(await registrar.content()).not.toMatch(/4713|renewed/);
      await registrar.goto(`${record}/edit`);
      await registrar.getByLabel('Holder').fill('Ana C');
      await button(registrar, 'Save').click();
      await registrar.getByText('The change is saved.').waitFor();
      await analyst.goto(`${record}?show=2`);
      expect(await pin(analyst).innerText()).toContain('4713');
      await link(analyst, 'renewed.pdf').waitFor();
      await analyst.getByText('Ana C').waitFor();
      await analyst.goto(`${country.url}/registries/permits/access`);
      await button(analyst, 'Take away holders').click();
      await analyst.getByLabel('Registrars see and change records').check();
      await button(analyst, 'Keep').click();
      await analyst.getByText('The access is as you said.').waitFor();
    });

    it('is valid HTML, and reads from right to left on a phone', async () => {
      for (const path of ['', '/edit', '/history'])
        await expectValidHtml(await (await registrar.request.get(`${record}${path}`)).text(), path);
      const page = await signedIn(/^(Teo|تيو)/, new URL(record).pathname, { ...phone, ...arabic });
      await look(page, 'phone');
      await page.goto(`${record}/edit`);
      await look(page, 'phone');
    });
  });
}

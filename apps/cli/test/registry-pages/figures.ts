import { readFileSync } from 'node:fs';
import { applications } from '@govstack/country/seed';
import { registryData } from '@govstack/digital-registries/api';
import { arabic, expectValidHtml, phone, withoutScripts } from '@govstack/portal/testing';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { button, type Country, link } from '../country.ts';
import { enterRecord, publishRegistry } from '../registry-console.ts';

export function figuresAndLinks(country: Country): void {
  const { signedIn, look } = country;
  let analyst: Page;
  let registrar: Page;

  async function open(page: Page, path: string): Promise<void> {
    await page.goto(`${country.url}/registries/springs${path}`);
  }

  const nowhere = 'This link leads nowhere: it may have expired, been used up, or been taken back';
  async function pasted(page: Page, address: string): Promise<void> {
    await page.goto(`${country.url}/shared`);
    await page.getByLabel('Link or its code').fill(address);
    await button(page, 'Open').click();
  }

  const cells = async (page: Page, table: string) =>
    (await page.locator(`${table} tbody tr`).allInnerTexts()).map((row) => row.trim().split(/\s*[\t\n]\s*/));

  beforeAll(async () => {
    analyst = await signedIn(/^Sana/, '/registries');
    await publishRegistry(country, analyst, 'springs', 'Springs', {
      type: 'object',
      properties: {
        Town: { type: 'string', id: 1 },
        Depth: { type: 'integer', id: 2 },
        Keeper: { type: 'string', id: 3, personal: true, owner: true },
      },
    });
    await enterRecord(country, analyst, 'springs', { Town: 'Amara', Depth: '4' });
    await enterRecord(country, analyst, 'springs', { Town: 'Amara', Depth: '40' });
    registrar = await signedIn(/^Teo/, '/registries/springs/records');
    await enterRecord(country, registrar, 'springs', { Town: 'Sol', Depth: '400', Keeper: 'Mina Vale' });
  }, 180_000);

  describe('figures, logs and links of a registry in the portal', () => {
    it('[REG-6.1-26-a][REG-4.1-g] shows records over time, by a field, their quality and uses, and gives them to take along', async () => {
      await open(analyst, '/figures');
      expect((await cells(analyst, '#months')).at(-1)?.slice(1)).toEqual(['3', '0', '0']);
      expect(await analyst.locator('.portal-chart svg rect').count()).toBe(12);
      expect(await cells(analyst, '.portal-bars')).toEqual([
        ['Amara', '2'],
        ['Sol', '1'],
      ]);
      // What would tell of persons one by one is not offered.
      expect(await analyst.getByLabel('Count by').locator('option').allInnerTexts()).toEqual([
        'Town',
        'Depth',
      ]);
      await analyst.getByLabel('Count by').selectOption('Depth');
      await button(analyst, 'Show').click();
      await analyst.getByLabel('Ranges begin at').fill('50, 10');
      await button(analyst, 'Show').click();
      await analyst.getByText('There is a problem').waitFor();
      await analyst.getByLabel('Ranges begin at').fill('10, 50');
      await button(analyst, 'Show').click();
      await analyst.getByText('There is a problem').waitFor({ state: 'detached' });
      expect(await cells(analyst, '.portal-bars')).toEqual([
        ['below 10', '1'],
        ['10 to below 50', '1'],
        ['50 and above', '1'],
      ]);
      const [file] = await Promise.all([
        analyst.waitForEvent('download'),
        link(analyst, 'Depth as a table').click(),
      ]);
      const lines = readFileSync(await file.path(), 'utf8')
        .trim()
        .split('\r\n');
      expect(lines[0]).toBe('Depth,count');
      expect(lines.slice(1).sort()).toEqual(['10 to below 50,1', '50 and above,1', 'below 10,1']);
      await button(analyst, 'Measure now').click();
      const keeper = analyst
        .getByRole('row')
        .filter({ has: analyst.getByRole('rowheader', { name: 'Keeper' }) });
      expect((await keeper.innerText()).trim().split(/\s+/)).toEqual(['Keeper', '33.3%', '0', '0']);
      await analyst.getByRole('rowheader', { name: 'createRecord' }).waitFor();
      await look(analyst, 'figures');
      await open(registrar, '/figures');
      expect(await cells(registrar, '.portal-bars')).toHaveLength(2);
      expect(await button(registrar, 'Measure now').count()).toBe(0);
    }, 60_000);

    it('[REG-6.1-7-b][REG-4.1-h] finds changes, reads and what was done to the registry; the chain is checked and signed', async () => {
      await open(analyst, '/log');
      const rows = analyst.locator('main tbody tr');
      expect(await rows.count()).toBe(3);
      const person = await rows.first().locator('td code').first().innerText();
      const addresses: string[] = [];
      analyst.on('request', (request) => addresses.push(request.url()));
      await analyst.getByLabel('Person (id)').fill(person);
      await analyst.getByLabel('What happened').selectOption('Made');
      await button(analyst, 'Search').click();
      await link(analyst, 'Clear all').waitFor();
      expect(await rows.count()).toBe(1);
      expect(await rows.first().innerText()).toMatch(/Made[\s\S]+Town, Depth/);
      expect(await rows.first().innerText()).not.toContain('Mina Vale');
      expect(await analyst.getByLabel('Person (id)').inputValue()).toBe(person);
      expect(addresses.filter((address) => address.includes(person))).toEqual([]);
      await look(analyst, 'changes');
      await analyst.getByLabel('What happened').selectOption('Deleted');
      await button(analyst, 'Search').click();
      await analyst.getByText('Nothing was found.').waitFor();
      await link(analyst, 'The registry').click();
      expect(await rows.first().innerText()).toMatch(/Published[\s\S]+You/);
      await look(analyst, 'registry');
      await registrar.goto(`${country.url}/registries/springs/records`);
      await link(analyst, 'Who has read').click();
      await analyst.getByLabel('Field', { exact: true }).selectOption('Keeper');
      await analyst.getByLabel('Person (id)').fill(person);
      await button(analyst, 'Search').click();
      await link(analyst, 'Clear all').waitFor();
      expect(await rows.first().innerText()).toMatch(/Listed|Read/);
      await look(analyst, 'reads');
      await link(analyst, 'Proof').click();
      await button(analyst, 'Sign now').click();
      await analyst.getByRole('rowheader', { name: '1' }).first().waitFor();
      await button(analyst, 'Check the chain').click();
      await analyst.getByText('The chain holds.').waitFor();
      await look(analyst, 'proof');
      const refused = await registrar.request.get(`${country.url}/registries/springs/log`);
      expect(refused.status()).toBe(403);
    }, 60_000);

    it('[REG-6.1-27-a][REG-6.1-27-b][REG-6.1-27-c] shares chosen fields of a record by a link, with and without scripts, and takes it back', async () => {
      await open(registrar, '/records');
      await registrar.locator('tbody th a').first().click();
      await link(registrar, 'Share').click();
      await registrar.getByLabel('Depth', { exact: true }).uncheck();
      await registrar.getByLabel('Days until it ends').fill('400');
      await button(registrar, 'Make the link').click();
      await registrar.getByText('There is a problem').waitFor();
      await registrar.getByLabel('Days until it ends').fill('3');
      await registrar.getByLabel('It may also be downloaded').check();
      await button(registrar, 'Make the link').click();
      const address = (await registrar.locator('#link').getAttribute('href')) as string;
      expect(address).toMatch(`${country.url}/shared#`);
      await registrar.getByRole('img', { name: 'The link as a QR code' }).waitFor();
      await look(registrar, 'share');

      const { page: visitor } = await country.user();
      const sent: string[] = [];
      visitor.on('request', (request) => sent.push(request.url()));
      await visitor.goto(address);
      const shared = visitor.locator('#shared');
      await shared.waitFor();
      expect(await shared.innerText()).toMatch(/^Town\s+\w+$/);
      const code = address.split('#')[1] as string;
      expect(
        sent.filter((one) => new URL(one).search.includes(code) || new URL(one).pathname.includes(code)),
      ).toEqual([]);
      await look(visitor, 'shared');
      const [file] = await Promise.all([
        visitor.waitForEvent('download'),
        button(visitor, 'Download').click(),
      ]);
      expect(readFileSync(await file.path(), 'utf8')).toContain('Town');

      const { page: plain } = await country.user(withoutScripts);
      await plain.goto(`${country.url}/shared`);
      await look(plain, 'shared-form');
      await pasted(plain, address);
      await plain.locator('#shared').waitFor();

      // Switched off by who designs the registry, it leads nowhere, and nobody else is offered to share.
      const page = registrar.url();
      await analyst.goto(page);
      await button(analyst, 'Stop sharing in this registry: no link opens any more').click();
      await registrar.goto(page);
      await registrar.getByText('Records of this registry are not shared by link.').waitFor();
      expect(await link(registrar, 'Share').count()).toBe(0);
      await pasted(plain, address);
      await link(plain, nowhere).waitFor();
      await button(analyst, 'Allow sharing in this registry').click();
      await pasted(plain, address);
      await plain.locator('#shared').waitFor();

      await registrar.goto(page);
      expect((await registrar.locator('#links tbody tr').innerText()).replaceAll(/\s+/g, ' ')).toMatch(
        /Open .* 4 Town/,
      );
      await registrar.getByRole('button', { name: /^End it/ }).click();
      await registrar.getByText('Taken back').waitFor();
      for (const one of [address, `${'x'.repeat(22)}@${code.split('@')[1]}`, 'nonsense']) {
        await pasted(plain, one);
        await link(plain, nowhere).waitFor();
      }
    }, 60_000);

    it('[REG-9.1-a] an analyst builds, publishes and hands out a registry with screens, APIs, logs and figures, without programming', async () => {
      const { civilRegistry, cashTransfer } = applications;
      const published = { registryName: 'adoptions', versionNumber: '1.0' };
      const theirs = country.as(cashTransfer).client(registryData, `${civilRegistry}/${registryData.name}`);
      const read = () =>
        theirs.readRecord({
          params: published,
          headers: { 'x-purpose': 'eligibility' },
          body: { query: { content: { 'National number': '19880327-1' } } },
        });

      const page = await signedIn(/^Sana/, '/registries/new');
      await page.getByLabel('Name', { exact: true }).fill('Register of adoptions');
      await page.getByLabel('Short code').fill('adoptions');
      await button(page, 'Design its fields').click();
      for (const [kind, name, ...flags] of [
        [
          'Text',
          'National number',
          'No two records have the same',
          'Personal data',
          'Says whose record it is',
        ],
        ['Choice from a list', 'District'],
        ['Date', 'Decided on'],
      ] as const) {
        await page.getByLabel('What the new field holds').selectOption(kind);
        await button(page, 'Add a field').click();
        await page.getByLabel('Name', { exact: true }).fill(name);
        for (const flag of flags) await page.getByLabel(flag, { exact: true }).check();
        if (name === 'District') await page.getByLabel('Choices').fill('Amara\nSol');
        await button(page, 'Keep in the draft').click();
        await page.locator('.portal-fields').getByRole('link', { name }).waitFor();
      }
      await button(page, 'Publish').click();
      await page.getByText('Published. People and applications can use it now.').waitFor();

      await page.goto(`${country.url}/registries/adoptions/records/new`);
      await page.getByLabel('Name').fill('Ana Vale');
      await page.getByLabel('National number').fill('19880327-1');
      await page.getByLabel('District').selectOption('Sol');
      for (const [part, value] of [
        ['Day', '27'],
        ['Month', '3'],
        ['Year', '2026'],
      ] as const)
        await page.getByLabel(part).fill(value);
      await button(page, 'Save').click();
      await page.getByText('The record is made.').waitFor();

      // Handed out: before, there is no such registry for another agency.
      await expect(read()).rejects.toMatchObject({ status: 404 });
      await link(page, /^Access$/).click();
      await button(page, 'Give a right').or(link(page, 'Give a right')).click();
      await page.getByLabel('Short name').fill('cash-transfer');
      await page.getByLabel('An application').check();
      await page.getByLabel('Application', { exact: true }).fill(cashTransfer);
      for (const method of ['Search records', 'Ask whether a record exists'])
        await page.getByLabel(method).uncheck();
      await page.getByLabel('As said below').check();
      for (const field of ['National number', 'District'])
        await page.getByLabel(field, { exact: true }).selectOption('Shown only');
      await button(page, 'Keep the right').click();
      await page.getByText('The access is as you said.').waitFor();
      expect((await read()).body.content).toEqual({ 'National number': '19880327-1', District: 'Sol' });

      await link(page, /^Log$/).click();
      await link(page, 'Who has read').click();
      await page.getByLabel('Application', { exact: true }).fill(cashTransfer);
      await button(page, 'Search').click();
      await link(page, 'Clear all').waitFor();
      expect(await page.locator('main tbody tr').allInnerTexts()).toEqual([
        expect.stringMatching(/Read[\s\S]*Cash transfer[\s\S]*National number[\s\S]*eligibility/i),
      ]);
      await link(page, /^Figures$/).click();
      expect((await cells(page, '#months')).at(-1)?.slice(1)).toEqual(['1', '0', '0']);
      await page.getByLabel('Count by').selectOption('District');
      await button(page, 'Show').click();
      await page.locator('.portal-bars').getByRole('rowheader', { name: 'Sol' }).waitFor();
      expect(await cells(page, '.portal-bars')).toEqual([['Sol', '1']]);
      const uses = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: 'readRecord' }) });
      expect((await uses.innerText()).trim().split(/\s+/).slice(0, 3)).toEqual(['readRecord', '1', '0']);

      // What the other agency's developers are given.
      const given = async (file: string) =>
        (await page.request.get(`${country.url}/registries/adoptions/${file}`)).text();
      await link(page, 'Overview').click();
      for (const name of [/to read \(HTML\)/, /for programs \(OpenAPI\)/]) await link(page, name).waitFor();
      const document = JSON.parse(await given('openapi.json')) as { paths: object };
      expect(Object.keys(document.paths)).toContain('/data/adoptions/1.0/read');
      expect(await given('openapi.html')).toContain('Decided on');
    }, 60_000);

    it('is valid HTML, and reads from right to left on a phone', async () => {
      const record = new URL(registrar.url()).pathname;
      const base = '/registries/springs';
      const pages = ['/figures', '/log', '/log/registry', '/log/reads', '/log/chain'].map(
        (path) => `${base}${path}`,
      );
      for (const path of [...pages, record, '/shared'])
        await expectValidHtml(await (await analyst.request.get(`${country.url}${path}`)).text(), path);
      const page = await signedIn(/^(Sana|سناء)/, `${base}/figures`, { ...phone, ...arabic });
      for (const path of [`${base}/figures`, `${base}/log`, record]) {
        await page.goto(`${country.url}${path}`);
        await look(page, 'phone');
      }
    }, 60_000);
  });
}

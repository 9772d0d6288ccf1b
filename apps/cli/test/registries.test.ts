import { readFileSync } from 'node:fs';
import { arabic, expectValidHtml, phone, withoutScripts } from '@govstack/portal/testing';
import type { Locator, Page } from 'playwright-core';
import { readSheet } from 'read-excel-file/node';
import { describe, expect, it } from 'vitest';
import writeExcelFile from 'write-excel-file/node';
import { button, demonstrationCountry, link } from './country.ts';
import { enterRecord, publishRegistry } from './registry-console.ts';

const country = demonstrationCountry('registries');
const { signedIn, look } = country;

/** Goes to an element as somebody does who has no mouse. */
async function reach(page: Page, target: Locator): Promise<void> {
  for (let presses = 0; presses < 150; presses += 1) {
    if (await target.evaluate((element) => element.ownerDocument.activeElement === element)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`the keyboard does not reach ${target}`);
}

async function press(page: Page, target: Locator): Promise<void> {
  await reach(page, target);
  await page.keyboard.press('Enter');
}

async function type(page: Page, label: string, text: string): Promise<void> {
  await reach(page, page.getByLabel(label, { exact: true }));
  await page.keyboard.type(text);
}

async function tick(page: Page, label: string): Promise<void> {
  await reach(page, page.getByLabel(label, { exact: true }));
  await page.keyboard.press('Space');
}

const workbookOf = (rows: readonly (readonly (string | boolean)[])[]): Promise<Buffer> =>
  writeExcelFile(rows.map((row) => row.map((value) => ({ value })))).toBuffer();

describe('the registries in the portal', { timeout: 400_000 }, () => {
  it('[REG-6.1-1-a] an analyst designs and publishes a registry, by keyboard alone', async () => {
    const page = await signedIn(/^Sana/, '/registries');
    await look(page, 'list');
    await press(page, link(page, 'New registry').or(button(page, 'New registry')));
    await type(page, 'Name', 'Register of marriages');
    await type(page, 'Short code', 'marriages');
    await press(page, button(page, 'Design its fields'));
    await page.getByText('The registry is made.').waitFor();
    await press(page, button(page, 'Add a field'));
    await type(page, 'Name', 'National number');
    for (const flag of [
      'Must be filled in',
      'No two records have the same',
      'Personal data',
      'Says whose record it is',
    ])
      await tick(page, flag);
    await press(page, button(page, 'Keep in the draft'));
    await reach(page, page.getByLabel('What the new field holds'));
    await page.keyboard.type('Date');
    await press(page, button(page, 'Add a field'));
    await type(page, 'Name', 'Day of marriage');
    await page.locator('#preview').getByText('Day of marriage').waitFor();
    await look(page, 'field');
    await press(page, button(page, 'Keep in the draft'));
    await press(page, button(page, 'Move National number up'));
    await page.locator('.portal-fields li').first().getByRole('link', { name: 'National number' }).waitFor();
    await press(page, button(page, 'Publish'));
    await page.getByText('Published. People and applications can use it now.').waitFor();
    await look(page, 'overview');
  });

  it('[REG-6.1-21-a] a registrar enters, finds and changes a record of it, and sees its history, by keyboard alone', async () => {
    const registrar = await signedIn(/^Teo/, '/registries');
    expect(await link(registrar, 'New registry').count()).toBe(0);
    await press(registrar, link(registrar, 'Register of marriages'));
    expect(await link(registrar, 'Design').count()).toBe(0);
    await press(registrar, button(registrar, 'New record').or(link(registrar, 'New record')));
    await type(registrar, 'Name', 'Ana and Bo');
    await press(registrar, button(registrar, 'Save'));
    await registrar.getByText('There is a problem').waitFor();
    await look(registrar, 'entry');
    await type(registrar, 'National number', '19880327-1');
    for (const [part, value] of [
      ['Day', '27'],
      ['Month', '3'],
      ['Year', '2026'],
    ] as const)
      await type(registrar, part, value);
    await press(registrar, button(registrar, 'Save'));
    await registrar.getByText('The record is made.').waitFor();
    await look(registrar, 'record');
    await press(registrar, link(registrar, 'Records'));
    await type(registrar, 'Words', 'ana');
    await registrar.keyboard.press('Enter');
    await registrar.getByText('Records 1 to 1 of 1').waitFor();
    await press(registrar, link(registrar, /^Edit/));
    await reach(registrar, registrar.locator('td').getByLabel('Name'));
    await registrar.keyboard.press('ControlOrMeta+A');
    await registrar.keyboard.type('Ana and Bob');
    await look(registrar, 'row');
    await press(registrar, button(registrar, 'Save'));
    await registrar.getByText('The change is saved.').waitFor();
    await press(registrar, link(registrar, /^MARRIAGES/));
    await press(registrar, link(registrar, 'History'));
    expect(await registrar.locator('.portal-changes tbody').first().innerText()).toMatch(
      /Name\s+Ana and Bo\s+Ana and Bob/,
    );
    await look(registrar, 'history');
    expect(await link(registrar, 'Who has read it').count()).toBe(0);
    const analyst = await signedIn(/^Sana/, new URL(registrar.url()).pathname);
    await link(analyst, 'Who has read it').click();
    await analyst.getByText('Everybody who read personal data').waitFor();
    expect(await analyst.locator('main tbody').innerText()).toContain('You');
    await look(analyst, 'readers');
  });

  it('[REG-6.1-4-f][REG-6.1-16][REG-6.1-10][REG-6.1-11][REG-6.1-10-b][REG-6.1-11-b] shows what a new version breaks, and publishes it only when that is accepted', async () => {
    const page = await signedIn(/^Sana/, '/registries');
    await publishRegistry(country, page, 'schools', 'Register of schools', {
      type: 'object',
      required: ['School'],
      properties: {
        School: { type: 'string', id: 1 },
        Town: { type: 'string', id: 2 },
        Places: { type: 'integer', id: 3 },
      },
    });
    const design = `${country.url}/registries/schools/design`;
    await page.goto(`${design}/fields/2`);
    await page.getByLabel('Must be filled in').check();
    await button(page, 'Keep in the draft').click();
    await button(page, 'Retire Places').click();
    await page.locator('.portal-findings').getByText('Breaking').waitFor();
    expect(await page.locator('.portal-findings li').allInnerTexts()).toEqual([
      expect.stringMatching(/Breaking\s+Town must be filled in from now on/),
      expect.stringMatching(/Safe\s+Places is retired; its values stay/),
    ]);
    await look(page, 'report');
    await button(page, 'Publish').click();
    await page.getByText('Accept the breaking changes before you publish').waitFor();
    await page.getByLabel('I accept that these changes').check();
    await button(page, 'Publish').click();
    await page.getByRole('rowheader', { name: '2.0' }).waitFor();
    await page.goto(design);
    await button(page, 'Bring back Places').click();
    await page.locator('.portal-findings').getByText('is new').waitFor();

    // Two at once: the one who comes later is told, and nothing is lost.
    const other = await page.context().newPage();
    await other.goto(`${design}/fields/1`);
    await page.goto(`${design}/fields/2`);
    await page.getByLabel('Name', { exact: true }).fill('Village');
    await button(page, 'Keep in the draft').click();
    await link(page, 'Village').waitFor();
    await other.getByLabel('Name', { exact: true }).fill('Name of the school');
    await button(other, 'Keep in the draft').click();
    await other.locator('.govuk-error-summary').getByText('Somebody else has changed the draft').waitFor();
    await button(other, 'Keep in the draft').click();
    await link(other, 'Name of the school').waitFor();
    await link(other, 'Village').waitFor();

    await link(other, 'The design as text').click();
    await link(other, 'Show as YAML').click();
    const [file] = await Promise.all([other.waitForEvent('download'), link(other, 'Download YAML').click()]);
    const yaml = readFileSync(await file.path(), 'utf8');
    expect(yaml).toContain('Village:');
    await other.getByLabel('Or bring a file').setInputFiles({
      name: 'schools.yaml',
      mimeType: 'application/yaml',
      buffer: Buffer.from(yaml.replaceAll('Village', 'Municipality')),
    });
    await button(other, 'Keep in the draft').click();
    await link(other, 'Municipality').waitFor();

    await link(other, 'The design as text').click();
    const [book] = await Promise.all([
      other.waitForEvent('download'),
      link(other, 'Download for Excel').click(),
    ]);
    const bring = async (name: string, buffer: Buffer) => {
      const mimeType = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet';
      await other.getByLabel('Or bring a file').setInputFiles({ name, mimeType, buffer });
      await button(other, 'Keep in the draft').click();
    };
    const [headings = [], ...rows] = await readSheet(await book.path(), 'Fields');
    expect(rows.map((row) => row[headings.indexOf('name')])).toContain('Municipality');
    const row = ['Commune', 'text', true];
    await bring('wrong.xlsx', await workbookOf([['name', 'type', 'required'], row]));
    await other.locator('.govuk-error-summary').getByText('row 2, column B (type)').waitFor();
    await look(other, 'workbook');
    row[1] = 'string';
    await bring('schools.xlsx', await workbookOf([['name', 'type', 'required'], row]));
    await link(other, 'Commune').waitFor();
    await button(other, 'Throw the draft away').click();
    await other.getByText('Nothing: the design is what is published.').waitFor();
  });

  it('[REG-6.1-23][REG-6.1-21-a] finds, orders and keeps lists; what is sought about a person is in no address', async () => {
    const page = await signedIn(/^Teo/, '/registries/persons/records', withoutScripts);
    const addresses: string[] = [];
    page.on('request', (request) => addresses.push(request.url()));
    const cells = (column: number) => page.locator(`tbody tr td:nth-of-type(${column})`).allInnerTexts();
    await button(page, 'Family name').click();
    await page.locator('th[aria-sort=ascending]').waitFor();
    const names = (await cells(5)).map((name) => name.trim());
    expect(names).toEqual([...names].sort());
    await link(page, 'Next page').click();
    await page.waitForURL(/page=2/);
    await page.getByText('Records 26 to').waitFor();
    const later = (await cells(5)).map((name) => name.trim());
    expect(later.length).toBeGreaterThan(0);
    expect((later[0] as string) >= (names.at(-1) as string)).toBe(true);
    const sought = names[0] as string;
    await page.getByLabel('Field', { exact: true }).selectOption('Family name');
    await page.getByLabel('Value', { exact: true }).fill(sought);
    await button(page, 'Find').click();
    await page.getByRole('list', { name: 'Filters' }).waitFor();
    expect(new Set((await cells(5)).map((name) => name.trim()))).toEqual(new Set([sought]));
    await page.locator('summary').first().click();
    await page.getByLabel('Save this list as').fill('One family');
    await button(page, 'Save view').click();
    await page.getByText('The view is saved.').waitFor();
    await page.goto(`${country.url}/registries/persons/records`);
    await link(page, 'One family').click();
    await button(page, `Family name is ${sought} take this filter away`).waitFor();
    // No column but one, and a filter that does not fit.
    await page.locator('summary').first().click();
    for (const column of ['National number', 'Given name', 'Family name', 'Sex'])
      await page.getByRole('checkbox', { name: column, exact: true }).uncheck();
    await button(page, 'Apply').click();
    await page.locator('thead th:nth-of-type(4)').waitFor({ state: 'detached' });
    expect(await page.locator('thead th').count()).toBe(3);
    await page.getByLabel('Field', { exact: true }).selectOption('Birth date');
    await page.getByLabel('Value', { exact: true }).fill('yesterday');
    await button(page, 'Find').click();
    await link(page, 'Enter a value that fits Birth date').waitFor();
    const told = addresses.filter((address) => decodeURIComponent(address).includes(sought));
    expect(told).toEqual([]);
    // Another person has lists of their own.
    const analyst = await signedIn(/^Sana/, new URL(page.url()).pathname.replace('/lists', '/records'));
    expect(await link(analyst, 'One family').count()).toBe(0);
    await look(analyst, 'records');
  });

  it('[REG-6.1-2-d] opens the matching records of the other registry from a link', async () => {
    const page = await signedIn(/^Sana/, '/registries');
    const key = { type: 'string', unique: true };
    await publishRegistry(country, page, 'farms', 'Farms', {
      type: 'object',
      properties: { Farm: { ...key, id: 1 }, Village: { type: 'string', id: 2 } },
    });
    await publishRegistry(country, page, 'animals', 'Animals', {
      type: 'object',
      properties: { Tag: { ...key, id: 1 }, Species: { type: 'string', id: 2, enum: ['cow', 'goat'] } },
    });
    await page.goto(`${country.url}/registries/animals/design/fields/new?kind=text`);
    await page.getByLabel('Name', { exact: true }).fill('Kept at');
    await page.locator('summary', { hasText: 'Link to another registry' }).click();
    await page.getByLabel('Leads to').selectOption('Farms: Farm');
    await button(page, 'Keep in the draft').click();
    await button(page, 'Publish').click();
    await page.getByText('Published. People and applications can use it now.').waitFor();
    await enterRecord(country, page, 'farms', { Farm: 'North', Village: 'Ure' });
    await enterRecord(country, page, 'farms', { Farm: 'South', Village: 'Ure' });
    await page.goto(`${country.url}/registries/animals/records/new`);
    await page.getByLabel('Tag').fill('A1');
    await page.getByLabel('Kept at').fill('West');
    await button(page, 'Save').click();
    await link(page, /There is no record to which this value leads/).waitFor();
    await page.getByLabel('Kept at').fill('South');
    await button(page, 'Save').click();
    await button(page, 'South').click();
    await page.getByText('Records 1 to 1 of 1').waitFor();
    expect(await page.locator('tbody').innerText()).toContain('South');
    expect(page.url()).not.toContain('South');
  });

  it('[REG-6.1-22-b] a record is compared, deleted, brought back and erased, and its history says so', async () => {
    const page = await signedIn(/^Sana/, '/registries');
    await publishRegistry(country, page, 'patients', 'Patients', {
      type: 'object',
      properties: {
        Patient: { type: 'string', id: 1, personal: true, owner: true },
        Ward: { type: 'string', id: 2 },
        Consent: { type: 'file', id: 3, fileTypes: ['application/pdf'] },
      },
    });
    await page.goto(`${country.url}/registries/patients/records/new`);
    await page.getByLabel('Patient').fill('P-1');
    await page.getByLabel('Ward').fill('North');
    await page.locator('summary', { hasText: 'It is kept elsewhere' }).click();
    await page.getByLabel('Address of the document').fill('https://files.example/consent.pdf');
    await page.getByLabel('Name of the document').fill('consent.pdf');
    await button(page, 'Save').click();
    expect(await link(page, 'consent.pdf').getAttribute('href')).toBe('https://files.example/consent.pdf');
    const record = page.url();
    const other = await page.context().newPage();
    for (const one of [page, other]) await one.goto(`${record}/edit`);
    await page.getByLabel('Ward').fill('East');
    await button(page, 'Save').click();
    await page.getByText('The change is saved.').waitFor();
    await other.getByLabel('Ward').fill('West');
    await button(other, 'Save').click();
    await other.getByRole('heading', { name: 'Somebody else changed this record meanwhile' }).waitFor();
    expect(await other.locator('tbody').innerText()).toMatch(/Ward\s+different\s+East\s+West/);
    await look(other, 'conflict');
    await button(other, 'Save mine').click();
    await other.locator('dl').getByText('West').waitFor();

    await page.goto(`${record}/remove`);
    await page.getByLabel('Delete', { exact: true }).check();
    await button(page, 'Do it').click();
    await page.getByText('The record is deleted.').waitFor();
    await button(page, 'Bring it back').click();
    await page.getByText('The record is back.').waitFor();
    await page.goto(`${record}/history`);
    await page
      .getByRole('button', { name: /^Make it say this again/ })
      .last()
      .click();
    await page.locator('dl').getByText('North').waitFor();
    await page.goto(`${record}/remove`);
    await page.getByLabel('Erase the personal data').check();
    await button(page, 'Do it').click();
    await link(page, 'Enter the legal ground on which the personal data is erased').waitFor();
    await page.getByLabel('Legal ground, to erase').fill('Health Act, article 17');
    await button(page, 'Do it').click();
    await page.getByText('The personal data is erased.').waitFor();
    expect(await page.locator('dl').innerText()).not.toContain('P-1');
    await link(page, 'History').click();
    expect(await page.locator('.portal-timeline h2').allInnerTexts()).toEqual([
      'Personal data erased',
      'Changed',
      'Brought back',
      'Deleted',
      'Changed',
      'Changed',
      'Made',
    ]);
    expect(await page.locator('main').innerText()).not.toContain('P-1');
  });

  it('[REG-6.1-22-b] deletes the records that were chosen, after one more question', async () => {
    const page = await signedIn(/^Sana/, '/registries');
    await publishRegistry(country, page, 'keys', 'Keys', {
      type: 'object',
      properties: { Key: { type: 'string', id: 1 } },
    });
    for (const Key of ['a', 'b', 'c']) await enterRecord(country, page, 'keys', { Key });
    await page.goto(`${country.url}/registries/keys/records`);
    for (const box of await page
      .locator('tbody input[type=checkbox]')
      .all()
      .then((all) => all.slice(0, 2)))
      await box.check();
    await button(page, 'Delete the chosen records').click();
    await page.getByRole('heading', { name: 'Delete 2 records?' }).waitFor();
    await button(page, 'Delete').click();
    await page.getByText('Records 1 to 1 of 1').waitFor();
  });

  it('[REG-6.1-6-b] an analyst gives an application of another agency some fields, sees it listed, and takes it away', async () => {
    const page = await signedIn(/^Sana/, '/registries/persons/access/applications');
    await page.getByLabel('Application', { exact: true }).fill('nobody');
    await button(page, 'Give access').click();
    await link(page, 'Enter the application with its four parts').waitFor();
    await look(page, 'access');
    await page.getByLabel('Application', { exact: true }).fill('LUMORA/GOV/LRA/tax-registry');
    await page.getByLabel('Read a record').check();
    await page.getByLabel('Only these:').check();
    await page.getByLabel('Birth district').check();
    await button(page, 'Give access').click();
    await page.getByText('The access is as you said.').waitFor();
    const row = page.locator('#given tr').filter({ hasText: 'LUMORA/GOV/LRA/tax-registry' });
    expect((await row.innerText()).replaceAll(/\s+/g, ' ')).toMatch(/Read a record Birth district/);
    await look(page, 'given');
    await expectValidHtml(await (await page.request.get(page.url())).text(), 'access');
    await button(page, 'Take away LUMORA/GOV/LRA/tax-registry').click();
    await page.getByText('The right is taken away.').waitFor();
    expect(await row.count()).toBe(0);
  });

  it('is valid HTML', async () => {
    const page = await signedIn(/^Sana/, '/registries/persons/records');
    const record = (await page.locator('tbody th a').first().getAttribute('href')) as string;
    const pages = [
      '',
      '/new',
      '/persons',
      '/persons/details',
      '/persons/design',
      '/persons/design/fields/3',
      '/persons/design/text',
      '/persons/access',
      '/persons/access/applications',
      '/persons/records',
      '/persons/records/new',
      '/persons/sure?act=archive',
    ].map((path) => `/registries${path}`);
    for (const path of [
      ...pages,
      record,
      `${record}/edit`,
      `${record}/history`,
      `${record}/readers`,
      `${record}/remove`,
    ])
      await expectValidHtml(await (await page.request.get(`${country.url}${path}`)).text(), path);
  });

  it('reads from right to left on a phone', async () => {
    const page = await signedIn(/^(Sana|سناء)/, '/registries/persons/design', { ...phone, ...arabic });
    await look(page, 'phone-design');
    await page.goto(`${country.url}/registries/persons/records`);
    await look(page, 'phone-records');
    await page.locator('tbody th a').first().click();
    await look(page, 'phone-record');
  });

  it('is for the people of the owning agency who have a role there', async () => {
    const officer = await signedIn(/^Omar/, '/registries');
    expect(await officer.locator('nav a[href="/registries"]').count()).toBe(0);
    await officer.goto(`${country.url}/registries/persons/records`);
    expect(await officer.locator('main table').count()).toBe(0);
    const registrar = await signedIn(/^Teo/, '/registries/persons/design');
    expect(await registrar.locator('.portal-fields').count()).toBe(0);
    const foreign = await registrar.request.get(`${country.url}/registries/parcels/records`);
    expect(foreign.status()).toBe(404);
  });
});

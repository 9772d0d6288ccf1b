import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  arabic,
  expectNoSidewaysScroll,
  expectNoViolations,
  expectValidHtml,
  phone,
  startBrowser,
  type TestBrowser,
  withoutScripts,
} from '@govstack/portal/testing';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Stack, startStack } from '../src/stack/start-stack.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'govstack-registry-figures-'));
chmodSync(dataDir, 0o755);
/** Where to keep a picture of every page, to be looked at. */
const pictures = process.env.GOVSTACK_PICTURES;

let stack: Stack;
let browser: TestBrowser;
let analyst: Page;
let registrar: Page;

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const link = (page: Page, name: string | RegExp) => page.getByRole('link', { name });

async function signedIn(persona: RegExp, path: string, options?: BrowserContextOptions): Promise<Page> {
  const { page } = await browser.user(options);
  await page.goto(`${stack.url}/sign-in?return=${encodeURIComponent(path)}`);
  await page.getByRole('button', { name: persona }).click();
  await page.waitForURL((url) => url.origin === stack.url && !url.pathname.startsWith('/id/'));
  return page;
}

let pictured = 0;
async function look(page: Page, name: string): Promise<void> {
  await expectNoViolations(page);
  await expectNoSidewaysScroll(page);
  pictured += 1;
  const file = `registry-figures-${String(pictured).padStart(2, '0')}-${name}.png`;
  if (pictures) await page.screenshot({ path: join(pictures, file), fullPage: true, timeout: 0 });
}

async function open(page: Page, path: string): Promise<void> {
  await page.goto(`${stack.url}/registries/wells${path}`);
}

async function enter(page: Page, values: Readonly<Record<string, string>>): Promise<void> {
  await open(page, '/records/new');
  for (const [label, value] of Object.entries(values)) await page.getByLabel(label).fill(value);
  await button(page, 'Save').click();
  await page.getByText('The record is made.').waitFor();
}

const cells = async (page: Page, table: string) =>
  (await page.locator(`${table} tbody tr`).allInnerTexts()).map((row) => row.trim().split(/\s*[\t\n]\s*/));

beforeAll(async () => {
  [stack, browser] = await Promise.all([
    startStack({
      dataDir,
      root: process.cwd(),
      port: 0,
      households: 20,
      demonstration: true,
      portal: true,
      progress: () => undefined,
    }),
    startBrowser(),
  ]);
  analyst = await signedIn(/^Sana/, '/registries/new');
  await analyst.getByLabel('Name', { exact: true }).fill('Wells');
  await analyst.getByLabel('Short code').fill('wells');
  await button(analyst, 'Design its fields').click();
  await link(analyst, 'The design as text').click();
  await analyst.getByLabel('Schema, JSON or YAML').fill(
    JSON.stringify({
      type: 'object',
      properties: {
        Town: { type: 'string', id: 1 },
        Depth: { type: 'integer', id: 2 },
        Keeper: { type: 'string', id: 3, personal: true, owner: true },
      },
    }),
  );
  await button(analyst, 'Keep in the draft').click();
  await button(analyst, 'Publish').click();
  await analyst.getByText('Published. People and applications can use it now.').waitFor();
  await enter(analyst, { Town: 'Amara', Depth: '4' });
  await enter(analyst, { Town: 'Amara', Depth: '40' });
  registrar = await signedIn(/^Teo/, '/registries/wells/records');
  await enter(registrar, { Town: 'Sol', Depth: '400', Keeper: 'Mina Vale' });
}, 180_000);
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
});

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
    expect(await analyst.getByLabel('Count by').locator('option').allInnerTexts()).toEqual(['Town', 'Depth']);
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
    await registrar.goto(`${stack.url}/registries/wells/records`);
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
    const refused = await registrar.request.get(`${stack.url}/registries/wells/log`);
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
    expect(address).toMatch(`${stack.url}/shared#`);
    await registrar.getByRole('img', { name: 'The link as a QR code' }).waitFor();
    await look(registrar, 'share');

    const { page: visitor } = await browser.user();
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
    const [file] = await Promise.all([visitor.waitForEvent('download'), button(visitor, 'Download').click()]);
    expect(readFileSync(await file.path(), 'utf8')).toContain('Town');

    const { page: plain } = await browser.user(withoutScripts);
    await plain.goto(`${stack.url}/shared`);
    await look(plain, 'shared-form');
    await plain.getByLabel('Link or its code').fill(address);
    await button(plain, 'Open').click();
    await plain.locator('#shared').waitFor();

    await open(registrar, new URL(registrar.url()).pathname.replace('/registries/wells', ''));
    expect((await registrar.locator('#links tbody tr').innerText()).replaceAll(/\s+/g, ' ')).toMatch(
      /Open .* 3 Town/,
    );
    await registrar.getByRole('button', { name: /^End it/ }).click();
    await registrar.getByText('Taken back').waitFor();
    const nowhere = 'This link leads nowhere: it may have expired, been used up, or been taken back';
    for (const one of [address, `${'x'.repeat(22)}@${code.split('@')[1]}`, 'nonsense']) {
      await plain.goto(`${stack.url}/shared`);
      await plain.getByLabel('Link or its code').fill(one);
      await button(plain, 'Open').click();
      await link(plain, nowhere).waitFor();
    }
  }, 60_000);

  it('is valid HTML, and reads from right to left on a phone', async () => {
    const record = new URL(registrar.url()).pathname;
    const base = '/registries/wells';
    const pages = ['/figures', '/log', '/log/registry', '/log/reads', '/log/chain'].map(
      (path) => `${base}${path}`,
    );
    for (const path of [...pages, record, '/shared'])
      await expectValidHtml(await (await analyst.request.get(`${stack.url}${path}`)).text(), path);
    const page = await signedIn(/^(Sana|سناء)/, `${base}/figures`, { ...phone, ...arabic });
    for (const path of [`${base}/figures`, `${base}/log`, record]) {
      await page.goto(`${stack.url}${path}`);
      await look(page, 'phone');
    }
  }, 60_000);
});

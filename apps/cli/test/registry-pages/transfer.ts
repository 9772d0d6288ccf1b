import { readFileSync } from 'node:fs';
import { arabic, expectValidHtml, phone, withoutScripts } from '@govstack/portal/testing';
import { parse } from 'csv-parse/sync';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { button, type Country, link } from '../country.ts';
import { publishRegistry } from '../registry-console.ts';

export function transferOfRecords(country: Country): void {
  const { signedIn, look } = country;
  /** Works without scripts. */
  let analyst: Page;

  beforeAll(async () => {
    analyst = await signedIn(/^Sana/, '/registries', withoutScripts);
    await publishRegistry(country, analyst, 'wells', 'Register of wells', {
      type: 'object',
      required: ['Well', 'Village'],
      properties: {
        Well: { type: 'string', id: 1, unique: true },
        Village: { type: 'string', id: 2 },
        Depth: { type: 'integer', id: 3, minimum: 1 },
      },
    });
  }, 120_000);

  const csv = (rows: readonly (readonly (string | number)[])[]): Buffer =>
    Buffer.from(['Well,Town,Depth', ...rows.map((row) => row.join(','))].join('\n'));

  /** Brings a file, gives its columns fields, and starts. */
  async function bring(page: Page, buffer: Buffer, dryRun = false): Promise<void> {
    await page.goto(`${country.url}/registries/wells/imports/new`);
    await page.getByLabel('Write the good rows').check();
    await page.getByLabel('Check first, without writing').setChecked(dryRun);
    await page.getByLabel('File', { exact: true }).setInputFiles({
      name: 'wells.csv',
      mimeType: 'text/csv',
      buffer,
    });
    await button(page, 'Upload').click();
    await page.getByRole('heading', { name: 'Which column goes into which field' }).waitFor();
    await page.getByLabel('Town').selectOption({ value: 'Village' });
  }

  const figure = async (page: Page, name: string): Promise<number> =>
    Number(
      (
        await page
          .locator('.portal-figures > div')
          .filter({ has: page.getByText(name, { exact: true }) })
          .locator('dd')
          .innerText()
      ).replace(/\D/g, ''),
    );

  async function downloaded(page: Page, act: () => Promise<void>): Promise<Buffer> {
    const [file] = await Promise.all([page.waitForEvent('download'), act()]);
    return readFileSync(await file.path());
  }

  const wells = Array.from({ length: 200 }, (_, n) => [`W${n}`, n % 2 ? 'Ure' : 'Ilo', n + 1] as const);

  describe('files of records in the portal', () => {
    it('[REG-6.1-24] checks a file, says what is wrong by row and column, writes the good rows, and takes them back, without scripts', async () => {
      await analyst.goto(`${country.url}/registries/wells/imports/new`);
      await look(analyst);
      await button(analyst, 'Upload').click();
      await link(analyst, 'Choose a file').waitFor();
      const faulty = Array.from({ length: 60 }, (_, n) => [`F${n}`, 'Ure', 'deep'] as const);
      await bring(analyst, csv([...wells, ...faulty]), true);
      await look(analyst);
      await analyst.getByLabel('Depth').selectOption({ value: 'Village' });
      await button(analyst, 'Check the file').click();
      await link(analyst, 'Two columns go into Village').waitFor();
      await analyst.getByLabel('Depth').selectOption({ value: 'Depth' });
      await button(analyst, 'Check the file').click();
      await analyst.getByText('The file has been checked. Nothing has been written.').waitFor();
      expect(await figure(analyst, 'Rows with faults')).toBe(60);
      expect(await analyst.locator('main tbody tr').count()).toBe(50);
      expect(await analyst.locator('main tbody tr').first().innerText()).toMatch(/202\s+Depth/);
      await look(analyst);
      const report: string[][] = parse(
        await downloaded(analyst, () => link(analyst, 'Download the whole report').click()),
        { bom: true },
      );
      expect(report).toHaveLength(61);
      expect(report[60]).toEqual(['261', 'Depth', expect.any(String), 'deep']);
      await button(analyst, 'Write it now').click();
      await analyst.getByText('The import is done.').waitFor();
      expect(await figure(analyst, 'Records made')).toBe(200);
      await link(analyst, 'Take the import back').click();
      await look(analyst);
      await button(analyst, 'Take the import back').click();
      await analyst.getByText('The import has been taken back.').waitFor();
      expect(await figure(analyst, 'Taken back')).toBe(200);
    });

    it('[REG-6.1-24] takes a file of many parts; what came without its form or was cancelled is not written', async () => {
      // More than two parts of what travels at once.
      const long = 'x'.repeat(4000);
      const rows = Array.from({ length: 2500 }, (_, n) => [`L${n}`, n === 2499 ? 'last' : long, 5] as const);
      await bring(analyst, csv(rows));
      const address = analyst.url();
      await button(analyst, 'Start the import').click();
      await analyst.getByText('The import is done.').waitFor({ timeout: 30_000 });
      expect(await figure(analyst, 'Records made')).toBe(2500);
      await link(analyst, 'Take the import back').click();
      await button(analyst, 'Take the import back').click();
      await analyst.getByText('The import has been taken back.').waitFor({ timeout: 30_000 });

      await bring(analyst, csv(wells));
      await button(analyst, 'Cancel the import').click();
      await analyst.getByText('The import was cancelled.').waitFor();
      const forged = await analyst.request.post(`${country.url}/registries/wells/imports`, {
        multipart: { _csrf: 'forged', file: { name: 'wells.csv', mimeType: 'text/csv', buffer: csv(wells) } },
      });
      expect(forged.status()).toBe(403);
      await analyst.goto(`${country.url}/registries/wells/imports`);
      await look(analyst);
      expect(await analyst.locator('main tbody tr').count()).toBe(3);
      for (const path of ['', '/new'])
        await expectValidHtml(
          await (await analyst.request.get(`${country.url}/registries/wells/imports${path}`)).text(),
          path,
        );
      await expectValidHtml(await (await analyst.request.get(address)).text(), 'import');
    });

    it('[REG-6.1-25] exports all, a filtered list and chosen records; what is sought is in no address', async () => {
      await bring(analyst, csv(wells));
      await button(analyst, 'Start the import').click();
      await analyst.getByText('The import is done.').waitFor();
      const addresses: string[] = [];
      analyst.on('request', (request) => addresses.push(request.url()));
      await analyst.goto(`${country.url}/registries/wells/records`);
      await analyst.getByLabel('Field', { exact: true }).selectOption('Village');
      await analyst.getByLabel('Value', { exact: true }).fill('Ure');
      await button(analyst, 'Find').click();
      await analyst.getByRole('list', { name: 'Filters' }).waitFor();
      await link(analyst, 'Export this list').click();
      await look(analyst);
      await analyst.getByLabel('Say in the file who exported it').check();
      const list: Record<string, string>[] = parse(
        await downloaded(analyst, () => button(analyst, 'Export').click()),
        { bom: true, columns: true },
      );
      expect(list).toHaveLength(100);
      expect(new Set(list.map(({ Village }) => Village))).toEqual(new Set(['Ure']));
      expect(list[0]?.['#exported']).toContain('Exported by');
      expect(addresses.filter((address) => address.includes('Ure'))).toEqual([]);

      await analyst.getByLabel('All records').check();
      await analyst.getByLabel('JSON').check();
      const all = JSON.parse(
        (await downloaded(analyst, () => button(analyst, 'Export').click())).toString('utf8'),
      );
      expect(all).toHaveLength(200);

      await analyst.goto(`${country.url}/registries/wells/records`);
      for (const n of [0, 1]) await analyst.locator('tbody input[type=checkbox]').nth(n).check();
      await button(analyst, 'Export the chosen records').click();
      await analyst.getByLabel('Excel').check();
      const sheet = await downloaded(analyst, () => button(analyst, 'Export').click());
      expect(sheet.subarray(0, 2).toString()).toBe('PK');
      await analyst.goto(`${country.url}/registries/wells/exports`);
      await look(analyst);
    });

    it('reads from right to left on a phone', async () => {
      const page = await signedIn(/^(Sana|سناء)/, '/registries/wells/imports', { ...phone, ...arabic });
      await look(page);
      await page.locator('main tbody th a').first().click();
      await look(page);
      await page.goto(`${country.url}/registries/wells/imports/new`);
      await look(page);
      await page.goto(`${country.url}/registries/wells/exports/new`);
      await look(page);
    });
  });
}

import { arabic, expectValidHtml, phone, withoutScripts } from '@govstack/portal/testing';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { button, type Country, link } from '../country.ts';
import { enterRecord, publishRegistry } from '../registry-console.ts';

export function rightsOnARegistry(country: Country): void {
  const { signedIn, look } = country;
  /** Works without scripts. */
  let analyst: Page;
  let registrar: Page;

  const open = (page: Page, path: string) => page.goto(`${country.url}/registries/clinics${path}`);
  const cells = async (page: Page) => {
    await open(page, '/records');
    return (await page.locator('main tbody tr').allInnerTexts()).map((row) => row.replaceAll(/\s+/g, ' '));
  };
  /** The answer that an explanation gives for a method. */
  const explained = (page: Page, method: string) =>
    page.locator('#explained tr').filter({ has: page.getByRole('rowheader', { name: method }) });

  beforeAll(async () => {
    analyst = await signedIn(/^Sana/, '/registries', withoutScripts);
    await publishRegistry(country, analyst, 'clinics', 'Clinics', {
      type: 'object',
      properties: {
        Clinic: { type: 'string', id: 1 },
        District: { type: 'string', id: 2 },
        Beds: { type: 'integer', id: 3 },
        Phone: { type: 'string', id: 4, personal: true },
        Note: { type: 'string', id: 5 },
      },
    });
    const common = { Beds: '12', Phone: '5550001234', Note: 'for the agency' };
    await enterRecord(country, analyst, 'clinics', { Clinic: 'Hill', District: 'North', ...common });
    await enterRecord(country, analyst, 'clinics', { Clinic: 'Shore', District: 'South', ...common });
    registrar = await signedIn(/^Teo/, '/registries/clinics/records');
  }, 120_000);

  describe('rights on a registry in the portal', () => {
    it('[REG-6.1-6-b] an analyst takes the standing right of registrars away and gives a narrower one, without scripts', async () => {
      expect(await cells(registrar)).toHaveLength(2);
      await open(analyst, '/access');
      await analyst.getByText('No rights are given besides the standing ones.').waitFor();
      await analyst.getByLabel('Registrars see and change records').uncheck();
      await button(analyst, 'Keep').click();
      await analyst.getByText('The access is as you said.').waitFor();
      expect((await open(registrar, '/records'))?.status()).toBe(404);

      await link(analyst, 'Give a right').or(button(analyst, 'Give a right')).click();
      await look(analyst, 'new');
      await button(analyst, 'Keep the right').click();
      for (const told of ['Enter a short name', 'Enter a role'])
        await link(analyst, new RegExp(told)).waitFor();
      await analyst.getByLabel('Short name').fill('north');
      await analyst.getByLabel('Role', { exact: true }).fill('registrar');
      await analyst.getByLabel('Change records').check();
      await analyst.getByLabel('As said below').check();
      for (const [field, shown] of [
        ['Clinic', 'Shown and written'],
        ['District', 'Shown only'],
        ['Phone', 'The last four characters'],
      ] as const)
        await analyst.getByLabel(field, { exact: true }).selectOption(shown);
      const condition = analyst.getByRole('group', { name: 'Condition 1' });
      await condition.getByLabel('Field').selectOption('District');
      await button(analyst, 'Keep the right').click();
      await link(analyst, 'Complete each condition, with a value that fits its field').waitFor();
      await condition.getByLabel('Value').fill('North');
      await analyst.getByLabel('From').fill('2099-01-01T00:00');
      await analyst.getByLabel('Until').fill('2098-01-01T00:00');
      await button(analyst, 'Keep the right').click();
      await link(analyst, 'is before it begins').waitFor();
      await analyst.getByLabel('From').fill('');
      await button(analyst, 'Keep the right').click();
      await analyst.getByText('The access is as you said.').waitFor();
      expect((await analyst.locator('#rights tbody tr').innerText()).replaceAll(/\s+/g, ' ')).toMatch(
        /Role registrar north Search records .*Change records Clinic, District and Phone District is North 1 January 2098/,
      );
      await look(analyst, 'rights');

      const seen = await cells(registrar);
      expect(seen).toHaveLength(1);
      expect(seen[0]).toMatch(/Hill North/);
      expect(seen[0]).toMatch(/1234/);
      expect(seen[0]).not.toMatch(/555000|for the agency/);
      await registrar.locator('main tbody th a').first().click();
      await link(registrar, 'Edit').or(button(registrar, 'Edit')).click();
      await registrar.getByLabel('Clinic').fill('Hilltop');
      await button(registrar, 'Save').click();
      await registrar.getByText('The change is saved.').waitFor();
      await open(analyst, '/records');
      expect(await analyst.locator('main tbody').innerText()).toMatch(/Hilltop[\s\S]*5550001234/);
    });

    it('[REG-6.1-6-b] a right is changed, explained and taken away', async () => {
      await open(analyst, '/access');
      await link(analyst, 'Change the right north').click();
      expect(await analyst.getByLabel('Phone', { exact: true }).inputValue()).toBe('last4');
      await analyst.getByRole('group', { name: 'Condition 1' }).getByLabel('Value').fill('South');
      await analyst.getByLabel('Note', { exact: true }).first().selectOption('Shown only');
      await look(analyst, 'right');
      await button(analyst, 'Keep the right').click();
      await analyst.getByText('The access is as you said.').waitFor();
      expect(await cells(registrar)).toEqual([expect.stringContaining('Shore South')]);

      await link(analyst, 'Why somebody sees what they see').click();
      await analyst.getByLabel('Roles').fill('registrar');
      await button(analyst, 'Explain').click();
      expect(await explained(analyst, 'Read a record').innerText()).toMatch(/Yes[\s\S]*north[\s\S]*South/);
      expect(await explained(analyst, 'Delete records').innerText()).toMatch(/No/);
      await explained(analyst, 'Read a record').locator('summary').click();
      expect(await explained(analyst, 'Read a record').locator('li').allInnerTexts()).toEqual([
        expect.stringMatching(/^Clinic shown/i),
        expect.stringMatching(/^District shown/i),
        expect.stringMatching(/^Beds hidden/i),
        expect.stringMatching(/^Phone in part.*last4/i),
        expect.stringMatching(/^Note shown/i),
      ]);
      await analyst.getByLabel('An application').check();
      await analyst.getByLabel('Application', { exact: true }).fill('LUMORA/GOV/LRA/tax-registry');
      await button(analyst, 'Explain').click();
      await analyst.getByText('They have no rights here.').waitFor();
      await analyst.getByLabel('Application', { exact: true }).fill('nobody');
      await button(analyst, 'Explain').click();
      await link(analyst, 'Enter the application with its four parts').waitFor();

      await open(analyst, '/access');
      await button(analyst, 'Take away north').click();
      await analyst.getByText('The right is taken away.').waitFor();
      expect((await open(registrar, '/records'))?.status()).toBe(404);
    });

    it('shows conditions that say more than the form can as text, and keeps them', async () => {
      await open(analyst, '/access/rights/new');
      await analyst.getByLabel('Short name').fill('either');
      await analyst.getByLabel('Everybody who is signed in').check();
      await analyst.locator('summary', { hasText: 'Conditions as text' }).click();
      const rows = [
        [{ field: 'District', operator: 'eq', value: 'North' }],
        [{ field: 'Beds', operator: 'lt', value: 10 }],
      ];
      await analyst.getByLabel('Conditions as JSON').fill('North');
      await button(analyst, 'Keep the right').click();
      await link(analyst, 'The conditions are not valid JSON').waitFor();
      await analyst.getByLabel('Conditions as JSON').fill(JSON.stringify(rows));
      await button(analyst, 'Keep the right').click();
      await analyst.getByText('District is North or').waitFor();
      await link(analyst, 'Change the right either').click();
      expect(JSON.parse(await analyst.getByLabel('Conditions as JSON').inputValue())).toEqual(rows);
    });

    it('is for analysts only, valid HTML, and reads from right to left on a phone', async () => {
      const base = `${country.url}/registries/clinics/access`;
      for (const path of ['', '/rights/new', '/rights/either', '/explain', '/applications']) {
        expect((await registrar.request.get(`${base}${path}`)).status(), path).toBe(403);
        await expectValidHtml(await (await analyst.request.get(`${base}${path}`)).text(), path);
      }
      const page = await signedIn(/^(Sana|سناء)/, '/registries/clinics/access', { ...phone, ...arabic });
      await look(page, 'phone');
      for (const path of ['/rights/either', '/explain']) {
        await page.goto(`${base}${path}`);
        await look(page, 'phone');
      }
    });
  });
}

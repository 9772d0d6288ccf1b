import { arabic, phone, withoutScripts } from '@govstack/portal/testing';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { describe, expect, it, vi } from 'vitest';
import { demonstrationCountry } from './country.ts';

const country = demonstrationCountry('portal', 100);
const { signedIn, look } = country;

const proceed = (page: Page): Promise<void> =>
  page.locator('main .govuk-button:not(.govuk-button--secondary)').last().click();

interface Answers {
  readonly language: string;
  readonly poor: boolean;
  readonly land: string;
}

const choose = (page: Page, name: string, value: string): Promise<void> =>
  page.locator(`input[name="${name}"][value="${value}"]`).check();

/** Fills the pages of the form; a question that opens with an answer comes when the page is sent. */
async function fillIn(page: Page, { language, poor, land }: Answers): Promise<void> {
  await choose(page, 'language', language);
  await page.locator('#district').selectOption({ index: 1 });
  await page.locator('#village').fill('Ouro');
  await look(page);
  await proceed(page);
  const counts = {
    householdSize: '6',
    childrenUnder5: '2',
    children5to17: '2',
    adults18to64: '2',
    elderly65plus: '0',
    disabledMembers: '0',
  };
  for (const [id, value] of Object.entries(counts)) await page.locator(`#${id}`).fill(value);
  await page.locator('input[name="pregnantWoman"]').last().check();
  await proceed(page);
  await choose(page, 'schoolAttendance', poor ? 'none' : 'all');
  await proceed(page);
  await page.locator('#rooms').fill(poor ? '1' : '6');
  const dwelling = poor
    ? {
        roof: 'thatch',
        walls: 'mud',
        floor: 'earth',
        water: 'surface-water',
        toilet: 'none',
        lighting: 'lantern',
      }
    : {
        roof: 'concrete',
        walls: 'cement-blocks',
        floor: 'tiles',
        water: 'piped-home',
        toilet: 'flush',
        lighting: 'grid',
      };
  for (const [name, value] of Object.entries(dwelling)) await choose(page, name, value);
  await look(page);
  await proceed(page);
  await choose(page, 'headEmployment', poor ? 'casual' : 'formal');
  await choose(page, 'transport', poor ? 'none' : 'car');
  await page.locator('#livestockUnits').fill('0');
  await page.locator('#landHectares').fill(land);
  await page.locator('#monthlyIncome').fill('9000.00');
  await proceed(page);
  await choose(page, 'accountKind', 'mobile-wallet');
  await page.locator('#accountHolder').fill('The head of the household');
  await proceed(page);
  await page.locator('#walletNumber').fill('+999712345678');
  await proceed(page);
}

interface Applicant {
  readonly page: Page;
  readonly reference: string;
}

/** From the service sheet to the reference number. */
async function apply(
  options: BrowserContextOptions,
  persona: RegExp,
  answers: Answers,
): Promise<Applicant & { close: () => Promise<void> }> {
  const { context, page } = await country.user(options);
  await page.goto(`${country.url}/`);
  await look(page);
  await page.goto(`${country.url}/services/cash-transfer`);
  await look(page);
  await page.locator('.govuk-button--start').click();
  await look(page);
  await page.getByRole('button', { name: persona }).click();
  await page.waitForURL('**/apply/cash-transfer/consent');
  await look(page);
  await page.locator('#choice').check();
  await proceed(page);
  await fillIn(page, answers);
  expect(new URL(page.url()).pathname).toBe('/apply/cash-transfer/check');
  await look(page);
  await proceed(page);
  await page.waitForURL('**/received');
  await look(page);
  const reference = /[2-9A-Z]{4}-[2-9A-Z]{4}-[2-9A-Z]{4}/.exec(
    await page.locator('.govuk-panel').innerText(),
  )?.[0] as string;
  return { page, reference, close: () => context.close() };
}

const openApplication = async ({ page, reference }: Applicant): Promise<void> => {
  await page.goto(`${country.url}/applications`);
  await page
    .getByRole('link', { name: new RegExp(reference) })
    .first()
    .click();
};

/** The officer decides on the file when the process asks for one, and not when it decides by itself. */
async function decideWhenAsked(
  applicant: Applicant,
  decision: 'APPROVED' | 'REJECTED',
  decided: RegExp,
): Promise<void> {
  const page = await signedIn(/Omar|عمر/, '/office/tasks');
  const link = page.getByRole('link', { name: new RegExp(applicant.reference) });
  await openApplication(applicant);
  const asked = await vi.waitFor(
    async () => {
      await page.goto(`${country.url}/office/tasks`);
      if ((await link.count()) > 0) return true;
      await applicant.page.reload();
      expect(await applicant.page.locator('main').innerText()).toMatch(decided);
      return false;
    },
    { timeout: 30_000, interval: 500 },
  );
  if (asked) {
    await look(page);
    await link.first().click();
    await look(page);
    await page.locator(`input[value="${decision}"]`).check();
    await page.locator('textarea').first().fill('I have visited the household');
    await proceed(page);
  }
  await page.close();
}

const statusBecomes = (page: Page, words: RegExp) =>
  vi.waitFor(
    async () => {
      await page.reload();
      expect(await page.locator('main').innerText()).toMatch(words);
    },
    { timeout: 30_000, interval: 500 },
  );

describe('the social cash transfer in the portal', () => {
  it('a citizen applies, an officer decides, the money is paid after a second person has approved, and everybody can see it', async () => {
    const citizen = await apply({}, /poor household/, { language: 'en', poor: true, land: '900' });
    const { page } = citizen;
    await page.goto(`${country.url}/applications`);
    await look(page);
    await decideWhenAsked(citizen, 'APPROVED', /Approved/);
    await openApplication(citizen);
    await statusBecomes(page, /Approved/);
    await look(page);

    const manager = await signedIn(/Mina/, '/office/programmes');
    await look(manager);
    const approver = await signedIn(/Pavel/, '/office/payment-runs');
    const runs = (of: Page) => of.locator('main table a');
    /** The manager has the list of this month drawn; afterwards there are so many. The newest is opened. */
    const prepare = async (count: number): Promise<string> => {
      await manager.goto(`${country.url}/office/programmes`);
      await proceed(manager);
      await vi.waitFor(
        async () => {
          await manager.goto(`${country.url}/office/payment-runs`);
          expect(await runs(manager).count()).toBe(count);
        },
        { timeout: 30_000, interval: 500 },
      );
      await runs(manager).first().click();
      return manager.url();
    };
    const decide = async (run: string, choice: 'approve' | 'reject', reason?: string): Promise<void> => {
      await vi.waitFor(
        async () => {
          await approver.goto(run);
          expect(await approver.locator(`input[value="${choice}"]`).count()).toBe(1);
        },
        { timeout: 30_000, interval: 500 },
      );
      await look(approver);
      await choose(approver, 'choice', choice);
      if (reason !== undefined) await approver.locator('#reason').fill(reason);
      await proceed(approver);
    };
    const refused = await prepare(1);
    await look(manager);
    await decide(refused, 'reject', 'Somebody is missing on the list');
    await statusBecomes(approver, /Rejected/);
    const paid = await prepare(2);
    expect(paid).not.toBe(refused);
    await decide(paid, 'approve');
    await statusBecomes(approver, /Completed/);
    await look(approver);
    // A month that is paid is not paid again, whoever asks.
    await prepare(2);

    await vi.waitFor(
      async () => {
        await page.goto(`${country.url}/payments`);
        expect(await page.locator('main').innerText()).toMatch(/XLD[\s\S]*Paid/);
      },
      { timeout: 30_000, interval: 500 },
    );
    await look(page);
    await page.goto(`${country.url}/messages`);
    await look(page);
    await page.goto(`${country.url}/my-data`);
    expect(await page.locator('main').innerText()).toContain('Ministry of Social Protection');
    await look(page);
    await openApplication(citizen);
    await page.locator('a[href$="/behind-the-scenes"]').first().click();
    expect(await page.locator('main svg').count()).toBeGreaterThan(0);
    expect(await page.locator('main').innerText()).toContain('Civil Registration Authority');
    await look(page);
    await citizen.close();
  }, 400_000);

  it('without scripts and on a phone, somebody who is better off is told why not, appeals, and is answered by another officer', async () => {
    const citizen = await apply({ ...phone, ...withoutScripts }, /better off/, {
      language: 'fr',
      poor: false,
      land: '900',
    });
    await decideWhenAsked(citizen, 'REJECTED', /appeal/i);
    await openApplication(citizen);
    await statusBecomes(citizen.page, /appeal/i);
    await look(citizen.page);
    await citizen.page.getByRole('link', { name: 'Appeal against the decision' }).click();
    await look(citizen.page);
    await citizen.page.locator('#text').fill('The car is my neighbour’s');
    await proceed(citizen.page);
    await citizen.page.getByText('We have received it.').waitFor();
    const officer = await signedIn(/Lina/, '/office/tasks');
    const appeal = officer.getByRole('link', { name: new RegExp(citizen.reference) });
    await vi.waitFor(
      async () => {
        await officer.goto(`${country.url}/office/tasks`);
        expect(await appeal.count()).toBe(1);
      },
      { timeout: 30_000, interval: 500 },
    );
    await appeal.click();
    await officer.getByText('The car is my neighbour’s').waitFor();
    await look(officer);
    await officer.locator('input[value="REJECTED"]').check();
    await officer.locator('textarea').first().fill('The register names you as the keeper');
    await proceed(officer);
    await openApplication(citizen);
    await statusBecomes(citizen.page, /the decision stands[\s\S]*names you as the keeper/);
    await look(citizen.page);
    await citizen.close();
  }, 400_000);

  it('in Arabic, from right to left', async () => {
    const citizen = await apply(arabic, /أكثر مما/, { language: 'ar', poor: true, land: '0' });
    expect(await citizen.page.locator('html').getAttribute('dir')).toBe('rtl');
    await citizen.page.goto(`${country.url}/applications`);
    await look(citizen.page);
    await citizen.close();
  }, 400_000);

  it('[PAY-6.1-ad][PAY-6.1-ae] somebody has a tax bill paid at their bank, and is told that it is booked', async () => {
    const number = await country.letBillersIn();
    const page = await signedIn(/better off/, '/bills', phone);
    await look(page);
    await page.locator('#number').fill(number);
    await proceed(page);
    await statusBecomes(page, /This bill is open/);
    await look(page);
    await page.getByLabel('First National Bank').check();
    await page.locator('#approve').check();
    await proceed(page);
    await statusBecomes(page, /has paid the bill[\s\S]*booked/);
    await look(page);
    await page.goto(`${country.url}/bills`);
    await page.locator('#number').fill(number);
    await proceed(page);
    await statusBecomes(page, /This bill is paid/);
  });
});

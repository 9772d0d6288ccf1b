import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AnyBlock, Mediation } from '@govstack/platform';
import { createBlockDatabases, newDatabaseName, testAdminUrl } from '@govstack/platform/testing';
import { portal } from '@govstack/portal';
import {
  type BrowserUser,
  expectNoSidewaysScroll,
  expectNoViolations,
  startBrowser,
  type TestBrowser,
} from '@govstack/portal/testing';
import type { BrowserContext, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { onboardBillers } from '../src/demo/onboard-billers.ts';
import { blocks } from '../src/stack/blocks.ts';
import { type Stack, startStack } from '../src/stack/start-stack.ts';

/** Where to keep a picture of every page that is looked at, to be looked at by people. */
const pictures = process.env.GOVSTACK_PICTURES;

/** The demonstration country with its portal, and people who sit at browsers. */
export interface Country {
  readonly url: string;
  /** What an application of the country calls, through the mediator. */
  as(application: string): Mediation;
  /** Lets the country's billers in; answers the number of an open bill. */
  letBillersIn(): Promise<string>;
  /** What an outside rail does wrong from now on; without any fault, nothing. */
  setFaults(party: 'bank' | 'mobileMoney', faults: object): Promise<void>;
  /** Somebody at a fresh browser who has not signed in. */
  user(options?: BrowserContextOptions): Promise<BrowserUser>;
  /** A page of a persona, who signs in once for all their pages. */
  signedIn(persona: RegExp, path: string, options?: BrowserContextOptions): Promise<Page>;
  /**
   * Looks at a page as everybody must be able to: axe, no sideways scroll. The checks need scripts, so the address of a
   * page without them is looked at in a browser with the same session.
   */
  look(page: Page, name?: string): Promise<void>;
}

/** Starts the country and the browser before the tests of a file, and ends them after; `name` is the file's. */
export function demonstrationCountry(name: string, households = 20): Country {
  const dataDir = mkdtempSync(join(tmpdir(), `govstack-${name}-`));
  chmodSync(dataDir, 0o755);
  let stack: Stack;
  let browser: TestBrowser;
  const signedInContexts = new Map<string, BrowserContext>();
  const scriptless = new WeakSet<BrowserContext>();
  let pictured = 0;

  beforeAll(async () => {
    const prefix = `${newDatabaseName()}_`;
    await createBlockDatabases(prefix, [...blocks, portal as unknown as AnyBlock]);
    const started = [
      startStack({
        dataDir,
        databases: { adminUrl: testAdminUrl(), prefix },
        root: process.cwd(),
        port: 0,
        households,
        demonstration: true,
        portal: true,
        progress: () => undefined,
      }).then((one) => {
        stack = one;
      }),
      startBrowser().then((one) => {
        browser = one;
      }),
    ];
    // What did start is ended, also when the other did not.
    await Promise.allSettled(started);
    await Promise.all(started);
  }, 400_000);
  afterAll(async () => {
    await browser?.close();
    await stack?.stop();
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });

  async function user(options: BrowserContextOptions = {}): Promise<BrowserUser> {
    const made = await browser.user(options);
    if (options.javaScriptEnabled === false) scriptless.add(made.context);
    return made;
  }

  async function inspect(page: Page, picture: string): Promise<void> {
    await expectNoViolations(page);
    await expectNoSidewaysScroll(page);
    if (pictures) await page.screenshot({ path: join(pictures, picture), fullPage: true, timeout: 0 });
  }

  return {
    get url() {
      return stack.url;
    },
    as: (application) => stack.as(application),
    letBillersIn: () => onboardBillers(stack),
    async setFaults(party, faults) {
      const { status } = await fetch(`${stack.parties[party].controlUrl}/control/faults`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(faults),
      });
      if (status !== 200) throw new Error(`the faults are not taken: ${status}`);
    },
    user,
    async signedIn(persona, path, options = {}) {
      const key = `${persona.source} ${JSON.stringify(options)}`;
      const known = signedInContexts.get(key);
      if (known) {
        const page = await known.newPage();
        await page.goto(`${stack.url}${path}`);
        return page;
      }
      const { context, page } = await user(options);
      signedInContexts.set(key, context);
      await page.goto(`${stack.url}/sign-in?return=${encodeURIComponent(path)}`);
      await page.getByRole('button', { name: persona }).click();
      await page.waitForURL((url) => url.origin === stack.url && !url.pathname.startsWith('/id/'));
      return page;
    },
    async look(page, what) {
      pictured += 1;
      const number = String(pictured).padStart(2, '0');
      if (pictures) mkdirSync(pictures, { recursive: true });
      const picture = `${[name, number, ...(what === undefined ? [] : [what])].join('-')}.png`;
      if (!scriptless.has(page.context())) return inspect(page, picture);
      const { context, page: same } = await user({ storageState: await page.context().storageState() });
      await same.goto(page.url());
      await inspect(same, picture);
      await context.close();
    },
  };
}

export const button = (page: Page, name: string): Locator => page.getByRole('button', { name, exact: true });
export const link = (page: Page, name: string | RegExp): Locator => page.getByRole('link', { name });

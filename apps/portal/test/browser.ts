import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import axe, { type Result } from 'axe-core';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';
import { expect } from 'vitest';

const cache = fileURLToPath(new URL('../../../node_modules/.cache/', import.meta.url));

/**
 * Unpacks the browser, by the entry of its package, into a folder. It goes wherever TMPDIR says, so it is done in a
 * process of its own: what else starts in this one at the same moment must not take that folder for its own.
 */
async function unpack(entry: string, folder: string): Promise<void> {
  const script = `import packed from ${JSON.stringify(pathToFileURL(entry).href)};
await packed.executablePath();`;
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, TMPDIR: folder },
  });
}

/**
 * Flags of the package that are for other purposes: one process for everything would die with its second page, a
 * graphics card that is imitated costs more than all pages, and processes that start from nothing start slowly.
 */
const unwanted: ReadonlySet<string> = new Set([
  '--single-process',
  '--disable-web-security',
  '--in-process-gpu',
  '--use-gl',
  '--use-angle',
  '--enable-unsafe-swiftshader',
  '--ignore-gpu-blocklist',
  '--no-zygote',
]);

/** Path of the unpacked browser: once per version of its package, whoever comes first. */
async function browserFile(): Promise<{ file: string; flags: readonly string[] }> {
  const require = createRequire(import.meta.url);
  const entry = require.resolve('@sparticuz/chromium');
  const { version } = require(join(dirname(entry), '../package.json')) as { version: string };
  const folder = join(cache, `chromium-${version}`);
  const { default: packed } = await import('@sparticuz/chromium');
  if (!existsSync(join(folder, 'chromium'))) {
    mkdirSync(cache, { recursive: true });
    const fresh = mkdtempSync(join(cache, 'unpacking-'));
    await unpack(entry, fresh);
    try {
      renameSync(fresh, folder);
    } catch {
      // Another test file was first.
      rmSync(fresh, { recursive: true, force: true });
    }
  }
  const flags = packed.args.filter((flag) => !unwanted.has(flag.split('=', 1)[0] as string));
  return { file: join(folder, 'chromium'), flags };
}

export interface BrowserUser {
  readonly context: BrowserContext;
  readonly page: Page;
}

export interface TestBrowser {
  /** A person at a fresh browser: cookies and storage of their own. */
  user(options?: BrowserContextOptions): Promise<BrowserUser>;
  close(): Promise<void>;
}

/** A phone of 360 pixels. */
export const phone: BrowserContextOptions = {
  viewport: { width: 360, height: 740 },
  isMobile: true,
  hasTouch: true,
  deviceScaleFactor: 2,
};
export const withoutScripts: BrowserContextOptions = { javaScriptEnabled: false };
export const arabic: BrowserContextOptions = { locale: 'ar' };

/** Starts the browser. It reaches nothing but the addresses the test visits. */
export async function startBrowser(): Promise<TestBrowser> {
  const { file, flags } = await browserFile();
  const browser: Browser = await chromium.launch({
    executablePath: file,
    args: [
      ...flags,
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
    ],
  });
  return {
    async user(options = {}) {
      const context = await browser.newContext({ locale: 'en-GB', ...options });
      context.setDefaultTimeout(60_000);
      return { context, page: await context.newPage() };
    },
    close: () => browser.close(),
  };
}

const rules = JSON.stringify({
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  resultTypes: ['violations'],
});

/** Fails with what axe found on the page, WCAG 2.2 AA and best practices. */
export async function expectNoViolations(page: Page): Promise<void> {
  expect(page.frames().length, `axe does not look into frames of ${page.url()}`).toBe(1);
  await page.evaluate(axe.source);
  const violations: Result[] = await page.evaluate(`axe.run(${rules}).then((found) => found.violations)`);
  const found = violations.map(
    (one) =>
      `${one.id}: ${one.help} (${one.nodes
        .map((node) => node.html)
        .slice(0, 3)
        .join(' | ')})`,
  );
  expect(found, `axe on ${page.url()}`).toEqual([]);
}

/** Fails when the page is wider than the screen: nothing but marked regions may scroll sideways. */
export async function expectNoSidewaysScroll(page: Page): Promise<void> {
  const overflow = (await page.evaluate(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  )) as number;
  expect(overflow, `sideways scroll on ${page.url()}`).toBeLessThanOrEqual(0);
}

export { expectValidHtml } from './valid.ts';

import { workflow } from '@govstack/workflow';
import { workflowApi } from '@govstack/workflow/api';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BrowserUser, startBrowser, type TestBrowser } from './browser.ts';
import { signIn, startPortal, type TestPortal } from './support/portal.ts';

const service = (code: string): string => `LUMORA/GOV/ICT/blocks/${code}`;
const services = {
  registration: service('registration-v1'),
  consent: service('consent-v1'),
  messaging: service('messaging-v1'),
  payments: service('payments-v1'),
  workflow: service('workflow-v1'),
  messageLog: service('mediator-log-v1'),
};

let portal: TestPortal;
let browser: TestBrowser;
let designer: BrowserUser;
const refused: string[] = [];
beforeAll(async () => {
  [portal, browser] = await Promise.all([
    startPortal({ services }, [{ block: workflow, config: { pollMs: 25 } }]),
    startBrowser(),
  ]);
  designer = await browser.user({ viewport: { width: 1400, height: 1000 } });
  designer.page.on('console', (message) => console.log('CONSOLE', message.type(), message.text()));
  designer.page.on('pageerror', (message) => console.log('PAGEERROR', message.message));
});
afterAll(async () => {
  await browser.close();
  await portal.stop();
});

const shot = (page: Page, name: string) => page.screenshot({ path: `/tmp/shot-${name}.png`, fullPage: true });

describe('modeller', () => {
  test('[WF-6.1-a] a process is drawn, checked, tried, deployed and started', async () => {
    const { page } = designer;
    await signIn(portal, page, 'Daria Mensah', '/processes/design');
    await page.getByLabel('Name of the process').fill('Renewal of a licence');
    await page.getByLabel('Application that owns it').fill('licences');
    await page.getByRole('button', { name: 'Make the draft' }).click();
    await page.locator('#modeller[data-ready]').waitFor();

    const panel = page.getByRole('region', { name: 'Properties' });
    const shape = (id: string) => page.locator(`.djs-shape[data-element-id="${id}"]`);
    const set = async (label: string, value: string) => {
      await panel.getByLabel(label, { exact: true }).fill(value);
      await panel.getByLabel(label, { exact: true }).press('Tab');
    };
    await shape('start').click();
    await panel.getByRole('group', { name: 'Variables at the start' }).getByRole('button', { name: 'Add a row' }).click();
    designer.context.setDefaultTimeout(5000);
    await shot(page, 'b0'); console.log(await panel.innerHTML());
    await set('Variables at the start 1: Name', 'licence');
    await set('Variables at the start 1: Type', 'string');
    await set('Variables at the start 1: Required (true or false)', 'true');

    await page.locator('.djs-context-pad .bpmn-icon-task').click();
    await page.locator('.djs-context-pad .bpmn-icon-screw-wrench').click();
    await shot(page, 'b05');
    await page.locator('[data-id="replace-with-user-task"]').click();
    await shot(page, 'b1');
    await set('Name', 'Decide');
    await set('Role of those who may do it', 'officer');
    await panel.getByRole('group', { name: 'Outputs' }).getByRole('button', { name: 'Add a row' }).click();
    await set('Outputs 1: Value (= FEEL)', '=fee * 2');
    await shot(page, 'b2');
    await page.getByText('an output needs source and target').waitFor();
    await set('Outputs 1: Goes to', 'total');
    await page.locator('.djs-context-pad .bpmn-icon-end-event-none').click();
    await page.getByText('Nothing to remark on').waitFor();
    await shot(page, 'b3');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('status').getByText('Saved').waitFor();
    await page.getByRole('link', { name: 'Try' }).click();
    await shot(page, 'b4');
    await page.getByRole('button', { name: 'Try' }).click();
    await shot(page, 'b5');
    await page.getByLabel('Answer at Decide').fill('{"form":{"fee":21}}');
    await page.getByRole('button', { name: 'Try' }).click();
    await page.locator('#trial-drawing[data-ready]').waitFor();
    await shot(page, 'b6');
    await page.getByRole('link', { name: 'Deploy' }).click();
    await page.getByRole('button', { name: 'Deploy' }).click();
    await shot(page, 'b7');
    await page.getByRole('link', { name: 'Tables' }).click();
    await shot(page, 'b8');
    await page.getByRole('link', { name: 'Decide' }).first().click();
    await shot(page, 'b9');
    await page.getByRole('link', { name: 'Settings' }).click();
    await shot(page, 'b10');
    console.log(portal.errors);
  }, 120_000);
});

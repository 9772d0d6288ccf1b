import { workflow } from '@govstack/workflow';
import { workflowApi } from '@govstack/workflow/api';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  arabic,
  expectNoSidewaysScroll,
  expectNoViolations,
  expectValidHtml,
  phone,
  startBrowser,
  type TestBrowser,
  withoutScripts,
} from './browser.ts';
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
const application = 'LUMORA/GOV/MSP/licences';

let portal: TestPortal;
let browser: TestBrowser;
/** The designer at the graphical editor, and what the browser refused or failed at there. */
let page: Page;
const complaints: string[] = [];
/** Address of the draft. */
let draft: string;
beforeAll(async () => {
  [portal, browser] = await Promise.all([
    startPortal({ services }, [{ block: workflow, config: { pollMs: 25 } }]),
    startBrowser(),
  ]);
  ({ page } = await browser.user({ viewport: { width: 1400, height: 1000 } }));
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
});
afterAll(async () => {
  await browser.close();
  await portal.stop();
});

const api = () => portal.node.client(workflowApi, { as: application });
const instance = (instanceId: string) => api().getInstance({ params: { instanceId } });
const button = (at: Page, name: string) => at.getByRole('button', { name, exact: true });
const view = (at: Page, name: string) =>
  at.getByRole('navigation', { name: 'This draft' }).getByRole('link', { name }).click();
const ready = (at: Page) => at.locator('#modeller[data-ready]').waitFor();

describe('the modeller', () => {
  test('[WF-6.1-a] [WF-4.1] a process is drawn in the browser, checked as it grows, tried, deployed and started', async () => {
    await signIn(portal, page, 'Daria Mensah', '/processes/design');
    await expectNoViolations(page);
    await page.getByLabel('Name of the process').fill('Renewal of a licence');
    await page.getByLabel('Application that owns it').fill('licences');
    await button(page, 'Make the draft').click();
    await ready(page);
    draft = page.url();

    const panel = page.getByRole('region', { name: 'Properties' });
    const pad = (icon: string) => page.locator(`.djs-context-pad .bpmn-icon-${icon}`).click();
    const addRow = (rows: string) =>
      button(page, 'Add a row')
        .and(panel.getByRole('group', { name: rows }).getByRole('button'))
        .click();
    const set = async (label: string, value: string) => {
      await panel.getByLabel(label, { exact: true }).fill(value);
      await panel.getByLabel(label, { exact: true }).press('Tab');
    };
    await page.locator('.djs-shape[data-element-id="start"]').click();
    await addRow('Variables at the start');
    await set('Variables at the start 1: Name', 'licence');
    await set('Variables at the start 1: Required (true or false)', 'true');
    await pad('task');
    await page.locator('.djs-shape.portal-is-doubtful').waitFor();
    await pad('screw-wrench');
    await page.locator('[data-id="replace-with-user-task"]').click();
    await set('Name', 'Decide');
    await set('Role of those who may do it', 'officer');
    await addRow('Outputs');
    await set('Outputs 1: Value (= FEEL)', '=fee * 2');
    await page.getByText('an output needs source and target').waitFor();
    await page.locator('.djs-shape.portal-is-faulty').waitFor();
    await set('Outputs 1: Goes to', 'total');
    await pad('end-event-none');
    await page.getByText('Nothing to remark on').waitFor();
    await button(page, 'Undo').click();
    await page.getByText('ends the path without an end event').waitFor();
    await button(page, 'Redo').click();
    await page.getByText('Nothing to remark on').waitFor();
    await expectNoViolations(page);
    // The mark of the makers of the library: there, and nothing before it.
    const unobstructed = `(() => {
      const mark = document.querySelector('.bjs-powered-by');
      const { left, top, width, height } = mark.getBoundingClientRect();
      mark.scrollIntoView();
      const now = mark.getBoundingClientRect();
      return mark.contains(document.elementFromPoint(now.left + width / 2, now.top + height / 2));
    })()`;
    expect(await page.evaluate(unobstructed)).toBe(true);

    // What is not saved is saved on the way to the trial.
    await view(page, 'Try');
    await button(page, 'Try').click();
    await page.getByText('Somebody would get this task.').waitFor();
    await page.getByLabel('Answer at Decide').fill('{"form":{"fee":21}}');
    await button(page, 'Try').click();
    await page.getByText('Came to its end').waitFor();
    expect(
      await page.getByRole('region', { name: 'Step by step' }).getByRole('rowheader').allTextContents(),
    ).toEqual(['Start (start)', 'Decide', expect.stringMatching(/^End /)]);
    await page.getByText('"total": 42').last().waitFor();
    await page.locator('#trial-drawing[data-ready] .djs-shape.portal-is-passed').first().waitFor();
    await expectNoViolations(page);

    await view(page, 'Deploy');
    await page.getByText('it becomes its first revision').waitFor();
    await button(page, 'Deploy').click();
    await page.getByText('The process is deployed.').waitFor();
    await page.getByText('The process is the same.').waitFor();
    const started = await api().start({
      params: { processId: 'renewal-of-a-licence' },
      body: { variables: { licence: 'L-1' } },
    });
    const { tasks } = (await api().listUserTasks({ query: {} })).body;
    const task = tasks.find((one) => one.instanceId === started.body.id);
    await api().completeUserTask({ params: { taskId: task?.id as string }, body: { variables: { fee: 4 } } });
    await expect
      .poll(async () => (await instance(started.body.id)).body.variables)
      .toMatchObject({ total: 8 });
    expect(complaints).toEqual([]);
    await page.goto(draft);
    await ready(page);
    // Opened as a page, a document is text: whatever somebody has written into it, nothing of it runs.
    const { headers } = await page.request
      .get(`${draft}/drawing`)
      .then((one) => ({ headers: one.headers() }));
    expect(headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'content-security-policy': "default-src 'none'; sandbox",
    });
    // Pressed twice, it is saved, and nobody is told that somebody else was faster.
    await panel.getByLabel('Name', { exact: true }).fill('Renewal');
    await panel.getByLabel('Name', { exact: true }).press('Tab');
    await button(page, 'Save').dblclick();
    await page.getByRole('status').getByText('Saved').waitFor();
    expect(complaints).toEqual([]);
  }, 120_000);

  test('[WF-6.1-a] [WF-4.1] the same draft is edited as tables, without scripts; who comes too late is told', async () => {
    const { page: plain } = await browser.user(withoutScripts);
    await signIn(portal, plain, 'Daria Mensah', new URL(draft).pathname);
    await plain.getByRole('link', { name: 'Edit the same draft as tables' }).click();
    const add = async (kind: string, name: string, after: string) => {
      await plain.getByLabel('Kind', { exact: true }).selectOption(kind);
      await plain.getByLabel('Name', { exact: true }).fill(name);
      await plain.getByLabel('After, or attached to').selectOption({ label: after });
      await button(plain, 'Add an element').click();
    };
    await add('BoundaryEvent/Timer', 'Too late', 'Decide');
    await plain.getByLabel('When (ISO 8601, cron, or = and FEEL)').fill('P3D');
    await button(plain, 'Save').click();
    await add('EndEvent', 'Given up', 'Too late');
    await button(plain, 'Save').click();
    await expectValidHtml(await plain.content(), 'table');
    await plain.getByText('Nothing to remark on').waitFor();
    // A flow into a start event is refused, and changes nothing.
    await plain.getByLabel('From', { exact: true }).selectOption({ label: 'Decide' });
    await plain.getByLabel('To', { exact: true }).selectOption({ label: 'Start (start)' });
    await button(plain, 'Connect').click();
    await plain.getByRole('alert').getByText('No flow leads there').waitFor();

    await view(plain, 'Deploy');
    const rows = plain.getByRole('region', { name: 'Differences, element by element' }).getByRole('row');
    await expect.poll(() => rows.filter({ hasText: 'Too late' }).first().textContent()).toContain('Added');
    await view(plain, 'Try');
    await plain.getByText('A single step, or from an element').waitFor();
    await plain.getByLabel('Variables at the start (JSON)').fill('{"licence": "L-2"}');
    await button(plain, 'Try').click();
    await plain.getByLabel('Answer at Too late').fill('{}');
    await button(plain, 'Try').click();
    await expect.poll(() => plain.getByRole('rowheader', { name: 'Given up' }).count()).toBe(1);
    await view(plain, 'Settings');
    await expectValidHtml(await plain.content(), 'settings');

    // The other page still shows the draft as it was.
    await button(page, 'Save').click();
    await page.getByRole('status').getByText('Somebody else has changed the draft').waitFor();
    await page.reload();
    await ready(page);
    await page.locator('.djs-shape').filter({ hasText: 'Given up' }).first().waitFor();
  }, 120_000);

  test('[WF-6.1-a] files of other tools come in, are drawn if they were not, and go out as XML and as JSON', async () => {
    const bpmn = `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="urn:x">
      <process id="foreign" isExecutable="true"><startEvent id="s"/><task id="t" name="Made elsewhere"/><endEvent id="e"/>
      <sequenceFlow id="f1" sourceRef="s" targetRef="t"/><sequenceFlow id="f2" sourceRef="t" targetRef="e"/></process></definitions>`;
    const bring = async (name: string, content: string) => {
      await page.goto(`${portal.url}/processes/design`);
      await page.getByLabel('Name of the process').fill('Foreign');
      await page.getByLabel('Application that owns it').fill('licences');
      await page.getByLabel('Start with').selectOption('file');
      await page
        .getByLabel('File', { exact: true })
        .setInputFiles({ name, mimeType: 'text/xml', buffer: Buffer.from(content) });
      await button(page, 'Make the draft').click();
    };
    await bring('broken.bpmn', '<nothing');
    await page.getByRole('alert').getByText('cannot be read').waitFor();
    await bring('foreign.bpmn', bpmn);
    await ready(page);
    await page.locator('.djs-shape[data-element-id="t"]').waitFor();
    const get = async (format: string) =>
      (await page.request.get(`${page.url()}/export?format=${format}`)).text();
    expect(await get('xml')).toBe(bpmn);
    const json = await get('json');
    expect(JSON.parse(json)).toMatchObject({ $type: 'bpmn:Definitions', id: 'd' });
    await bring('foreign.json', json);
    await ready(page);
    await page.locator('.djs-shape[data-element-id="t"]').waitFor();
  }, 120_000);

  test('speaks Arabic, fits a phone, and is only for those who design', async () => {
    const { page: small } = await browser.user({ ...phone, ...arabic });
    await signIn(portal, small, 'Daria Mensah', new URL(draft).pathname);
    await ready(small);
    await small
      .getByRole('heading', { name: 'الخصائص' })
      .or(small.getByRole('region', { name: 'الخصائص' }))
      .waitFor();
    // The words of the drawing library too.
    await small.getByLabel('إنشاء مهمة').waitFor({ state: 'attached' });
    await expectNoSidewaysScroll(small);
    for (const path of ['table', 'try', 'deploy', 'settings', 'elements/start']) {
      await small.goto(`${draft}/${path}`);
      if (path !== 'try') await expectNoViolations(small);
      await expectNoSidewaysScroll(small);
    }
    await small.goto(`${portal.url}/processes/design`);
    await expectNoSidewaysScroll(small);
    const { page: officer } = await browser.user();
    await signIn(portal, officer, 'Olena Farouk', new URL(draft).pathname);
    expect(await officer.title()).not.toContain('Renewal');
    expect(portal.errors).toEqual([]);
  }, 120_000);
});

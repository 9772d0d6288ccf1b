import { jsonResponse } from '@govstack/platform/testing';
import { workflow } from '@govstack/workflow';
import { workflowAdmin, workflowApi } from '@govstack/workflow/api';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  expectNoSidewaysScroll,
  expectNoViolations,
  phone,
  startBrowser,
  type TestBrowser,
  withoutScripts,
} from './browser.ts';
import { signIn, startPortal, type TestPortal } from './support/portal.ts';
import { expectValidHtml } from './valid.ts';

const owner = 'LUMORA/GOV/MSP/cash-transfer';
const registry = 'LUMORA/GOV/CRA/civil-registry/registry-data-v1';
const pictures = process.env.GOVSTACK_PICTURES;

let reachable = false;
const providers = {
  'LUMORA/GOV/CRA/civil-registry/getOpenAPI': async () =>
    jsonResponse(200, { openapi: '3.1.0', paths: { '/read': { post: { operationId: 'read' } } } }),
  [registry]: async () =>
    reachable ? jsonResponse(200, { alive: true }) : jsonResponse(400, { title: 'No such person' }),
};

const expectText = (page: Page, text: string | RegExp) =>
  page.locator('main').getByText(text).first().waitFor({ timeout: 15_000 });

const sheet = (body: string, key: string, name: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?><definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
  xmlns:govstack="urn:govstack:bpmn:1" id="d" targetNamespace="urn:test"><process id="${key}" name="${name}" isExecutable="true">${body}</process></definitions>`;
const flows = (...pairs: string[]): string =>
  pairs
    .map(
      (pair) =>
        `<sequenceFlow id="${pair}" sourceRef="${pair.split('-')[0]}" targetRef="${pair.split('-')[1]}"/>`,
    )
    .join('');

/** Asks a registry, then waits for a person inside a sub-process that has a deadline. */
const housing = (checked: string): string => `
  <startEvent id="s" name="Asked for"><extensionElements>
    <govstack:variable name="nationalNumber" type="string" required="true"/><govstack:variable name="rooms" type="integer"/>
    <govstack:variable name="urgent" type="boolean"/><govstack:variable name="from" type="date"/></extensionElements></startEvent>
  <serviceTask id="ask" name="Is the applicant alive?" govstack:application="{instance}/GOV/CRA/civil-registry" govstack:service="registry-data-v1" govstack:operation="read">
    <extensionElements><govstack:input target="body.nationalNumber" source="=nationalNumber"/></extensionElements></serviceTask>
  <subProcess id="visit" name="Visit"><startEvent id="v"/><userTask id="${checked}" name="See the house" govstack:candidateRole="officer"/><endEvent id="w"/>${flows(`v-${checked}`, `${checked}-w`)}</subProcess>
  <boundaryEvent id="late" name="Nobody came" attachedToRef="visit"><timerEventDefinition><timeDuration>P30D</timeDuration></timerEventDefinition></boundaryEvent>
  <userTask id="call" name="Call the applicant"/><endEvent id="e" name="Housed"/><endEvent id="g" name="Given up"/>
  ${flows('s-ask', 'ask-visit', 'visit-e', 'late-call', 'call-g')}`;

let portal: TestPortal;
let browser: TestBrowser;
const application = 'LUMORA/GOV/BLOCKS/workflow';
const api = () => portal.node.client(workflowApi, { as: owner, service: `${application}/workflow-v1` });
const admin = () =>
  portal.node.client(workflowAdmin, { as: owner, service: `${application}/workflow-admin-v1` });

const deploy = async (checked = 'look', version = '1.0') =>
  (
    await api().addProcess({
      body: {
        name: 'Emergency housing',
        type: 'Private',
        version,
        processBody: [{ code: 'bpmn20xml', value: sheet(housing(checked), 'housing', 'Emergency housing') }],
      },
    })
  ).body.id;
const begin = async (nationalNumber: string, businessKey: string): Promise<string> =>
  (
    await api().start({
      params: { processId: 'housing' },
      headers: {},
      body: { businessKey, variables: { nationalNumber } },
    })
  ).body.id;
const incidentOf = (instanceId: string) =>
  vi.waitFor(
    async () => {
      const { incidents } = (await admin().listIncidents({ query: { instanceId } })).body;
      expect(incidents).toHaveLength(1);
    },
    { timeout: 20_000, interval: 50 },
  );
const stateOf = async (instanceId: string) => (await api().getInstance({ params: { instanceId } })).body;

const seen: string[] = [];
let pictured = 0;
const addresses: string[] = [];
let first: string;
let stuck: string[];
beforeAll(async () => {
  const unused = Array.from(['registration', 'consent', 'messaging', 'payments'], (name) => [
    name,
    `LUMORA/GOV/BLOCKS/${name}/${name}-v1`,
  ]);
  const services = {
    ...Object.fromEntries(unused),
    workflow: `${application}/workflow-v1`,
    messageLog: 'LUMORA/GOV/BLOCKS/mediator/mediator-log-v1',
  };
  const engine = {
    block: workflow,
    application,
    config: { pollMs: 25, retries: [], noticeRetries: [], observerRoles: ['programme-manager'] },
  };
  [portal, browser] = await Promise.all([
    startPortal({ services }, [engine as never], providers),
    startBrowser(),
  ]);
  first = await deploy();
  stuck = [await begin('XL-1', 'file-1'), await begin('XL-2', 'file-2'), await begin('XL-3', 'file-3')];
  await Promise.all(stuck.map(incidentOf));
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await portal?.stop();
});

/** A page as everybody must be able to use it. */
async function look(page: Page, name: string): Promise<void> {
  await expectValidHtml(await (await page.context().request.get(page.url())).text(), name);
  await expectNoViolations(page);
  await expectNoSidewaysScroll(page);
  pictured += 1;
  if (pictures)
    await page.screenshot({
      path: `${pictures}/${String(pictured).padStart(2, '0')}-${name}.png`,
      fullPage: true,
    });
}

async function person(name: string, path: string, options = {}, language = 'en'): Promise<Page> {
  const { context, page } = await browser.user(options);
  await context.addCookies([{ name: 'portal-language', value: language, url: portal.url }]);
  page.on('console', (line) => {
    if (/Content Security Policy|Refused/.test(line.text())) seen.push(`${page.url()} ${line.text()}`);
  });
  page.on('pageerror', (error) => seen.push(`${page.url()} ${error.message}`));
  page.on('request', (request) => addresses.push(request.url()));
  await signIn(portal, page, name, `/sign-in?return=${encodeURIComponent(path)}`);
  return page;
}
const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();
const figure = (page: Page, name: string) =>
  page
    .locator('.portal-figures > div')
    .filter({ has: page.locator('dt', { hasText: name }) })
    .locator('dd')
    .innerText();
const drawn = (page: Page) => page.locator('.portal-canvas .bjs-powered-by').waitFor();
const instancePage = (id: string) => `/processes/instances/${id}`;
const revisionPage = (id: string, more = '') => `/processes/revisions/${encodeURIComponent(id)}${more}`;

describe('processes in the portal', { timeout: 90_000 }, () => {
  test('[WF-6.3-b] a dashboard shows processes, their instances by state, what is stuck, and how the engine does', async () => {
    const page = await person('Ivo Marek', '/processes');
    expect([await figure(page, 'Running instances'), await figure(page, 'Open incidents')]).toEqual([
      '3',
      '3',
    ]);
    await expectText(page, 'Instances are stuck. Workers alive: 1.');
    const row = page.getByRole('row').filter({ hasText: 'Emergency housing' });
    expect((await row.innerText()).split(/\s+/).slice(-7)).toEqual(['3', '0', '0', '0', '0', '3', '0']);
    await page.locator('summary').click();
    expect((await page.locator('#periods tbody tr').last().innerText()).split(/\s+/).slice(-4)).toEqual([
      '3',
      '0',
      '0',
      '0',
    ]);
    await look(page, 'overview');
    await row.getByRole('link', { name: 'Emergency housing' }).click();
    await page.getByRole('link', { name: 'Stuck', exact: true }).click();
    await drawn(page);
    expect(await page.locator('[data-element-id=ask].portal-mark--incident').count()).toBe(1);
    await expectText(page, 'How many tokens are stuck at each element now.');
    await look(page, 'revision');
    await page.context().close();
  });

  test('[WF-4.3] where an instance stands is seen live on its drawing; who only looks on sees no words and changes nothing', async () => {
    const id = await begin('XL-4', 'file-4');
    await incidentOf(id);
    const page = await person('Ivo Marek', instancePage(id), phone);
    await drawn(page);
    const mark = page.locator('.bjs-powered-by');
    const box = await mark.boundingBox();
    const onTop = await page.evaluate(
      `document.elementFromPoint(${(box?.x ?? 0) + 5}, ${(box?.y ?? 0) + 5})?.closest('.bjs-powered-by') !== null`,
    );
    expect(box && onTop, 'the mark of the library is visible').toBe(true);
    expect(await page.locator('[data-element-id=ask].portal-mark--incident').count()).toBe(1);
    expect(await page.locator('[data-element-id=s-ask].portal-mark--taken').count()).toBe(1);
    await expectText(page, 'read answered 400: No such person');
    await look(page, 'instance-phone');
    const observed = await person('Mateo Ndiaye', instancePage(id), withoutScripts);
    const text = await observed.locator('main').innerText();
    expect(text).toMatch(/Is the applicant alive\?\s+Call of a service\s+STUCK/i);
    expect(text).not.toContain('No such person');
    expect(await observed.locator('main').getByRole('button').count()).toBe(0);
    expect(await observed.locator('.portal-node.portal-mark--incident').count()).toBe(1);
    expect((await observed.goto(`${portal.url}/processes/incidents`))?.status()).toBe(403);
    await observed.context().close();
    // Somebody puts it right elsewhere: the page follows.
    reachable = true;
    const [incident] = (await admin().listIncidents({ query: { instanceId: id } })).body.incidents;
    await admin().retryIncident({
      params: { incidentId: incident?.id ?? '' },
      body: { reason: 'corrected' },
    });
    await page.locator('[data-element-id=look].portal-mark--active').waitFor({ timeout: 30_000 });
    reachable = false;
    await page.context().close();
  });

  test('[WF-4.2-b] a process is started by hand with what it asks for, once however often the form is sent, without scripts', async () => {
    const here = revisionPage(first, '/start');
    const page = await person('Ivo Marek', here, withoutScripts);
    await page.getByLabel('rooms (optional)').fill('two');
    await press(page, 'Start');
    await expectText(page, 'nationalNumber is needed.');
    await expectText(page, 'The value of rooms is not of its kind.');
    await page.getByLabel('nationalNumber').fill('XL-9');
    await page.getByLabel('rooms (optional)').fill('2');
    await page.getByLabel('Yes').check();
    await page.getByLabel('from (optional)').fill('2026-12-01');
    await page.getByLabel('Business key').fill('file-9');
    const [csrf, key] = (await Promise.all(
      ['_csrf', '_key'].map((name) => page.locator(`main input[name=${name}]`).inputValue()),
    )) as [string, string];
    await press(page, 'Start');
    await expectText(page, 'The process is started.');
    const id = page.url().split('/').at(-1) as string;
    expect((await stateOf(id)).variables).toMatchObject({
      nationalNumber: 'XL-9',
      rooms: 2,
      urgent: true,
      from: '2026-12-01',
    });
    const again = await page.context().request.post(`${portal.url}${here}`, {
      form: {
        _csrf: csrf,
        _key: key,
        'variable-0': 'XL-9',
        'variable-1': '2',
        'variable-2': 'true',
        'variable-3': '2026-12-01',
        businessKey: 'file-9',
      },
      maxRedirects: 0,
    });
    expect(again.headers().location).toContain(id);
    await page.goto(`${portal.url}/processes/instances`);
    await page.getByLabel('Business key').fill('file-9');
    await press(page, 'Find');
    expect(await page.locator('main tbody tr').count()).toBe(1);
    expect(addresses.filter((address) => address.includes('file-'))).toEqual([]);
    await page.context().close();
  });

  test('[WF-6.2-g][WF-6.2-i] starts by the clock and after another process are defined in forms, and taken away', async () => {
    const page = await person('Ivo Marek', revisionPage(first, '/starts'));
    await page.getByRole('radio', { name: 'Every week' }).check();
    await press(page, 'Add');
    await expectText(page, 'Give the time, and what else this rhythm needs.');
    await page.getByLabel('Time', { exact: true }).fill('06:30');
    await page.getByLabel('Day of the week, for every week').selectOption('Monday');
    await page.locator('#name-0').fill('nationalNumber');
    await page.locator('#value-0').fill('XL-7');
    await press(page, 'Add');
    await expectText(page, '30 6 * * 1');
    const [schedule] = (await admin().listSchedules({})).body.defined;
    expect(schedule).toMatchObject({
      process: 'housing',
      at: '30 6 * * 1',
      timeZone: 'Africa/Nairobi',
      missed: 'once',
    });
    await page.getByRole('button', { name: 'Remove 30 6 * * 1' }).click();
    await expectText(page, 'Nothing starts this process by the clock.');
    await api().addProcess({
      body: {
        name: 'Follow up',
        type: 'Private',
        version: '1',
        processBody: [
          {
            code: 'bpmn20xml',
            value: sheet(`<startEvent id="a"/><endEvent id="b"/>${flows('a-b')}`, 'follow', 'Follow up'),
          },
        ],
      },
    });
    const followUp = (await api().getProcess({ params: { processId: 'follow' } })).body.id;
    await page.goto(`${portal.url}${revisionPage(followUp, '/starts')}`);
    await page.getByLabel('When it has').selectOption('failed');
    await page.getByLabel('What the new instance gets').fill('who = =nationalNumber\nkind = letter');
    await page.getByRole('button', { name: 'Add', exact: true }).last().click();
    await expectText(page, 'housing · failed');
    expect((await admin().listFlowTriggers({ query: {} })).body.triggers).toMatchObject([
      {
        source: 'housing',
        on: 'failed',
        target: 'follow',
        variables: [
          { target: 'who', source: '=nationalNumber' },
          { target: 'kind', source: 'letter' },
        ],
      },
    ]);
    await look(page, 'starts');
    await page.context().close();
  });

  test('[WF-5.1.1][WF-5.1.2-b] what is stuck is repaired with a reason, in the state that was seen; values are read by who may, on record', async () => {
    const [one, two, three] = stuck as [string, string, string];
    const page = await person('Ivo Marek', instancePage(one));
    await page.locator('#name-0').fill('nationalNumber');
    await page.locator('#value-0').fill('XL-1a');
    await press(page, 'Try again');
    // What was entered stays.
    await page.getByRole('link', { name: 'Say why: it stays in the history.' }).click();
    await page.locator('#retry-reason:focus').waitFor();
    reachable = true;
    await page.locator('#retry-reason').fill('wrong number');
    await press(page, 'Try again');
    await expectText(page, 'It is tried again.');
    await vi.waitFor(async () => expect((await stateOf(one)).incidents).toBe(0), {
      timeout: 10_000,
      interval: 50,
    });
    expect((await stateOf(one)).variables).toMatchObject({ nationalNumber: 'XL-1a' });

    await page.goto(`${portal.url}${instancePage(one)}/variables`);
    expect(await page.locator('main').innerText()).not.toContain('XL-1a');
    await page.locator('#why').fill('complaint 4');
    await press(page, 'Show the values');
    await expectText(page, '"XL-1a"');
    // Meanwhile somebody else changes it.
    await page.goto(`${portal.url}${instancePage(one)}/variables`);
    const { revision } = await stateOf(one);
    await admin().setInstanceVariables({
      params: { instanceId: one },
      body: { revision, variables: { rooms: 3 }, reason: 'by phone' },
    });
    await page.locator('#name-0').fill('rooms');
    await page.locator('#type-0').selectOption('number');
    await page.locator('#value-0').fill('4');
    await page.locator('#reason').fill('by letter');
    await press(page, 'Set');
    await expectText(page, 'Meanwhile this has moved on.');
    expect((await stateOf(one)).variables).toMatchObject({ rooms: 3 });

    await page.goto(`${portal.url}${instancePage(one)}`);
    await page.getByRole('link', { name: 'Move or remove Visit' }).click();
    await page.getByLabel('To the element').selectOption({ label: 'Call the applicant (Task for people)' });
    await page.locator('#move-reason').fill('the house is gone');
    await press(page, 'Move');
    await expectText(page, 'The token is moved.');
    await page.locator('#suspend-reason').fill('holidays');
    await press(page, 'Suspend');
    await page.locator('#resume-reason').fill('back');
    await press(page, 'Resume');
    await page.locator('#cancel-reason').fill('withdrawn');
    await press(page, 'End it');
    await expectText(page, 'The instance is ended.');
    const { events } = (await admin().getInstanceHistory({ params: { instanceId: one } })).body;
    expect(
      events.filter(({ actor }) => actor === 'supervisor').map(({ event, reason }) => [event, reason]),
    ).toEqual([
      ['retry', 'wrong number'],
      ['variablesRead', 'complaint 4'],
      ['moveToken', 'the house is gone'],
      ['suspended', 'holidays'],
      ['resumed', 'back'],
      ['stop', 'withdrawn'],
    ]);

    await page.goto(`${portal.url}/processes/incidents?process=housing`);
    await page.getByLabel('Words it contains').fill('No such person');
    await page.locator('#reason').fill('the registry is mended');
    await press(page, 'Try all again');
    await expectText(page, /Tried again: \d/);
    for (const id of [two, three])
      await vi.waitFor(async () => expect((await stateOf(id)).incidents).toBe(0), {
        timeout: 10_000,
        interval: 50,
      });
    // An activity of an ad-hoc sub-process is begun by hand.
    const helping = `<startEvent id="s"/><adHocSubProcess id="any" name="What helps"><userTask id="ask" name="Ask"/>
      <userTask id="write" name="Write"/><completionCondition>false</completionCondition></adHocSubProcess><endEvent id="e"/>${flows('s-any', 'any-e')}`;
    const processBody = [{ code: 'bpmn20xml' as const, value: sheet(helping, 'helping', 'Helping') }];
    await api().addProcess({ body: { name: 'Helping', type: 'Private', version: '1', processBody } });
    const { id } = (await api().start({ params: { processId: 'helping' }, headers: {}, body: {} })).body;
    await page.goto(`${portal.url}${instancePage(id)}`);
    await page.getByRole('link', { name: 'Begin an activity What helps' }).click();
    await page.locator('#begin-reason').fill('they asked');
    await press(page, 'Begin');
    await page.getByRole('link', { name: 'Choose what to begin.' }).click();
    await page.getByLabel('Activity', { exact: true }).selectOption({ label: 'Write (Task for people)' });
    await press(page, 'Begin');
    await expectText(page, 'The activity is begun.');
    const { tasks } = (await admin().listInstanceTasks({ params: { instanceId: id } })).body;
    expect(tasks.map(({ elementId }) => elementId).sort()).toEqual(['ask', 'write', 'write']);
    await page.context().close();
  });

  test('[WF-6.3-a] instances go over to another revision after a preview, with a map of what has another name there', async () => {
    const second = await deploy('inspect', '2.0');
    const page = await person('Ivo Marek', revisionPage(first, '/migration'));
    await press(page, 'Continue');
    await press(page, 'Preview');
    await expectText(page, 'Stays');
    await page
      .locator('select')
      .filter({ has: page.locator('option[value=inspect]') })
      .first()
      .selectOption('inspect');
    await press(page, 'Preview');
    await expectText(page, 'Can go');
    await look(page, 'migration');
    await page.locator('#reason').fill('the new form');
    await press(page, 'Take over');
    await expectText(page, /Taken over: [1-9]/);
    expect((await stateOf(stuck[1] as string)).processRef).toBe(second);
    await page.goto(`${portal.url}${revisionPage(first)}`);
    await press(page, 'Disable');
    await expectText(page, 'Disabled');
    await page.locator('#days').fill('30');
    await page.locator('#retention-reason').fill('archive act');
    await press(page, 'Save');
    await expectText(page, 'Days: 30');
    await page.context().close();
  });

  test('[WF-4.1] connections are defined, changed and removed with a reason, their secret is never shown, without scripts; notices are sent again', async () => {
    const page = await person('Ivo Marek', '/processes/connections', withoutScripts);
    await page.getByLabel('Name', { exact: true }).fill('Weather');
    await press(page, 'Continue');
    await expectText(page, 'Give a name of small letters, digits and hyphens.');
    await page.getByLabel('Name', { exact: true }).fill('weather');
    await press(page, 'Continue');
    await press(page, 'Save');
    for (const missing of ['Give the address.', 'Say why: it stays in the history.'])
      await expectText(page, missing);
    await page.getByLabel('Address', { exact: true }).fill('https://weather.example/v1');
    await page.getByLabel('Further headers').fill('X-Tenant: msp');
    await page.locator('#secret').fill('do not tell');
    await page.locator('#reason').fill('floods');
    await press(page, 'Save');
    await expectText(page, 'The connection is saved.');
    const seeing = await person('Ivo Marek', '/processes/connections/cash-transfer/weather', phone, 'fr');
    await look(seeing, 'connection');
    await seeing.goto(`${portal.url}/processes/connections`);
    await look(seeing, 'connections');
    const kept = async () =>
      (await admin().listConnections({})).body.connections.find(({ name }) => name === 'weather');
    const settings = {
      kind: 'http',
      baseUrl: 'https://weather.example/v1',
      authentication: { kind: 'bearer' },
      methods: ['GET', 'POST'],
      headers: { 'X-Tenant': 'msp' },
    };
    expect(await kept()).toMatchObject({ application: owner, settings, hasSecret: true });
    expect(await page.content()).not.toContain('do not tell');
    await page.getByLabel('Most requests in a minute').fill('60');
    await page.locator('#reason').fill('their limit');
    await press(page, 'Save');
    await vi.waitFor(async () => expect((await kept())?.settings.perMinute).toBe(60));
    await page.getByLabel('Address', { exact: true }).fill('https://elsewhere.example');
    await page.locator('#reason').fill('they moved');
    await press(page, 'Save');
    await expectText(page, 'secret: must be given');
    expect((await kept())?.settings).toEqual({ ...settings, perMinute: 60 });
    await page.goto(`${portal.url}/processes/connections/cash-transfer/weather`);
    const entries = page.locator('#log + table tbody tr');
    expect(await entries.allInnerTexts()).toEqual([
      expect.stringMatching(/Settings\s+https:\/\/weather\.example\/v1\s+supervisor\s+their limit/),
      expect.stringMatching(/Settings with a new secret\s+https.*\s+supervisor\s+floods/),
    ]);
    await page.locator('#remove-reason').fill('the contract ended');
    await press(page, 'Remove the connection');
    await expectText(page, 'The connection is removed.');
    expect(await kept()).toBeUndefined();

    await admin().putConnection({
      params: { name: 'hooks' },
      body: {
        settings: {
          kind: 'http',
          baseUrl: 'https://10.0.0.1/hooks',
          authentication: { kind: 'none' },
          methods: ['POST'],
        },
      },
    });
    const told = sheet(`<startEvent id="a"/><endEvent id="b"/>${flows('a-b')}`, 'told', 'Told');
    await api().addProcess({
      body: {
        name: 'Told',
        type: 'Private',
        version: '1',
        processBody: [{ code: 'bpmn20xml', value: told }],
      },
    });
    await api().start({
      params: { processId: 'told' },
      headers: {},
      body: { callbackUrl: 'https://10.0.0.1/hooks/case' },
    });
    const givenUp = async () => (await admin().listNotices({ query: { givenUp: true } })).body.notices;
    await vi.waitFor(async () => expect(await givenUp()).toHaveLength(1), { timeout: 10_000, interval: 50 });
    await page.getByRole('link', { name: 'States that could not be told' }).click();
    await expectText(page, 'the connection hooks leads to a place that is not allowed');
    await seeing.goto(`${portal.url}/processes/notices`);
    await look(seeing, 'notices');
    await seeing.context().close();
    const [before] = await givenUp();
    await page.getByRole('button', { name: /^Send again/ }).click();
    await expectText(page, 'The notice is sent again.');
    await vi.waitFor(
      async () => {
        const [after] = await givenUp();
        expect(Date.parse(after?.givenUp ?? '')).toBeGreaterThan(Date.parse(before?.givenUp ?? ''));
      },
      { timeout: 10_000, interval: 50 },
    );
    await page.context().close();
  });

  test('[RGN-5.1.3-a] in Arabic on a phone', async () => {
    const page = await person('Ivo Marek', '/processes', phone, 'ar');
    await expectNoSidewaysScroll(page);
    await page.goto(`${portal.url}${instancePage(stuck[1] as string)}`);
    await drawn(page);
    await expectNoSidewaysScroll(page);
    expect(seen).toEqual([]);
    expect(portal.errors).toEqual([]);
    await page.context().close();
  });
});

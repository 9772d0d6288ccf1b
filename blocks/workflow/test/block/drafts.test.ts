import { CallFailed } from '@govstack/platform';
import type { TestNode } from '@govstack/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bpmn, chain, el, extensions, input, script } from '../execution/bpmn.ts';
import { adminOf, apiOf, ended, owner, startWorkflow } from './node.ts';

let node: TestNode;
let designer: string;
let stranger: string;
let clerk: string;
beforeAll(async () => {
  node = await startWorkflow({}, { config: { designerRoles: ['process-designer'] } });
  const roles = ['process-designer'];
  designer = await node.token({ id: 'amina', roles, agency: 'TEST/GOV/MSP' });
  stranger = await node.token({ id: 'zoe', roles, agency: 'TEST/GOV/CRA' });
  clerk = await node.token({ id: 'karl', roles: ['officer'], agency: 'TEST/GOV/MSP' });
});
afterAll(() => node.stop());

/** Through an application of another agency, as a portal is. */
const design = () => adminOf(node, 'TEST/GOV/ICT/portal');
const failure = async (call: Promise<unknown>): Promise<CallFailed> => {
  const error = await call.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(CallFailed);
  return error as CallFailed;
};
const status = async (call: Promise<unknown>) => (await failure(call)).status;
const doubling = (factor: number) =>
  bpmn(
    `<startEvent id="s">${'<extensionElements><govstack:variable name="n" type="number" required="true"/></extensionElements>'}</startEvent>
    ${script('double', `n * ${factor}`, 'twice')}<endEvent id="e"/>${chain('s', 'double', 'e')}`,
    '',
    'doubling',
  );
const create = async (more: object = {}) =>
  (
    await design().createDraft({
      personToken: designer,
      body: { application: owner, name: 'Doubling', bpmn: doubling(2), ...more },
    })
  ).body;

describe('drafts', () => {
  it('[WF-4.1] are kept, changed in the revision read, removed, and tell who did what', async () => {
    const empty = (
      await design().createDraft({ personToken: designer, body: { application: owner, name: 'Été & <co>' } })
    ).body;
    expect(empty.bpmn).toContain('id="ete-co"');
    const { id: draftId, revision } = empty;
    const params = { draftId };
    const body = {
      name: 'Second',
      bpmn: doubling(2),
      bindings: { registry: 'TEST/GOV/CRA/civil' },
      revision,
    };
    const changed = await design().changeDraft({ personToken: designer, params, body });
    expect(changed.body).toMatchObject({ revision: 2, name: 'Second', changedBy: 'amina' });
    expect(await status(design().changeDraft({ personToken: designer, params, body }))).toBe(409);
    const again = await design().changeDraft({
      personToken: designer,
      params,
      body: { ...body, revision: 2 },
    });
    expect(again.body.revision).toBe(2);
    const broken = { ...body, revision: 2, bpmn: '<nothing' };
    expect(await status(design().changeDraft({ personToken: designer, params, body: broken }))).toBe(422);
    const { drafts } = (await design().listDrafts({ personToken: designer, query: {} })).body;
    expect(drafts).toContainEqual(expect.objectContaining({ id: draftId, application: owner }));
    const query = { revision: 2 };
    await design().removeDraft({ personToken: designer, params, query });
    expect(await status(design().readDraft({ personToken: designer, params }))).toBe(404);
    const { entries } = (await design().getDraftLog({ personToken: designer, params })).body;
    expect(entries.map((one) => `${one.action} ${one.actor}`)).toEqual(
      ['created', 'changed', 'removed'].map((action) => `${action} amina`),
    );
  });
  it('[WF-4.1] belong to designers of the agency: others are refused or see nothing', async () => {
    const params = { draftId: (await create()).id };
    expect(await status(design().readDraft({ personToken: stranger, params }))).toBe(404);
    expect(await status(design().getDraftLog({ personToken: stranger, params }))).toBe(404);
    expect(await status(design().readDraft({ personToken: clerk, params }))).toBe(403);
    const body = { application: owner, name: 'Mine' };
    expect(await status(design().createDraft({ personToken: stranger, body }))).toBe(403);
    expect(await status(design().deployDraft({ personToken: clerk, params, body: { revision: 1 } }))).toBe(
      403,
    );
    const source = { application: owner, bpmn: doubling(2) };
    expect(await status(design().tryModel({ personToken: clerk, body: source }))).toBe(403);
    expect(await status(design().checkModel({ personToken: stranger, body: source }))).toBe(403);
    const seen = (await design().listDrafts({ personToken: stranger, query: {} })).body;
    expect(seen.drafts).toEqual([]);
  });
  it('[WF-4.1] are deployed in the name of their application, tried, compared, and started', async () => {
    const draft = await create();
    const params = { draftId: draft.id };
    const before = (await design().compareDraft({ personToken: designer, params, query: {} })).body;
    expect(before.processRef).toBeNull();
    expect(before.differences.every((one) => one.change === 'added')).toBe(true);
    const made = (
      await design().deployDraft({ personToken: designer, params, body: { revision: draft.revision } })
    ).body;
    expect(made).toMatchObject({ key: 'doubling', revision: 1 });
    const start = { params: { processId: 'doubling' }, body: { variables: { n: 4 } } };
    const { id } = (await apiOf(node).start(start)).body;
    expect((await ended(node, id)).variables).toMatchObject({ twice: 8 });
    const log = await adminOf(node).getProcessLog({ params: { processId: made.processRef } });
    expect(log.body.entries).toMatchObject([{ action: 'created', actor: 'amina' }]);

    const change = { name: 'Doubling', bpmn: doubling(3), revision: 1 };
    await design().changeDraft({ personToken: designer, params, body: change });
    const compared = (await design().compareDraft({ personToken: designer, params, query: {} })).body;
    expect(compared).toMatchObject({ processRef: made.processRef, decisions: false, bindings: false });
    expect(compared.differences).toEqual([
      {
        elementId: 'double',
        type: 'ScriptTask',
        change: 'changed',
        parts: [{ part: 'script', before: 'n * 2', after: 'n * 3' }],
      },
    ]);
    expect(await status(design().deployDraft({ personToken: designer, params, body: { revision: 1 } }))).toBe(
      409,
    );
    const second = await design().deployDraft({ personToken: designer, params, body: { revision: 2 } });
    expect(second.body.revision).toBe(2);
    const copy = await create({ bpmn: undefined, from: 'doubling', name: 'Copy' });
    expect(copy).toMatchObject({ processRef: second.body.processRef, bpmn: doubling(3) });
  });
  it('[WF-4.1] that cannot be run are kept, but not deployed: every defect is named', async () => {
    const { id: draftId } = await create({
      bpmn: bpmn(`<startEvent id="s"/>${el('serviceTask', 'v')}${chain('s', 'v')}`),
    });
    const error = await failure(
      design().deployDraft({ personToken: designer, params: { draftId }, body: { revision: 1 } }),
    );
    expect(error.status).toBe(422);
    expect(error.problem?.errors).toContainEqual(
      expect.objectContaining({
        pointer: '/processBody#v',
        detail: 'a service task needs govstack:application',
      }),
    );
  });
  it('[WF-6.1-a] come from and go to other tools, as XML and as JSON', async () => {
    const draft = await create();
    const params = { draftId: draft.id };
    const json = (await design().exportDraft({ personToken: designer, params })).body;
    expect(json).toMatchObject({ $type: 'bpmn:Definitions' });
    const copy = await create({ bpmn: undefined, json });
    const back = await design().exportDraft({ personToken: designer, params: { draftId: copy.id } });
    expect(back.body).toEqual(json);
    const bad = { application: owner, name: 'Bad' };
    expect(await status(design().createDraft({ personToken: designer, body: { ...bad, bpmn: 'no' } }))).toBe(
      422,
    );
    expect(await status(design().createDraft({ personToken: designer, body: { ...bad, json: {} } }))).toBe(
      422,
    );
    const { extension } = (await design().getModellingLanguage({ personToken: designer })).body;
    expect(extension).toMatchObject({ prefix: 'govstack', uri: 'urn:govstack:bpmn:1' });
  });
  it('[WF-4.1] are checked and tried while they are drawn', async () => {
    const body = { application: owner, bpmn: doubling(2) };
    const checked = (await design().checkModel({ personToken: designer, body })).body;
    expect(checked).toMatchObject({
      deployable: true,
      startVariables: [{ name: 'n', type: 'number', required: true }],
    });
    expect(await status(design().tryModel({ personToken: designer, body }))).toBe(400);
    const tried = await design().tryModel({ personToken: designer, body: { ...body, variables: { n: 2 } } });
    expect(tried.body).toMatchObject({ outcome: 'completed', variables: { n: 2, twice: 4 } });
    const script = `<scriptTask id="js" scriptFormat="javascript" govstack:resultVariable="r"><script>return n * 21;</script></scriptTask>`;
    const scripted = bpmn(`<startEvent id="s"/>${script}<endEvent id="e"/>${chain('s', 'js', 'e')}`);
    const computed = { application: owner, bpmn: scripted, variables: { n: 2 } };
    const ran = (await design().tryModel({ personToken: designer, body: computed })).body;
    expect(ran).toMatchObject({ outcome: 'completed', variables: { n: 2, r: 42 } });
    const letter = extensions(input('to', 'a@example.org'), input('subject', 'Hello'));
    const mail = el('serviceTask', 'm', { 'govstack:connection': 'post', 'govstack:send': 'mail' }, letter);
    const mailing = bpmn(`<startEvent id="s"/>${mail}<endEvent id="e"/>${chain('s', 'm', 'e')}`);
    const { findings } = (
      await design().checkModel({ personToken: designer, body: { application: owner, bpmn: mailing } })
    ).body;
    expect(findings).toContainEqual(expect.objectContaining({ elementId: 'm', rule: 'no-connection' }));
    const nowhere = { ...body, variables: {}, from: 'nowhere' };
    expect(await status(design().tryModel({ personToken: designer, body: nowhere }))).toBe(422);
  });
});

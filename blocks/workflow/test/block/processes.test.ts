import { CallFailed } from '@govstack/platform';
import type { TestNode } from '@govstack/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chain, el, extensions } from '../execution/bpmn.ts';
import { adminOf, apiOf, definition, owner, startWorkflow } from './node.ts';

const simple = (key: string, name = 'a') =>
  definition(`<startEvent id="s"/>${el('task', name)}<endEvent id="e"/>${chain('s', name, 'e')}`, { key });

let node: TestNode;
beforeAll(async () => {
  node = await startWorkflow();
});
afterAll(() => node.stop());

const refused = async (call: Promise<unknown>): Promise<CallFailed> => {
  const error = await call.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(CallFailed);
  return error as CallFailed;
};

/** As another editor writes it: another prefix and encoding, its own namespaces, pools, lanes, artifacts, a drawing. */
const foreign = `<?xml version="1.0" encoding="ISO-8859-1" standalone="yes"?>
<semantic:definitions xmlns:semantic="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" xmlns:acme="urn:acme:editor"
  id="made-elsewhere" targetNamespace="urn:acme" exporter="Acme" exporterVersion="7" expressionLanguage="urn:feel" acme:theme="dark">
  <semantic:itemDefinition id="text" structureRef="xsd:string"/>
  <semantic:collaboration id="c"><semantic:participant id="p1" name="Agency" processRef="elsewhere"/><semantic:participant id="p2" name="Citizen"/>
    <semantic:messageFlow id="mf" name="letter" sourceRef="p2" targetRef="t"/></semantic:collaboration>
  <semantic:process id="elsewhere" isExecutable="true"><semantic:extensionElements><acme:cost currency="EUR"><acme:part>4</acme:part></acme:cost></semantic:extensionElements>
    <semantic:laneSet id="ls"><semantic:lane id="l" name="Counter"><semantic:flowNodeRef>t</semantic:flowNodeRef></semantic:lane></semantic:laneSet>
    <semantic:property id="note" itemSubjectRef="text"/><semantic:dataObject id="d" itemSubjectRef="xsd:int"/>
    <semantic:dataObjectReference id="dr" name="Number of pages" dataObjectRef="d"/>
    <semantic:startEvent id="s"><semantic:outgoing>f1</semantic:outgoing></semantic:startEvent>
    <semantic:scriptTask id="t" name="Count" acme:colour="#ff0" completionQuantity="1"><semantic:documentation textFormat="text/plain">Größe</semantic:documentation>
      <semantic:incoming>f1</semantic:incoming><semantic:outgoing>f2</semantic:outgoing>
      <semantic:ioSpecification><semantic:dataOutput id="out" name="pages"/><semantic:inputSet id="is"/><semantic:outputSet id="os"/></semantic:ioSpecification>
      <semantic:dataOutputAssociation id="oa"><semantic:sourceRef>out</semantic:sourceRef><semantic:targetRef>dr</semantic:targetRef></semantic:dataOutputAssociation>
      <semantic:script><![CDATA[6 * 7]]></semantic:script></semantic:scriptTask>
    <semantic:endEvent id="e"><semantic:incoming>f2</semantic:incoming></semantic:endEvent>
    <semantic:sequenceFlow id="f1" sourceRef="s" targetRef="t"/><semantic:sequenceFlow id="f2" sourceRef="t" targetRef="e"/>
    <semantic:group id="g"/><semantic:textAnnotation id="a"><semantic:text>by law</semantic:text></semantic:textAnnotation>
    <semantic:association id="as" sourceRef="t" targetRef="a"/>
  </semantic:process>
  <bpmndi:BPMNDiagram id="dia" resolution="96.5"><bpmndi:BPMNPlane id="pl" bpmnElement="c"><bpmndi:BPMNShape id="sh" bpmnElement="t">
    <dc:Bounds x="1.50" y="2" width="100" height="80"/></bpmndi:BPMNShape></bpmndi:BPMNPlane></bpmndi:BPMNDiagram>
</semantic:definitions>`;

describe('deploying', () => {
  it('[WF-6.2-b] [WF-6.1-b] keeps a file that was made elsewhere as it is, and executes it', async () => {
    const given = { ...simple('elsewhere'), processBody: [{ code: 'bpmn20xml' as const, value: foreign }] };
    const { body } = await apiOf(node).addProcess({ body: given });
    expect(body.processDefinition.processBody).toEqual(given.processBody);
    const started = await apiOf(node).start({
      params: { processId: body.id },
      body: { synchronous: true },
    });
    expect(started.body.state).toBe('completed');
    const seen = await apiOf(node).getInstance({ params: { instanceId: started.body.id } });
    expect(seen.body.variables).toEqual({ Number_of_pages: 42 });
  });

  it('[WF-7.2.1] [WF-7.2.2] [WF-8.2-d] keeps the definition as it was given, under an id of its own', async () => {
    const deployed = { ...simple('kept'), description: 'A test', isClosed: true };
    const { body } = await apiOf(node).addProcess({ body: deployed });
    expect(body.id).toMatch(/^kept:1:/);
    expect(body.processDefinition).toEqual({ ...deployed, isExecutable: true });
    expect(body).toMatchObject({ name: 'Test', type: 'Private', version: '1.0', state: 'active' });
  });

  it('[WF-8.1-b] answers one process by id and by key, 404 for an unknown one', async () => {
    const { body } = await apiOf(node).addProcess({ body: simple('found') });
    expect((await apiOf(node).getProcess({ params: { processId: body.id } })).body).toEqual(body);
    expect((await apiOf(node).getProcess({ params: { processId: 'found' } })).body.id).toBe(body.id);
    for (const processId of ['nothing', 'found:9:x', '../x', 'ä:ö']) {
      expect((await refused(apiOf(node).getProcess({ params: { processId } }))).status).toBe(404);
    }
  });

  it('says what a start by hand wants', async () => {
    const variables = ['name="nid" type="string" required="true"', 'name="note"']
      .map((one) => `<govstack:variable ${one}/>`)
      .join('');
    const asked = `<startEvent id="s">${extensions(variables)}</startEvent><endEvent id="e"/>${chain('s', 'e')}`;
    const { body } = await apiOf(node).addProcess({ body: definition(asked, { key: 'asked' }) });
    const params = { processId: 'asked' };
    expect((await apiOf(node).getStartForm({ params })).body).toEqual({
      processRef: body.id,
      name: 'Test',
      startable: true,
      variables: [
        { name: 'nid', type: 'string', required: true },
        { name: 'note', type: null, required: false },
      ],
    });
    await adminOf(node).disableProcess({ params });
    expect((await apiOf(node).getStartForm({ params })).body.startable).toBe(false);
    const stranger = apiOf(node, 'TEST/GOV/OTHER/app').getStartForm({ params });
    expect((await refused(stranger)).status).toBe(404);
  });

  it('changes nothing when the same definition is deployed again', async () => {
    const first = await apiOf(node).addProcess({ body: simple('same') });
    const second = await apiOf(node).addProcess({ body: simple('same') });
    expect(second.body).toEqual(first.body);
  });

  it('makes one revision when two nodes deploy the same at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => apiOf(node).addProcess({ body: simple('race') })),
    );
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
  });

  it('[WF-6.5-a] [WF-8.2-d] adds, updates and removes revisions; instances stay on theirs', async () => {
    const api = apiOf(node);
    const { body: first } = await api.addProcess({ body: simple('life', 'a') });
    const { headers } = await api.updateProcess({ params: { processId: 'life' }, body: simple('life', 'b') });
    const second = decodeURIComponent(headers.location?.split('/')[2] ?? '');
    expect(second).toMatch(/^life:2:/);
    expect((await api.getProcess({ params: { processId: 'life' } })).body.id).toBe(second);
    const started = await api.start({ params: { processId: first.id }, body: {} });
    expect(started.body.processRef).toBe(first.id);
    await api.deleteProcess({ params: { processId: second } });
    expect((await refused(api.getProcess({ params: { processId: second } }))).status).toBe(404);
    expect((await api.getProcess({ params: { processId: 'life' } })).body.id).toBe(first.id);
  });

  it('refuses an update whose process has another id', async () => {
    await apiOf(node).addProcess({ body: simple('one') });
    const error = await refused(
      apiOf(node).updateProcess({ params: { processId: 'one' }, body: simple('two') }),
    );
    expect(error.status).toBe(422);
  });

  it('[WF-5.3.1] [WF-6.5-a] refuses what cannot be run with the ids of the elements, and keeps nothing', async () => {
    const broken = definition(
      `<startEvent id="s"/><choreographyTask id="cg"/><task id="lost"/>${chain('s', 'cg')}`,
      { key: 'broken' },
    );
    const error = await refused(apiOf(node).addProcess({ body: broken }));
    expect(error.status).toBe(422);
    expect(error.problem?.errors).toContainEqual({
      in: 'body',
      pointer: '/processBody#cg',
      detail: 'ChoreographyTask is not supported',
    });
    expect((await refused(apiOf(node).getProcess({ params: { processId: 'broken' } }))).status).toBe(404);
  });

  it.each([
    ['no BPMN', []],
    ['two BPMN documents', [simple('x').processBody[0], simple('x').processBody[0]]],
    ['an unknown code', [simple('x').processBody[0], { code: 'cmmn', value: '' }]],
  ])('refuses a process body with %s', async (_what, processBody) => {
    const body = { ...simple('x'), processBody: processBody as never };
    expect((await refused(apiOf(node).addProcess({ body }))).status).toBe(422);
  });
});

describe('the list of processes', () => {
  it('[WF-4.4-a] [WF-8.1-a] names every enabled process once, with id, version and state', async () => {
    const api = apiOf(node, 'TEST/GOV/LIST/app');
    await api.addProcess({ body: simple('one') });
    const { body: two } = await api.addProcess({ body: simple('two') });
    await api.updateProcess({ params: { processId: two.id }, body: simple('two', 'b') });
    const { body } = await api.getProcessList({});
    expect(body.map(({ key, revision, version, state }) => ({ key, revision, version, state }))).toEqual([
      { key: 'one', revision: 1, version: '1.0', state: 'active' },
      { key: 'two', revision: 2, version: '1.0', state: 'active' },
    ]);
  });

  it('[WF-6.4] [WF-6.3-a] leaves out a disabled process, which cannot be started; administrators still see it', async () => {
    const as = 'TEST/GOV/DISABLE/app';
    const { body } = await apiOf(node, as).addProcess({ body: simple('off') });
    await adminOf(node, as).disableProcess({ params: { processId: body.id } });
    expect((await apiOf(node, as).getProcessList({})).body).toEqual([]);
    const error = await refused(apiOf(node, as).start({ params: { processId: 'off' }, body: {} }));
    expect(error.status).toBe(409);
    const all = await adminOf(node, as).listAllProcesses({});
    expect(all.body.processes.map((one) => [one.key, one.state])).toEqual([['off', 'suspended']]);
    await adminOf(node, as).enableProcess({ params: { processId: body.id } });
    expect((await apiOf(node, as).start({ params: { processId: 'off' }, body: {} })).status).toBe(201);
  });

  it('[WF-5.1.2-a] [WF-5.1.2-b] logs who created, disabled and enabled a process, of which organisation', async () => {
    const as = 'TEST/GOV/LOGGED/app';
    const { body } = await apiOf(node, as).addProcess({ body: simple('logged') });
    const personToken = await node.token({
      id: 'admin-1',
      roles: ['administrator'],
      agency: 'TEST/GOV/LOGGED',
    });
    const portal = adminOf(node, 'TEST/GOV/DGA/portal');
    await portal.disableProcess({ params: { processId: body.id }, personToken });
    const { entries } = (await adminOf(node, as).getProcessLog({ params: { processId: body.id } })).body;
    expect(entries).toMatchObject([
      { action: 'created', actor: as, organisation: 'TEST/GOV/LOGGED' },
      { action: 'disabled', actor: 'admin-1', organisation: 'TEST/GOV/LOGGED' },
    ]);
    expect(entries.every((entry) => !Number.isNaN(Date.parse(entry.at)))).toBe(true);
  });
});

describe('whose processes', () => {
  it('shows an application only its own', async () => {
    const { body } = await apiOf(node).addProcess({ body: simple('mine') });
    const other = apiOf(node, 'TEST/GOV/OTHER/app');
    expect((await refused(other.getProcess({ params: { processId: body.id } }))).status).toBe(404);
    expect((await refused(other.start({ params: { processId: body.id }, body: {} }))).status).toBe(404);
    expect((await refused(other.deleteProcess({ params: { processId: body.id } }))).status).toBe(404);
    expect((await other.getProcessList({})).body.map((one) => one.key)).not.toContain('mine');
  });

  it('shows those of an agency to its administrators, whatever application they use', async () => {
    const { body } = await apiOf(node).addProcess({ body: simple('agency') });
    const portal = apiOf(node, 'TEST/GOV/DGA/portal');
    const call = async (roles: string[], agency: string) => {
      const personToken = await node.token({ id: 'p', roles, agency });
      return portal.getProcess({ params: { processId: body.id }, personToken });
    };
    expect((await call(['administrator'], 'TEST/GOV/MSP')).body.id).toBe(body.id);
    expect((await refused(call(['officer'], 'TEST/GOV/MSP'))).status).toBe(404);
    expect((await refused(call(['administrator'], 'TEST/GOV/MS'))).status).toBe(404);
    expect((await refused(call(['administrator'], 'TEST/GOV/OTHER'))).status).toBe(404);
    expect(body.processDefinition.processBody).toBeDefined();
    expect(owner.startsWith('TEST/GOV/MSP/')).toBe(true);
  });
});

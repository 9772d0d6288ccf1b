import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bpmnToJson, jsonToBpmn } from '../../src/model/bpmn-json.ts';
import { checkSource } from '../../src/model/check-source.ts';
import { type Trial, type TrialLimits, tryProcess } from '../../src/trial/try-process.ts';
import {
  bpmn,
  chain,
  compile,
  el,
  extensions,
  flow,
  input,
  output,
  owner,
  script,
  service,
  timerOf,
} from '../execution/bpmn.ts';

const limits: TrialLimits = {
  maxMoves: 1000,
  maxIterations: 100,
  retries: ['PT1M'],
  maxEvents: 500,
  maxMs: 3000,
  maxSize: 4_000_000,
};
const attempt = async (content: string, trial: Partial<Trial> = {}, more: Partial<TrialLimits> = {}) =>
  tryProcess(
    await compile(content),
    { variables: {}, answers: {}, now: '2026-03-01T08:00:00.000Z', ...trial },
    { ...limits, ...more },
  );

const asking = `<startEvent id="s"/>${service(
  'ask',
  extensions(input('body.nid', '= nid'), output('= response.body.income', 'income')),
)}${script('double', 'income * 2', 'twice')}
<intermediateCatchEvent id="cool">${timerOf('P2D')}</intermediateCatchEvent>
<exclusiveGateway id="x" default="x-no"/>${el('userTask', 'review', {}, extensions(input('shown', '= twice'), output('= verdict', 'verdict')))}
<boundaryEvent id="late" attachedToRef="review">${timerOf('P7D')}</boundaryEvent>
<endEvent id="e"/><endEvent id="no"/><endEvent id="gone"/>
${chain('s', 'ask', 'double', 'cool', 'x', 'review', 'e')}${flow('x', 'no')}${flow('late', 'gone')}`.replace(
  flow('x', 'review'),
  flow('x', 'review', { condition: 'twice > 10' }),
);

describe('a trial on sample data', () => {
  it('[WF-4.1] tells where it waits and for what, and calls nothing', async () => {
    const tried = await attempt(asking, { variables: { nid: 7 } });
    expect(tried).toMatchObject({ outcome: 'waiting', variables: { nid: 7 }, incidents: [], unused: [] });
    expect(tried.waits).toMatchObject([
      { elementId: 'ask', kind: 'service', detail: { operation: 'read', body: { nid: 7 } } },
    ]);
  });
  it('[WF-4.1] goes on with pinned answers on a clock of its own, and tells each step with its variables', async () => {
    const answers = { ask: [{ body: { income: 30 } }], review: [{ form: { verdict: 'yes' } }], typo: [{}] };
    const tried = await attempt(asking, { variables: { nid: 7 }, answers });
    expect(tried.outcome).toBe('completed');
    expect(tried.variables).toEqual({ nid: 7, income: 30, twice: 60, verdict: 'yes' });
    expect(tried.unused).toEqual(['typo']);
    expect(tried.steps.map((one) => one.elementId)).toEqual([
      's',
      'ask',
      'double',
      'cool',
      'x',
      'review',
      'e',
    ]);
    expect(tried.steps[2]).toMatchObject({ before: { income: 30 }, after: { twice: 60 } });
    expect(tried.steps[2]?.before).not.toHaveProperty('twice');
    expect(tried.steps[1]).toMatchObject({ input: { body: { nid: 7 } }, output: { body: { income: 30 } } });
    expect(tried.steps[5]).toMatchObject({ flowId: 'x-review', at: '2026-03-03T08:00:00Z' });
    expect(tried.steps[5]?.input).toMatchObject({ shows: { shown: 60 } });
  });
  it('[WF-4.1] lets what is pinned happen: a deadline, failures until the attempts are used up', async () => {
    const ask = [{ body: { income: 30 } }];
    const late = await attempt(asking, { answers: { ask, late: [{}] } });
    expect(late).toMatchObject({ outcome: 'completed', steps: expect.anything() });
    expect(late.steps.slice(-3).map((one) => [one.elementId, one.outcome])).toEqual([
      ['review', 'cancelled'],
      ['late', 'completed'],
      ['gone', 'completed'],
    ]);
    expect(late.steps.at(-1)?.at).toBe('2026-03-10T08:00:00Z');
    const down = await attempt(asking, { answers: { ask: [{ failure: 'no connection' }] } });
    expect(down).toMatchObject({
      outcome: 'incident',
      incidents: [{ elementId: 'ask', message: 'no connection' }],
    });
    expect(down.steps[1]?.notes).toContain('no connection');
    const refused = await attempt(asking, { answers: { ask: [{ status: 404 }] } });
    expect(refused.outcome).toBe('incident');
  });
  it('[WF-4.1] runs from an element, or that element alone', async () => {
    const from = await attempt(asking, { from: 'double', variables: { income: 1 } });
    expect(from.steps.map((one) => one.elementId)).toEqual(['double', 'cool', 'x', 'no']);
    const only = await attempt(asking, { from: 'double', only: true, variables: { income: 4 } });
    expect(only).toMatchObject({ outcome: 'completed', variables: { income: 4, twice: 8 } });
    expect(only.steps.map((one) => one.elementId)).toEqual(['double']);
    const nested = `<startEvent id="s"/><subProcess id="sub"><startEvent id="i"/>${script('in', '1', 'one')}${el('userTask', 'ask')}
      <endEvent id="ie"/>${chain('i', 'ask', 'in', 'ie')}</subProcess><endEvent id="e"/>${chain('s', 'sub', 'e')}`;
    expect((await attempt(nested, { from: 'in' })).steps.map((one) => one.elementId)).toEqual([
      'sub',
      'in',
      'ie',
      'e',
    ]);
    expect((await attempt(nested, { from: 'in', only: true })).variables).toEqual({ one: 1 });
    await expect(attempt(nested, { from: 'nowhere' })).rejects.toThrow('nowhere');
  });
  it('[WF-4.1] is bounded: a loop of answers, an amount of variables', async () => {
    const loop = `<startEvent id="s"/>${el('userTask', 'again')}${chain('s', 'again')}${flow('again', 'again', { id: 'back' })}`;
    const answers = { again: [{ form: {} }] };
    expect(await attempt(loop, { answers }, { maxEvents: 20 })).toMatchObject({ outcome: 'limit' });
    const variables = { text: 'x'.repeat(1000) };
    expect(await attempt(loop, { answers, variables }, { maxSize: 50_000 })).toMatchObject({
      outcome: 'limit',
      reason: expect.stringContaining('too large'),
    });
    // Within a step too, where nothing waits.
    const spin = `<startEvent id="s"/><task id="round"/>${chain('s', 'round')}${flow('round', 'round', { id: 'back' })}`;
    const spun = await attempt(spin, { variables }, { maxSize: 50_000 });
    expect(spun).toMatchObject({ outcome: 'limit', reason: expect.stringContaining('too large') });
    expect(spun.steps.length).toBeLessThan(50);
    expect(await attempt(spin, {}, { maxMs: -1 })).toMatchObject({ outcome: 'limit' });
  });
  it('[WF-4.1] lets others go on between its events', async () => {
    const loop = `<startEvent id="s"/>${el('userTask', 'again')}${chain('s', 'again')}${flow('again', 'again', { id: 'back' })}`;
    let turns = 0;
    let ended = false;
    const count = (): void => {
      turns += 1;
      if (!ended) setImmediate(count);
    };
    count();
    await attempt(loop, { answers: { again: [{ form: {} }] } }, { maxEvents: 50 });
    ended = true;
    expect(turns).toBeGreaterThan(40);
  });
  it('[WF-4.1] begins with a message, takes signals and messages, and sees each run of a list', async () => {
    const content = `<startEvent id="s">${extensions(output('= message.list', 'list'))}<messageEventDefinition messageRef="m"/></startEvent>
      <userTask id="each"><multiInstanceLoopCharacteristics govstack:collection="= list" govstack:resultVariable="all" govstack:resultElement="= got"/>
      </userTask><receiveTask id="wait" messageRef="m" govstack:correlationKey="= 1"/><endEvent id="e"/>${chain('s', 'each', 'wait', 'e')}`;
    const outputs = content.replace(
      '<userTask id="each">',
      `<userTask id="each">${extensions(output('= n', 'got'))}`,
    );
    const model = await compile(outputs, { roots: '<message id="m" name="news"/>' });
    const answers = {
      s: [{ payload: { list: ['a', 'b'] } }],
      each: [{ form: { n: 1 } }, { form: { n: 2 } }],
      wait: [{ payload: 'x' }],
    };
    const tried = await tryProcess(
      model,
      { variables: {}, answers, now: '2026-03-01T08:00:00.000Z' },
      limits,
    );
    expect(tried).toMatchObject({ outcome: 'completed', variables: { all: [1, 2] } });
    expect(tried.steps.filter((one) => one.elementId === 'each')).toHaveLength(3);
  });
  it('[WF-4.1] does the same again: a trial depends on nothing but what it is given', async () => {
    const model = await compile(asking);
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: -100, max: 100 }),
        fc.integer({ min: 100, max: 599 }),
        async (income, status) => {
          const trial = {
            variables: { nid: 1 },
            answers: { ask: [{ status, body: { income } }], review: [{ form: {} }] },
            now: '2026-03-01T08:00:00.000Z',
          };
          expect(await tryProcess(model, trial, limits)).toEqual(await tryProcess(model, trial, limits));
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe('a check', () => {
  const rulesAt = async (content: string) => {
    const { findings, model } = await checkSource({ owner, bpmn: bpmn(content) });
    return { deployable: model !== undefined, found: findings.map((one) => `${one.elementId} ${one.rule}`) };
  };
  it('[WF-4.1] gives every defect of a deployment and advice beside it', async () => {
    const { deployable, found } = await rulesAt(
      `<startEvent id="s"/><userTask id="u"/><exclusiveGateway id="x"/><serviceTask id="v"/><task id="t" name="T"/>
       ${chain('s', 'u', 'x')}${flow('x', 'v', { condition: 'a' })}${flow('x', 't', { condition: 'b' })}${flow('v', 't')}`,
    );
    expect(deployable).toBe(false);
    expect(found).toEqual(
      expect.arrayContaining([
        'v cannot-be-run',
        'u no-name',
        'u no-role',
        'x no-name',
        'x no-default',
        'x-v no-answer-name',
        't implicit-end',
        't implicit-join',
        'p no-drawing',
      ]),
    );
    expect(found).not.toContain('s no-name');
  });
  it('[WF-4.1] says when something is read by its number and nobody thought of its absence', async () => {
    const one = (more: string) =>
      rulesAt(`<startEvent id="s"/>${service('v', more)}<endEvent id="e"/>${chain('s', 'v', 'e')}`);
    const path = input('path.id', '= 1');
    expect((await one(extensions(path))).found).toContain('v no-refusal');
    expect((await one('')).found).not.toContain('v no-refusal');
  });
});

describe('a process as JSON', () => {
  it('[WF-6.1-a] goes there and back without loss, extensions and references too', async () => {
    const xml = bpmn(asking, '<message id="m" name="news"/>');
    const json = await bpmnToJson(xml);
    const back = await jsonToBpmn(JSON.parse(JSON.stringify(json)));
    expect(await bpmnToJson(back)).toEqual(json);
    const checked = await checkSource({ owner, bpmn: back });
    expect(checked.model?.elements.get('review')).toMatchObject({ boundary: ['late'] });
    await expect(jsonToBpmn({ $type: 'bpmn:Definitions', nonsense: 1 })).rejects.toThrow('nonsense');
  });
});

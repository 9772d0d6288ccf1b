import { describe, expect, it } from 'vitest';
import { compileProcess } from '../../src/model/compile-process.ts';
import { InvalidDefinition, type Issue } from '../../src/model/model.ts';
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
  service,
  timerOf,
} from '../execution/bpmn.ts';

const issuesOf = async (
  content: string,
  more: Parameters<typeof compile>[1] = {},
): Promise<readonly Issue[]> => {
  try {
    await compile(content, more);
    return [];
  } catch (error) {
    if (error instanceof InvalidDefinition) return error.issues;
    throw error;
  }
};

const around = (element: string, id = 't'): string =>
  `<startEvent id="s"/>${element}<endEvent id="e"/>${chain('s', id, 'e')}`;

const startedBy = (cycle: string, timeZone?: string): string =>
  `<startEvent id="s"><timerEventDefinition${
    timeZone === undefined ? '' : ` govstack:timeZone="${timeZone}"`
  }><timeCycle>${cycle}</timeCycle></timerEventDefinition></startEvent><task id="t"/>${chain('s', 't')}`;

const undoes = (id: string): string =>
  `<subProcess id="${id}" triggeredByEvent="true"><startEvent id="s-${id}"><compensateEventDefinition/></startEvent>
   <task id="t-${id}"/>${chain(`s-${id}`, `t-${id}`)}</subProcess>`;

const cancelled = (id: string, marker = ''): string =>
  `<transaction id="${id}">${marker}<startEvent id="s2"/><endEvent id="e2"><cancelEventDefinition/></endEvent>
   ${chain('s2', 'e2')}</transaction>`;

const onCancel = (id: string, host: string): string =>
  `<boundaryEvent id="${id}" attachedToRef="${host}"><cancelEventDefinition/></boundaryEvent>${flow(id, 'e')}`;

const refusals: readonly [string, string, string, RegExp][] = [
  [
    'a missing start event',
    '<task id="t"/><endEvent id="e"/><sequenceFlow id="f" sourceRef="t" targetRef="e"/>',
    'p',
    /no start event/,
  ],
  [
    'two start events',
    `<startEvent id="s2"/>${around('<task id="t"/>')}${flow('s2', 't')}`,
    's',
    /more than one start/,
  ],
  [
    'a dangling flow',
    `${around('<task id="t"/>')}<sequenceFlow id="f" sourceRef="t" targetRef="gone"/>`,
    'f',
    /unresolved reference <gone>/,
  ],
  [
    'a flow across a sub-process border',
    `<startEvent id="s"/><subProcess id="sub"><startEvent id="s2"/><task id="i"/>${chain('s2', 'i')}</subProcess><endEvent id="e"/>${chain('s', 'sub', 'e')}${flow('i', 'e', { id: 'f' })}`,
    'f',
    /outside its process or sub-process/,
  ],
  [
    'an element no path leads to',
    `${around('<task id="t"/>')}<task id="lost"/>`,
    'lost',
    /no path from the start/,
  ],
  [
    'a gateway flow without condition',
    `<startEvent id="s"/><exclusiveGateway id="x"/><endEvent id="a"/><endEvent id="b"/>${flow('s', 'x')}${flow('x', 'a', { condition: 'true' })}${flow('x', 'b', { id: 'f' })}`,
    'f',
    /needs a condition/,
  ],
  [
    'a condition on the default flow',
    `<startEvent id="s"/><exclusiveGateway id="x" default="f"/><endEvent id="a"/><endEvent id="b"/>${flow('s', 'x')}${flow('x', 'a', { condition: 'true' })}${flow('x', 'b', { id: 'f', condition: 'true' })}`,
    'f',
    /default flow cannot have/,
  ],
  [
    'a condition on a parallel split',
    `<startEvent id="s"/><parallelGateway id="x"/><endEvent id="a"/><endEvent id="b"/>${flow('s', 'x')}${flow('x', 'a', { id: 'f', condition: 'true' })}${flow('x', 'b')}`,
    'f',
    /no meaning/,
  ],
  [
    'a dead-end gateway',
    `<startEvent id="s"/><exclusiveGateway id="x"/>${flow('s', 'x')}`,
    'x',
    /nothing follows/,
  ],
  [
    'malformed FEEL in a condition',
    `<startEvent id="s"/><task id="t"/><endEvent id="e"/>${flow('s', 't')}${flow('t', 'e', { id: 'f', condition: 'a >' })}`,
    'f',
    /syntax error/,
  ],
  [
    'malformed FEEL in a script',
    around(el('scriptTask', 't', {}, '<script>1 +</script>')),
    't',
    /syntax error/,
  ],
  [
    'malformed FEEL in a mapping',
    around(service('t', extensions(input('body.a', '= (')))),
    't',
    /input body.a: syntax error/,
  ],
  [
    'a script in another language',
    around(el('scriptTask', 't', { scriptFormat: 'text/x-python' }, '<script>1</script>')),
    't',
    /FEEL or in JavaScript, not in text\/x-python/,
  ],
  [
    'malformed JavaScript',
    around(el('scriptTask', 't', { scriptFormat: 'application/javascript' }, '<script>\nreturn {</script>')),
    't',
    /script: line \d+: SyntaxError/,
  ],
  [
    'a request over a connection without a method',
    around(el('serviceTask', 't', { 'govstack:connection': 'a' })),
    't',
    /govstack:method/,
  ],
  [
    'a request over a connection and to an operation',
    around(service('t', '', { 'govstack:connection': 'a', 'govstack:method': 'GET' })),
    't',
    /exclude one another/,
  ],
  [
    'a path that leads upwards',
    around(
      el('serviceTask', 't', {
        'govstack:connection': 'a',
        'govstack:method': 'GET',
        'govstack:path': '/a/../b',
      }),
    ),
    't',
    /is not a path/,
  ],
  [
    'a path parameter without input',
    around(
      el('serviceTask', 't', {
        'govstack:connection': 'a',
        'govstack:method': 'GET',
        'govstack:path': '/a/{id}',
      }),
    ),
    't',
    /path.id/,
  ],
  [
    'mail to nobody',
    around(
      el(
        'sendTask',
        't',
        { 'govstack:connection': 'a', 'govstack:send': 'mail' },
        extensions(input('subject', 's')),
      ),
    ),
    't',
    /needs an input to/,
  ],
  [
    'a credential as input',
    around(
      el(
        'serviceTask',
        't',
        { 'govstack:connection': 'a', 'govstack:method': 'GET' },
        extensions(input('header.Authorization', 's')),
      ),
    ),
    't',
    /header.Authorization/,
  ],
  [
    'a service task without operation',
    around(el('serviceTask', 't', { 'govstack:application': 'TEST/GOV/A/b', 'govstack:service': 's-v1' })),
    't',
    /needs govstack:operation/,
  ],
  [
    'a service task without service',
    around(el('serviceTask', 't', { 'govstack:application': 'TEST/GOV/A/b', 'govstack:operation': 'x' })),
    't',
    /needs govstack:service/,
  ],
  [
    'an unknown binding',
    around(service('t', '', { 'govstack:application': 'payments' })),
    't',
    /no binding named payments/,
  ],
  [
    'an address that is none',
    around(service('t', '', { 'govstack:application': 'a/b' })),
    't',
    /is not INSTANCE/,
  ],
  [
    'an unknown input target',
    around(service('t', extensions(input('cookie.x', '= 1')))),
    't',
    /cookie.x is not/,
  ],
  [
    'a header of the engine',
    around(service('t', extensions(input('header.Idempotency-Key', '= 1')))),
    't',
    /is not/,
  ],
  [
    'a target given twice',
    around(service('t', extensions(input('body.a', '= 1'), input('body.a.b', '= 1')))),
    't',
    /given twice/,
  ],
  [
    'an unusable variable name',
    around(service('t', extensions(output('= 1', 'if')))),
    't',
    /cannot be the name/,
  ],
  [
    'a bad retry pause',
    around(service('t', '', { 'govstack:retries': 'PT1S soon' })),
    't',
    /soon is not an ISO 8601/,
  ],
  [
    'a misspelt extension attribute',
    around(service('t', '', { 'govstack:operatoin': 'x' })),
    't',
    /unknown attribute <govstack:operatoin>/,
  ],
  [
    'a misspelt extension element',
    around(service('t', extensions('<govstack:inptu target="a"/>'))),
    't',
    /unknown type|unparsable/,
  ],
  [
    'an error nobody catches',
    around(service('t', extensions('<govstack:error status="404" code="x"/>'))),
    't',
    /nothing catches the error x/,
  ],
  [
    'an unknown decision',
    around(el('businessRuleTask', 't', { 'govstack:decisionRef': 'nope' })),
    't',
    /no decision nope/,
  ],
  [
    'a signal without a name',
    around('<intermediateCatchEvent id="t"><signalEventDefinition/></intermediateCatchEvent>'),
    't',
    /a signal needs signalRef/,
  ],
  [
    'a link that nothing catches',
    `<startEvent id="s"/><intermediateThrowEvent id="t"><linkEventDefinition name="a"/></intermediateThrowEvent>${flow('s', 't')}`,
    't',
    /nothing catches the link a here/,
  ],
  [
    'a link that nothing throws',
    `${around('<task id="t"/>')}<intermediateCatchEvent id="c"><linkEventDefinition name="a"/></intermediateCatchEvent>${flow('c', 'e')}`,
    'c',
    /nothing throws the link a here/,
  ],
  [
    'a link that is caught twice',
    `<startEvent id="s"/><intermediateThrowEvent id="t"><linkEventDefinition name="a"/></intermediateThrowEvent>
     <intermediateCatchEvent id="c"><linkEventDefinition name="a"/></intermediateCatchEvent>
     <intermediateCatchEvent id="d"><linkEventDefinition name="a"/></intermediateCatchEvent><endEvent id="e"/>
     ${flow('s', 't')}${flow('c', 'e')}${flow('d', 'e')}`,
    'd',
    /the link a is caught twice/,
  ],
  [
    'a link into a sub-process',
    `<startEvent id="s"/><subProcess id="sub"><startEvent id="s2"/><task id="i"/>
     <intermediateCatchEvent id="c"><linkEventDefinition name="a"/></intermediateCatchEvent><endEvent id="e2"/>
     ${chain('s2', 'i', 'e2')}${flow('c', 'e2')}</subProcess>
     <intermediateThrowEvent id="t"><linkEventDefinition name="a"/></intermediateThrowEvent>${chain('s', 'sub', 't')}`,
    't',
    /nothing catches the link a here/,
  ],
  [
    'an escalation without a code',
    `<startEvent id="s"/><endEvent id="t"><escalationEventDefinition/></endEvent>${flow('s', 't')}`,
    't',
    /needs escalationRef/,
  ],
  [
    'an escalation of a task',
    `${around(service('t'))}<boundaryEvent id="b" attachedToRef="t"><escalationEventDefinition/></boundaryEvent>${flow('b', 'e')}`,
    'b',
    /a serviceTask escalates nothing/,
  ],
  [
    'an event without a condition',
    around('<intermediateCatchEvent id="t"><conditionalEventDefinition/></intermediateCatchEvent>'),
    't',
    /condition: the expression is empty/,
  ],
  [
    'a start event in an ad-hoc sub-process',
    around('<adHocSubProcess id="x"><startEvent id="t"/><task id="a"/></adHocSubProcess>', 'x'),
    't',
    /has no start and no end event/,
  ],
  [
    'an ad-hoc sub-process with nothing to begin',
    around(`<adHocSubProcess id="t"><task id="a"/><task id="b"/>${chain('a', 'b', 'a')}</adHocSubProcess>`),
    't',
    /no activity to begin with/,
  ],
  [
    'what runs beside something in a sequential ad-hoc sub-process',
    around(
      `<adHocSubProcess id="t" ordering="Sequential"><task id="a"/><task id="b"/><task id="c"/>${chain('a', 'b')}${chain('a', 'c')}</adHocSubProcess>`,
    ),
    'a',
    /nothing runs beside/,
  ],
  [
    'a message sent to nobody',
    around('<intermediateThrowEvent id="t"><messageEventDefinition/></intermediateThrowEvent>'),
    't',
    /sending a message needs govstack:correlationKey/,
  ],
  [
    'a message that waits for ever',
    around(
      '<intermediateThrowEvent id="t"><messageEventDefinition govstack:correlationKey="1" govstack:timeToLive="P1Y"/></intermediateThrowEvent>',
    ),
    't',
    /at most 30 days/,
  ],
  [
    'a boundary event on a message',
    `${around('<intermediateThrowEvent id="t"><messageEventDefinition govstack:application="A/B/C/D" govstack:correlationKey="1"/></intermediateThrowEvent>')}
     <boundaryEvent id="b" attachedToRef="t">${timerOf('PT1S')}</boundaryEvent>${flow('b', 'e')}`,
    'b',
    /attached to an activity/,
  ],
  [
    'a complex gateway at which flows meet without a condition',
    `<startEvent id="s"/><parallelGateway id="g"/><task id="a"/><complexGateway id="t"/><endEvent id="e"/>
     ${chain('s', 'g', 't', 'e')}${chain('g', 'a', 't')}`,
    't',
    /needs activationCondition/,
  ],
  ['a call of nothing', around('<callActivity id="t"/>'), 't', /needs calledElement/],
  [
    'a call of a computed process',
    around('<callActivity id="t" calledElement="=p"/>'),
    't',
    /the key of a process/,
  ],
  [
    'a call of a strange revision',
    around(el('callActivity', 't', { calledElement: 'p', 'govstack:revision': 'newest' })),
    't',
    /whole number/,
  ],
  [
    'a call with an input that is no variable',
    around(el('callActivity', 't', { calledElement: 'p' }, extensions(input('in', '1')))),
    't',
    /cannot be the name/,
  ],
  [
    'an event sub-process without an event',
    `${around('<task id="t"/>')}<subProcess id="x" triggeredByEvent="true"><startEvent id="s2"/><endEvent id="e2"/>${flow('s2', 'e2')}</subProcess>`,
    's2',
    /needs an event definition/,
  ],
  [
    'an event sub-process in the flow',
    around(
      `<subProcess id="t" triggeredByEvent="true"><startEvent id="s2">${timerOf('PT1S')}</startEvent><endEvent id="e2"/>${flow('s2', 'e2')}</subProcess>`,
    ),
    't',
    /no flow leads to or from/,
  ],
  [
    'an error that does not interrupt',
    `${around('<task id="t"/>')}<subProcess id="x" triggeredByEvent="true"><startEvent id="s2" isInterrupting="false"><errorEventDefinition/></startEvent><endEvent id="e2"/>${flow('s2', 'e2')}</subProcess>`,
    'x',
    /catches an error interrupts/,
  ],
  [
    'an error that has to come together with a timer',
    `${around(service('t'))}<boundaryEvent id="b" attachedToRef="t" parallelMultiple="true">${timerOf('PT1S')}<errorEventDefinition/></boundaryEvent>${flow('b', 'e')}`,
    'b',
    /not waited for together/,
  ],
  [
    'a start by a timer without time',
    `<startEvent id="s"><timerEventDefinition/></startEvent><task id="t"/>${chain('s', 't')}`,
    's',
    /either timeDuration, timeDate or timeCycle/,
  ],
  ['cron without a time zone', startedBy('0 6 * * *'), 's', /needs govstack:timeZone/],
  ['cron in no time zone', startedBy('0 6 * * *', 'Mars/Base'), 's', /is not a cycle/],
  ['cron with a sixth field', startedBy('0 0 6 * * *', 'UTC'), 's', /five fields/],
  ['cron with a field too large', startedBy('0 24 * * *', 'UTC'), 's', /24 is not between 0 and 23/],
  ['a day that never comes', startedBy('0 6 30 2 *', 'UTC'), 's', /never comes/],
  ['a cycle that takes no time', startedBy('R/PT0S'), 's', /at least a second/],
  ['a cycle without length', startedBy('R3'), 's', /R\[n\]/],
  [
    'an unknown word for what was missed',
    startedBy('R/PT1H').replace('<timerEventDefinition', '<timerEventDefinition govstack:missed="some"'),
    's',
    /skip, once, all/,
  ],
  [
    'a timer start inside a sub-process',
    `<startEvent id="x"/><subProcess id="p1">${startedBy('R/PT1H')}</subProcess>${chain('x', 'p1')}`,
    's',
    /plain start event/,
  ],
  [
    'a loop without end',
    around('<task id="t"><standardLoopCharacteristics/></task>'),
    't',
    /would never end/,
  ],
  [
    'a loop that never begins',
    around('<task id="t"><standardLoopCharacteristics loopMaximum="0"/></task>'),
    't',
    /above zero/,
  ],
  [
    'compensation in the flow',
    around('<task id="t" isForCompensation="true"/>'),
    't',
    /no flow leads to or from an activity that is for compensation/,
  ],
  [
    'compensation without a handler',
    `${around('<task id="t"/>')}<boundaryEvent id="b" attachedToRef="t"><compensateEventDefinition/></boundaryEvent>`,
    'b',
    /associated with one activity that is for compensation/,
  ],
  [
    'compensation for what has no handler',
    `${around('<task id="t"/>').replace('<endEvent id="e"/>', '<endEvent id="e"><compensateEventDefinition activityRef="t"/></endEvent>')}`,
    'e',
    /nothing compensates for t/,
  ],
  [
    'what compensates twice',
    around(`<subProcess id="t"><startEvent id="s2"/><task id="a"/>${chain('s2', 'a')}
      ${undoes('x')}${undoes('y')}</subProcess>`),
    'y',
    /t is compensated for twice/,
  ],
  [
    'an event sub-process that compensates for the process',
    `${around('<task id="t"/>')}${undoes('x')}`,
    'x',
    /the sub-process around it/,
  ],
  [
    'a cancel outside a transaction',
    `<startEvent id="s"/><endEvent id="t"><cancelEventDefinition/></endEvent>${chain('s', 't')}`,
    't',
    /stands in a transaction/,
  ],
  ['a cancel that nothing catches', around(cancelled('t')), 'e2', /has no cancel event on its boundary/],
  [
    'a cancel of what is no transaction',
    `${around('<subProcess id="t"><startEvent id="s2"/></subProcess>')}${onCancel('b', 't')}`,
    'b',
    /attached to a transaction/,
  ],
  [
    'a cancel of a transaction that is repeated',
    `${around(cancelled('t', '<standardLoopCharacteristics loopMaximum="2"/>'))}${onCancel('b', 't')}`,
    'b',
    /that is repeated is not supported/,
  ],
  [
    'a transaction that stores its state',
    around('<transaction id="t" method="##Store"><startEvent id="s2"/></transaction>'),
    't',
    /method ##Store is not supported/,
  ],
  [
    'a timer without time',
    around('<intermediateCatchEvent id="t"><timerEventDefinition/></intermediateCatchEvent>'),
    't',
    /either timeDuration, timeDate or timeCycle/,
  ],
  [
    'a timer that is no duration',
    around(`<intermediateCatchEvent id="t">${timerOf('5 minutes')}</intermediateCatchEvent>`),
    't',
    /not an ISO 8601 duration/,
  ],
  [
    'a boundary event on nothing',
    `${around('<task id="t"/>')}<boundaryEvent id="b" attachedToRef="e">${timerOf('PT1S')}</boundaryEvent>${flow('b', 'e')}`,
    'b',
    /attached to an activity/,
  ],
  [
    'a boundary event that leads nowhere',
    `${around(service('t'))}<boundaryEvent id="b" attachedToRef="t">${timerOf('PT1S')}</boundaryEvent>`,
    'b',
    /nothing follows/,
  ],
  [
    'an error end without error',
    '<startEvent id="s"/><endEvent id="e"><errorEventDefinition/></endEvent><sequenceFlow id="f" sourceRef="s" targetRef="e"/>',
    'e',
    /needs errorRef/,
  ],
  ['a message without correlation key', around('<receiveTask id="t"/>'), 't', /correlationKey/],
  [
    'an event gateway with a task behind it',
    `<startEvent id="s"/><eventBasedGateway id="g"/><task id="a"/><task id="b"/>${flow('s', 'g')}${flow('g', 'a')}${flow('g', 'b')}`,
    'a',
    /intermediate catch events only/,
  ],
  [
    'a start variable of unknown type',
    `<startEvent id="s">${extensions('<govstack:variable name="a" type="money"/>')}</startEvent><task id="t"/>${chain('s', 't')}`,
    's',
    /type money/,
  ],
];

describe('deployment', () => {
  it.each(
    refusals,
  )('[WF-6.5-a] refuses %s, naming the element', async (_what, content, elementId, message) => {
    const issues = await issuesOf(content);
    expect(issues).toContainEqual({ elementId, message: expect.stringMatching(message) });
  });

  it('lists every defect at once', async () => {
    const issues = await issuesOf(around(service('t', extensions(input('x', '= ('), output('= (', 'if')))));
    expect(issues.length).toBeGreaterThanOrEqual(3);
  });

  it.each([
    ['not XML', 'hello'],
    ['another document', '<html/>'],
    [
      'no process',
      '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="x"/>',
    ],
    ['an empty text', ''],
  ])('refuses %s', async (_what, document) => {
    await expect(compileProcess({ owner, bpmn: document })).rejects.toThrow(InvalidDefinition);
  });

  it('refuses the same id twice', async () => {
    const issues = await issuesOf(`${around('<task id="t"/>')}<task id="t"/>`);
    expect(issues.some((issue) => /duplicate ID/.test(issue.message))).toBe(true);
  });

  it('accepts lanes, data objects, annotations, groups and a collaboration around the process', async () => {
    const document = bpmn(
      `<laneSet id="ls"><lane id="l" name="Officer"><flowNodeRef>t</flowNodeRef></lane></laneSet>
       <dataObject id="d"/><dataObjectReference id="dr" dataObjectRef="d"/><dataStoreReference id="ds"/>
       ${around('<task id="t"/>')}<textAnnotation id="ta"><text>note</text></textAnnotation>
       <association id="as" sourceRef="t" targetRef="ta"/><group id="g"/>`,
      '<collaboration id="c"><participant id="pt" name="Ministry" processRef="p"/></collaboration>',
    );
    const model = await compileProcess({ owner, bpmn: document });
    expect([...model.elements.keys()].sort()).toEqual(['e', 's', 't']);
  });

  it('refuses to take a business knowledge model as a decision', async () => {
    const dmn = `<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="n">
      <businessKnowledgeModel id="rate" name="rate"><encapsulatedLogic>
        <formalParameter name="x"/><literalExpression><text>x</text></literalExpression>
      </encapsulatedLogic></businessKnowledgeModel></definitions>`;
    const task = el('businessRuleTask', 't', { 'govstack:decisionRef': 'rate' });
    expect(await issuesOf(around(task), { dmn: [dmn] })).toMatchObject([
      { elementId: 't', message: expect.stringContaining('rate is a business knowledge model') },
    ]);
  });

  it('refuses a limit of duration that is none', async () => {
    const document = bpmn(around('<task id="t"/>')).replace(
      '<process ',
      '<process govstack:maxDuration="2 days" ',
    );
    await expect(compileProcess({ owner, bpmn: document })).rejects.toThrow(/2 days is not/);
  });

  it('accepts what other editors add in namespaces of their own', async () => {
    const document = bpmn(around('<task id="t" modeler:color="red"/>')).replace(
      'id="definitions"',
      'id="definitions" xmlns:modeler="urn:modeler" modeler:version="5"',
    );
    expect((await compileProcess({ owner, bpmn: document })).key).toBe('p');
  });
});

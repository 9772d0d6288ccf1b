import {
  bpmn,
  chain,
  el,
  extensions,
  flow,
  input,
  output,
  script,
  service,
  timerOf,
} from '../execution/bpmn.ts';

export const owner = 'TEST/GOV/MSP/cash-transfer';
export const instances = 12;

const call = (id: string, more = ''): string =>
  service(
    id,
    extensions(
      input('body.case', '= process.businessKey'),
      input('body.step', id),
      input('body.item', '= item'),
      output('= response.body.effect', `${id}Effect`),
    ) + more,
    { 'govstack:operation': 'act' },
  );

/** Calls in parallel, in a row, in a loop over a list; a timer; a decision by expression; a sub-process. */
export const crashed = {
  name: 'Crashed',
  type: 'Private' as const,
  version: '1',
  processBody: [
    {
      code: 'bpmn20xml',
      value: bpmn(
        `<startEvent id="s"/><parallelGateway id="fork"/>${call('a')}${call('b')}<parallelGateway id="join"/>
         ${script('sum', 'n + 1', 'm')}<intermediateCatchEvent id="pause">${timerOf('PT0.05S')}</intermediateCatchEvent>
         ${call(
           'each',
           `<multiInstanceLoopCharacteristics isSequential="true" govstack:collection="= items"
             govstack:elementVariable="item" govstack:resultVariable="effects" govstack:resultElement="= eachEffect"/>`,
         )}
         <subProcess id="sub"><startEvent id="s2"/>${call('c')}<endEvent id="e2"/>${chain('s2', 'c', 'e2')}</subProcess>
         ${el('endEvent', 'e')}${chain('s', 'fork', 'a', 'join', 'sum', 'pause', 'each', 'sub', 'e')}
         ${flow('fork', 'b')}${flow('b', 'join')}`,
        '',
        'crashed',
      ),
    },
  ],
};

/** Calls that each instance must have made, each with one effect. */
export const expectedCalls = ['a', 'b', 'c', 'each 1', 'each 2', 'each 3'];

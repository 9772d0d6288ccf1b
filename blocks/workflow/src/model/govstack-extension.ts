/** XML namespace of the extension attributes and elements; a breaking change gets a new one. */
export const extensionNamespace = 'urn:govstack:bpmn:1';

const attributes = (...names: string[]): object[] =>
  names.map((name) => ({ name, isAttr: true, type: 'String' }));

const extend = (name: string, types: string[], ...names: string[]): object => ({
  name,
  extends: types,
  properties: attributes(...names),
});

/** `allowedIn`: the elements that take it, for editors. */
const element = (name: string, allowedIn: string[], ...names: string[]): object => ({
  name,
  superClass: ['Element'],
  meta: { allowedIn },
  properties: attributes(...names),
});

const withInputs = [
  'bpmn:ServiceTask',
  'bpmn:SendTask',
  'bpmn:UserTask',
  'bpmn:BusinessRuleTask',
  'bpmn:CallActivity',
  'bpmn:IntermediateThrowEvent',
  'bpmn:EndEvent',
];

/** What BPMN leaves to the implementation, as attributes and elements of our own (described in the README). */
export const govstackExtension = {
  name: 'GovStack',
  prefix: 'govstack',
  uri: extensionNamespace,
  xml: { tagAlias: 'lowerCase' },
  associations: [],
  types: [
    extend(
      'ServiceCall',
      ['bpmn:ServiceTask', 'bpmn:SendTask'],
      'application',
      'service',
      'operation',
      'connection',
      'send',
      'method',
      'path',
      'retries',
      'timeout',
      'accepts',
      'resultVariable',
    ),
    extend(
      'PersonalTask',
      ['bpmn:UserTask', 'bpmn:GlobalUserTask'],
      'candidateRole',
      'formRef',
      'assignee',
      'dueDate',
      'excludedPersons',
    ),
    extend('Decision', ['bpmn:BusinessRuleTask', 'bpmn:GlobalBusinessRuleTask'], 'decisionRef'),
    extend('DecisionResult', ['bpmn:BusinessRuleTask'], 'resultVariable'),
    // The library takes the script of a global task for an attribute; in the schema it is an element.
    {
      name: 'GlobalScript',
      extends: ['bpmn:GlobalScriptTask'],
      properties: [{ name: 'bpmn:script', type: 'String', redefines: 'bpmn:GlobalScriptTask#script' }],
    },
    extend('Script', ['bpmn:ScriptTask'], 'resultVariable'),
    extend('Limited', ['bpmn:Process'], 'maxDuration'),
    extend('Chosen', ['bpmn:AdHocSubProcess'], 'activeElements'),
    extend('Called', ['bpmn:CallActivity'], 'revision'),
    extend('Timed', ['bpmn:TimerEventDefinition'], 'timeZone', 'missed'),
    extend(
      'Correlated',
      ['bpmn:ReceiveTask', 'bpmn:SendTask', 'bpmn:MessageEventDefinition'],
      'correlationKey',
    ),
    extend('Kept', ['bpmn:SendTask', 'bpmn:MessageEventDefinition'], 'timeToLive'),
    extend('Addressed', ['bpmn:MessageEventDefinition'], 'application', 'retries'),
    extend(
      'Iteration',
      ['bpmn:MultiInstanceLoopCharacteristics'],
      'collection',
      'elementVariable',
      'resultVariable',
      'resultElement',
    ),
    element('Input', withInputs, 'target', 'source'),
    element('Output', ['bpmn:Activity', 'bpmn:CatchEvent'], 'source', 'target'),
    element('Error', ['bpmn:ServiceTask', 'bpmn:SendTask'], 'status', 'problem', 'code'),
    element('Variable', ['bpmn:StartEvent'], 'name', 'type', 'required'),
  ],
};

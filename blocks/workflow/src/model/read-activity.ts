import type { ModdleElement } from 'bpmn-moddle';
import { readExpression, readSource } from './issues.ts';
import { isVariableName, readNamedInputs, readVariable } from './mappings.ts';
import type { AdHoc, BusinessRuleTask, CallActivity, ScriptTask, UserTask } from './model.ts';
import { attribute, child, type Reader } from './reader.ts';

/** What a kind of activity has beside what all have. */
export type OwnFields<T> = Omit<
  T,
  | 'kind'
  | 'id'
  | 'name'
  | 'parent'
  | 'incoming'
  | 'outgoing'
  | 'defaultFlow'
  | 'outputs'
  | 'boundary'
  | 'compensation'
  | 'isForCompensation'
  | 'startQuantity'
  | 'completionQuantity'
  | 'loop'
>;

/** Reads who a user task is for and what it shows. */
export function readUserTask(element: ModdleElement, reader: Reader): OwnFields<UserTask> {
  const expression = (name: string) => {
    const text = attribute(element, `govstack:${name}`);
    return text === undefined ? undefined : readSource(reader.issues, element, name, text);
  };
  return {
    candidateRole: attribute(element, 'govstack:candidateRole'),
    formRef: attribute(element, 'govstack:formRef'),
    assignee: expression('assignee'),
    dueDate: expression('dueDate'),
    excludedPersons: expression('excludedPersons'),
    inputs: readNamedInputs(element, reader),
  };
}

/** Reads which process a call activity calls. */
export function readCallActivity(element: ModdleElement, reader: Reader): OwnFields<CallActivity> {
  const process = attribute(element, 'calledElement');
  const revision = attribute(element, 'govstack:revision');
  if (process === undefined || !/^[^\s:=]{1,200}$/.test(process)) {
    reader.issues.add(element, 'a call activity needs calledElement: the key of a process');
  }
  if (revision !== undefined && !/^[1-9]\d{0,8}$/.test(revision)) {
    reader.issues.add(element, 'govstack:revision is a whole number from 1');
  }
  const inputs = readNamedInputs(element, reader);
  for (const { target } of inputs) {
    if (!isVariableName(target[0])) {
      reader.issues.add(element, `${target[0]} cannot be the name of a variable`);
    }
  }
  return {
    process: process ?? '',
    revision: revision === undefined ? undefined : Number(revision),
    inputs,
  };
}

/** Reads which decision a business rule task takes. */
export function readBusinessRuleTask(element: ModdleElement, reader: Reader): OwnFields<BusinessRuleTask> {
  const decision = attribute(element, 'govstack:decisionRef');
  if (decision === undefined) reader.issues.add(element, 'a business rule task needs govstack:decisionRef');
  else if (!reader.decisions.has(decision)) {
    reader.issues.add(element, `there is no decision ${decision} in the deployed DMN documents`);
  } else if (reader.decisions.get(decision)?.isFunction) {
    reader.issues.add(element, `${decision} is a business knowledge model, which a task cannot take`);
  }
  return {
    decision: decision ?? '',
    inputs: readNamedInputs(element, reader),
    isolated: false,
    resultVariable: readVariable(element, 'govstack:resultVariable', reader),
  };
}

const feelFormats = ['feel', 'text/feel', 'application/feel'];
const javaScriptFormats = ['javascript', 'text/javascript', 'application/javascript'];

/** Reads the script of a script task. */
export function readScriptTask(element: ModdleElement, reader: Reader): OwnFields<ScriptTask> {
  const { issues } = reader;
  const format = (
    attribute(element, 'scriptFormat') ??
    attribute(element, 'scriptLanguage') ??
    'feel'
  ).toLowerCase();
  const script = attribute(element, 'script') ?? '';
  const own = {
    inputs: readNamedInputs(element, reader),
    isolated: false,
    resultVariable: readVariable(element, 'govstack:resultVariable', reader),
  };
  if (javaScriptFormats.includes(format)) {
    for (const { target } of own.inputs)
      if (!isVariableName(target[0])) issues.add(element, `${target[0]} cannot be the name of a variable`);
    if (script.trim() === '') issues.add(element, 'the script is empty');
    return { ...own, script: { javascript: script } };
  }
  if (!feelFormats.includes(format)) {
    issues.add(element, `scripts are written in FEEL or in JavaScript, not in ${format}`);
  }
  return { ...own, script: readExpression(issues, element, 'script', script) };
}

/** Reads which activities of an ad-hoc sub-process are begun, and when it is over. */
export function readAdHoc(element: ModdleElement, reader: Reader): AdHoc {
  const completion = child(element, 'completionCondition');
  const active = attribute(element, 'govstack:activeElements');
  if (element.get('triggeredByEvent') === true) {
    reader.issues.add(element, 'an ad-hoc sub-process is not begun by an event');
  }
  return {
    sequential: element.get('ordering') === 'Sequential',
    cancelsRemaining: element.get('cancelRemainingInstances') !== false,
    completion: completion
      ? readExpression(reader.issues, element, 'completionCondition', attribute(completion, 'body') ?? '')
      : undefined,
    active: active === undefined ? undefined : readSource(reader.issues, element, 'active elements', active),
  };
}

import type { ModdleElement } from 'bpmn-moddle';
import { readNamedInputs } from './mappings.ts';
import type { BusinessRuleTask, PlainTask, ScriptTask, UserTask } from './model.ts';
import { type OwnFields, readBusinessRuleTask, readScriptTask, readUserTask } from './read-activity.ts';
import { children, idOf, type Reader } from './reader.ts';

/** Global tasks of a document by their ids: tasks that stand on their own, called by call activities. */
export const globalTasksOf = (definitions: ModdleElement): ReadonlyMap<string, ModdleElement> =>
  new Map(
    children(definitions, 'rootElements')
      .filter(({ $type }) => /^bpmn:Global\w*Task$/.test($type))
      .map((one) => [idOf(one), one]),
  );

type Kinded<T extends { kind: string }> = Pick<T, 'kind'> & OwnFields<T>;

/**
 * Reads the global task that a call activity calls, as the task it then is. Data goes in and out by the mappings of the
 * call activity only (WF-6.1-h).
 */
export function readGlobalTask(
  call: ModdleElement,
  task: ModdleElement,
  reader: Reader,
): Kinded<UserTask> | Kinded<ScriptTask> | Kinded<BusinessRuleTask> | Kinded<PlainTask> {
  const inputs = readNamedInputs(call, reader);
  switch (task.$type) {
    case 'bpmn:GlobalUserTask':
      return { kind: 'userTask', ...readUserTask(task, reader), inputs };
    case 'bpmn:GlobalScriptTask':
      return { kind: 'scriptTask', ...readScriptTask(task, reader), inputs, isolated: true };
    case 'bpmn:GlobalBusinessRuleTask':
      return { kind: 'businessRuleTask', ...readBusinessRuleTask(task, reader), inputs, isolated: true };
    default:
      return { kind: 'task' };
  }
}

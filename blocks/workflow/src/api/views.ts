import type { Static } from '@govstack/platform/operation';
import type { Variables } from '../feel/json.ts';
import type { ListedIncident } from '../incidents/incidents.ts';
import type { ReadInstance } from '../instances/read.ts';
import type { ClockTrigger as ClockTriggerRow } from '../starts/clock-trigger.ts';
import type { FlowTrigger as FlowTriggerRow } from '../starts/flow-trigger.ts';
import type { DefinitionRow, InstanceRow, TaskRow, WorkflowTables } from '../tables.ts';
import type {
  ClockTrigger,
  FlowTrigger,
  Incident,
  Process,
  ProcessInstance,
  StartedInstance,
  TaskComment,
  UserTask as UserTaskSchema,
} from './schemas.ts';

/** A definition as the published API shows it: nested, and flat for those who look there. */
export function toProcess(row: DefinitionRow): Static<typeof Process> {
  const definition = {
    name: row.name,
    type: row.type as 'None' | 'Private' | 'Public',
    version: row.version,
    isExecutable: row.is_executable,
    isClosed: row.is_closed,
    ...(row.description === null ? {} : { description: row.description }),
    processBody: row.process_body as { code: string; value: string }[],
  };
  return {
    id: row.id,
    ...definition,
    processDefinition: definition,
    key: row.key,
    revision: row.revision,
    state: row.enabled ? 'active' : 'suspended',
    deployedAt: row.deployed_at,
  };
}

/** A process in a list, without its documents. */
export function toListedProcess(row: DefinitionRow): Static<typeof Process> {
  const { processBody, processDefinition, ...rest } = toProcess(row);
  const { processBody: documents, ...definition } = processDefinition;
  return { ...rest, processDefinition: definition };
}

const isSuspended = (row: InstanceRow): boolean => row.status === 'running' && row.suspended_at !== null;

export const toStarted = (row: InstanceRow): Static<typeof StartedInstance> => ({
  id: row.id,
  processRef: row.definition_id,
  suspended: isSuspended(row),
  ended: row.status !== 'running',
  state: isSuspended(row) ? 'suspended' : row.status,
});

const lifeCycle = {
  running: 'Active',
  completed: 'Completed',
  failed: 'Failed',
  stopped: 'Terminated',
} as const;

export const toInstance = (
  row: ReadInstance,
  more: Pick<Static<typeof ProcessInstance>, 'log'> & { readonly variables?: Variables } = {},
): Static<typeof ProcessInstance> => ({
  ...toStarted(row),
  initTime: row.started_at,
  lastChangeTime: row.changed_at,
  processKey: row.process_key,
  businessKey: row.business_key,
  parentInstanceId: row.parent_instance_id,
  lifeCycleState: lifeCycle[row.status],
  endTime: row.ended_at,
  errorCode: row.error_code,
  overdueSince: row.overdue_at,
  incidents: row.incidents,
  revision: row.revision,
  ...more,
});

export const toTask = (row: TaskRow): Static<typeof UserTaskSchema> => ({
  id: row.id,
  name: row.name,
  state: row.state,
  instanceId: row.instance_id,
  processKey: row.process_key,
  elementId: row.element_id,
  businessKey: row.business_key,
  candidateRole: row.candidate_role,
  assignee: row.assignee,
  excludedPersons: row.excluded_persons,
  formRef: row.form_ref,
  dueDate: row.due_at,
  followUpDate: row.follow_up_at,
  created: row.created_at,
  ended: row.ended_at,
  completedBy: row.completed_by,
  variables: row.inputs,
});

export const toComment = (row: WorkflowTables['task_comment']): Static<typeof TaskComment> => ({
  id: row.id,
  text: row.text,
  author: row.author,
  organisation: row.organisation,
  at: row.at,
});

export const toClockTrigger = (row: ClockTriggerRow): Static<typeof ClockTrigger> => ({
  id: row.id,
  process: row.process_key,
  when: row.timer.when,
  at: row.timer.text,
  timeZone: row.timer.timeZone ?? null,
  missed: row.timer.missed,
  next: row.due_at,
  createdBy: row.created_by,
  refusal: row.refusal,
  refused: row.refused_at,
});

export const toTrigger = (row: FlowTriggerRow): Static<typeof FlowTrigger> => ({
  id: row.id,
  source: row.source_key,
  on: row.outcome,
  target: row.target_key,
  variables: [...row.mappings],
  created: row.created_at,
  createdBy: row.created_by,
  refusal: row.refusal,
  refused: row.refused_at,
});

export const toIncident = (row: ListedIncident): Static<typeof Incident> => ({
  id: row.id,
  instanceId: row.instance_id,
  processRef: row.definition_id,
  processKey: row.process_key,
  elementId: row.element_id,
  message: row.message,
  raised: row.raised_at,
  resolved: row.resolved_at,
});

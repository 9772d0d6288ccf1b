import type { Generated, Selectable } from 'kysely';
import type { ConnectionSettings } from './api/connection-schemas.ts';
import type { HistoryEntry } from './execution/command.ts';
import type { JobRequest } from './execution/event.ts';
import type { Compensable, InstanceStatus, Scope, Subscription, Wait } from './execution/state.ts';
import type { Variables } from './feel/json.ts';
import type { StartTimer } from './model/model.ts';

export interface WorkflowTables {
  definition: {
    id: string;
    owner: string;
    key: string;
    revision: number;
    name: string;
    type: string;
    version: string;
    is_executable: boolean;
    is_closed: boolean;
    description: string | null;
    process_body: unknown;
    content_hash: string;
    enabled: Generated<boolean>;
    deleted_at: string | null;
    deployed_at: string;
  };
  definition_log: {
    id: Generated<string>;
    definition_id: string;
    action: 'created' | 'enabled' | 'disabled' | 'deleted';
    at: string;
    application: string;
    actor: string;
    organisation: string;
  };
  instance: {
    id: string;
    definition_id: string;
    owner: string;
    process_key: string;
    business_key: string | null;
    status: InstanceStatus;
    error_code: string | null;
    started_by: string;
    start_key: string | null;
    start_fingerprint: string;
    correlation_id: string;
    revision: number;
    /** Instance that called this one, and the token that waits for it there. */
    parent_instance_id: string | null;
    parent_token_id: string | null;
    /** How many instances stand above this one. */
    depth: Generated<number>;
    suspended_at: string | null;
    overdue_at: string | null;
    /** Where whoever started it wants to hear of its states. */
    callback: { readonly connection: string; readonly path: string } | null;
    started_at: string;
    changed_at: string;
    ended_at: string | null;
  };
  schedule: {
    owner: string;
    process_key: string;
    element_id: string;
    definition_id: string;
    /** What the timer says, by which a newer revision recognises it. */
    timer: string;
    /** Deployment from which durations and unbegun cycles count. */
    anchor: string;
    /** Next occurrence; null when there is none any more. */
    due_at: string | null;
  };
  scope: {
    id: string;
    instance_id: string;
    kind: Scope['kind'];
    element_id: string;
    parent_id: string | null;
    owner_token_id: string | null;
    iteration: number | null;
    subscriptions: readonly Subscription[];
    compensable: readonly Compensable[];
    variables: Variables;
  };
  token: {
    id: string;
    instance_id: string;
    scope_id: string;
    element_id: string;
    flow_id: string | null;
    wait: Wait;
    subscriptions: readonly Subscription[];
  };
  job: {
    id: string;
    kind: 'call' | 'timer' | 'return' | 'stop' | 'overdue' | 'escalation';
    instance_id: string;
    token_id: string;
    element_id: string;
    request: JobRequest | null;
    timeout_ms: number | null;
    due_at: string;
    attempts: number;
    admitted: Generated<boolean>;
    leases: number;
    locked_by: string | null;
    locked_until: string | null;
  };
  connection: {
    owner: string;
    name: string;
    settings: ConnectionSettings;
    secret: Buffer | null;
    free_at: string | null;
    changed_at: string;
    changed_by: string;
  };
  connection_log: {
    id: Generated<string>;
    owner: string;
    name: string;
    action: 'set' | 'removed';
    settings: ConnectionSettings | null;
    reason: string | null;
    secret_changed: Generated<boolean>;
    at: string;
    application: string;
    actor: string;
    organisation: string;
  };
  notice: {
    id: string;
    instance_id: string;
    owner: string;
    process_key: string;
    connection: string;
    path: string;
    body: unknown;
    created_at: string;
    due_at: string | null;
    admitted: Generated<boolean>;
    attempts: Generated<number>;
    refusal: string | null;
    given_up_at: string | null;
  };
  worker: { id: string; number: Generated<string>; started_at: string };
  subscription: {
    id: string;
    owner: string;
    instance_id: string;
    token_id: string;
    element_id: string;
    message_name: string;
    correlation_key: string;
    created_at: string;
  };
  signal_subscription: {
    id: string;
    owner: string;
    instance_id: string;
    token_id: string;
    element_id: string;
    signal_name: string;
  };
  signal_start: {
    owner: string;
    process_key: string;
    element_id: string;
    signal_name: string;
    definition_id: string;
  };
  signal_delivery: {
    id: Generated<string>;
    /** A wait of an instance, or else a start event. */
    instance_id: string | null;
    subscription_id: string | null;
    owner: string | null;
    process_key: string | null;
    element_id: string | null;
    payload: unknown;
    thrown_at: string;
    /** How many signals, messages and starts it follows from. */
    depth: Generated<number>;
  };
  flow_trigger: {
    id: string;
    owner: string;
    source_key: string;
    outcome: 'completed' | 'failed';
    target_key: string;
    mappings: readonly { readonly target: string; readonly source: string }[];
    created_at: string;
    created_by: string;
    created_through: string;
    created_for: string;
    removed_at: string | null;
    removed_by: string | null;
    removed_through: string | null;
    removed_for: string | null;
    /** Why the last start that failed could not begin. */
    refusal: string | null;
    refused_at: string | null;
  };
  kept_event: {
    id: Generated<string>;
    instance_id: string;
    job_id: string | null;
    event: unknown;
  };
  clock_trigger: {
    id: string;
    owner: string;
    process_key: string;
    timer: StartTimer;
    variables: Variables;
    anchor: string;
    due_at: string | null;
    created_by: string;
    created_through: string;
    created_for: string;
    removed_at: string | null;
    removed_by: string | null;
    removed_through: string | null;
    removed_for: string | null;
    /** Why the last start that failed could not begin. */
    refusal: string | null;
    refused_at: string | null;
  };
  message_start: {
    owner: string;
    message_name: string;
    process_key: string;
    element_id: string;
    definition_id: string;
  };
  message: {
    id: string;
    owner: string;
    message_id: string;
    name: string;
    correlation_key: string;
    payload: unknown;
    received_at: string;
    expires_at: string;
    delivered_to: string | null;
    /** How many signals, messages and starts it follows from. */
    depth: Generated<number>;
  };
  user_task: {
    id: string;
    instance_id: string;
    owner: string;
    agency: string;
    process_key: string;
    element_id: string;
    name: string;
    business_key: string | null;
    candidate_role: string | null;
    form_ref: string | null;
    assignee: string | null;
    excluded_persons: string[];
    inputs: Variables;
    due_at: string | null;
    follow_up_at: Generated<string | null>;
    state: 'open' | 'completed' | 'cancelled';
    completed_by: string | null;
    completion_key: string | null;
    created_at: string;
    ended_at: string | null;
  };
  task_comment: {
    id: string;
    task_id: string;
    instance_id: string;
    author: string;
    organisation: string;
    text: string;
    at: string;
  };
  incident: {
    id: string;
    instance_id: string;
    owner: string;
    token_id: string;
    element_id: string;
    job_id: string | null;
    message: string;
    raised_at: string;
    resolved_at: string | null;
  };
  draft: {
    id: string;
    owner: string;
    name: string;
    /** Counts the changes; whoever changes it names the one they have read. */
    revision: number;
    bpmn: string;
    dmn: unknown;
    bindings: unknown;
    /** What was last deployed of it, or what it began as. */
    definition_id: string | null;
    created_at: string;
    changed_at: string;
    changed_by: string;
  };
  draft_log: {
    id: Generated<string>;
    draft_id: string;
    owner: string;
    action: 'created' | 'changed' | 'deployed' | 'removed';
    revision: number;
    detail: string | null;
    at: string;
    application: string;
    actor: string;
    organisation: string;
  };
  retention: { owner: string; process_key: string; days: number };
  provisioned_user: {
    id: string;
    agency: string;
    /** Subject of the identity block. */
    user_name: string;
    external_id: string | null;
    active: boolean;
    profile: Buffer;
    revision: number;
    created_at: string;
    changed_at: string;
    removed_at: string | null;
  };
  provisioned_role: {
    id: string;
    agency: string;
    name: string;
    external_id: string | null;
    revision: number;
    created_at: string;
    changed_at: string;
  };
  provisioned_membership: { role_id: string; user_id: string };
  change_log: {
    id: Generated<string>;
    owner: string;
    process_key: string | null;
    instance_id: string | null;
    action:
      | 'retention-set'
      | 'instances-removed'
      | 'variables-erased'
      | 'person-provisioned'
      | 'person-deactivated'
      | 'person-activated'
      | 'person-changed'
      | 'person-removed'
      | 'role-provisioned'
      | 'role-renamed'
      | 'role-removed'
      | 'role-given'
      | 'role-taken';
    detail: string;
    reason: string | null;
    at: string;
    application: string;
    actor: string;
    organisation: string;
  };
  history: {
    id: Generated<string>;
    instance_id: string;
    at: string;
    event: string;
    application: string;
    actor: string | null;
    organisation: string;
    entries: readonly HistoryEntry[];
    reason: string | null;
  };
}

export type DefinitionRow = Selectable<WorkflowTables['definition']>;
export type DraftRow = Selectable<WorkflowTables['draft']>;
export type InstanceRow = Selectable<WorkflowTables['instance']>;
export type TaskRow = Selectable<WorkflowTables['user_task']>;
export type IncidentRow = Selectable<WorkflowTables['incident']>;

export interface FileRow {
  id: string;
  reference: string;
  service_id: string;
  eform_id: string;
  applicant: string;
  submitted_by: string;
  assisted: boolean;
  data: Buffer;
  consent_record_id: string | null;
  status: 'PENDING' | 'SENDBACK' | 'APPROVED' | 'REJECTED';
  outcome: Buffer | null;
  correlation_id: string;
  registered_at: string;
  ended_at: string | null;
}
export interface TaskRow {
  id: string;
  file_id: string;
  service_id: string;
  name: string;
  role: string;
  variables: Buffer;
  /** What it asks for: `answer` words, everything else a decision. */
  form: string;
  excluded: string[];
  state: 'unassigned' | 'claimed' | 'completed' | 'withdrawn';
  assignee: string | null;
  decision: unknown;
  created_at: string;
  completed_at: string | null;
}
export interface RequestRow {
  id: string;
  file_id: string;
  kind: string;
  content: Buffer;
  state: 'open' | 'upheld' | 'dismissed' | 'answered';
  answer: Buffer | null;
  made_at: string;
  answered_at: string | null;
}
export interface ServiceRow {
  id: string;
  code: string;
  owner: string;
  definition: unknown;
  version: number;
  active: boolean;
  /** Since when each kind of request is offered; without a word about it: from the beginning. */
  requests_since: unknown;
}
export interface EFormRow {
  id: string;
  service_id: string;
  name: string;
  version: string;
  document: unknown;
  latest: boolean;
}
export interface RegistrationTables {
  service: ServiceRow;
  eform: EFormRow;
  draft: { service_id: string; applicant: string; eform_id: string; data: Buffer; saved_at: string };
  application_file: FileRow;
  open_application: { service_id: string; applicant: string; file_id: string };
  file_event: { id: string; file_id: string; at: string; kind: string; actor: string; note: unknown };
  file_request: RequestRow;
  task: TaskRow;
}

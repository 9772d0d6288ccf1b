export interface RevisionRow {
  id: string;
  schema_name: string;
  object_id: string;
  serialized_snapshot: string;
  serialized_hash: string;
  serialized_hash_sha256: string;
  signed_without_object_id: boolean;
  timestamp: string;
  authorized_by_individual: string | null;
  authorized_by_other: string;
  predecessor_id: string | null;
  predecessor_hash: string | null;
  successor_id: string | null;
  block_signature: string;
}
export interface PolicyRow {
  id: string;
  owner: string;
  body: unknown;
  revision_id: string;
  deleted: boolean;
}
export interface AgreementRow {
  id: string;
  owner: string;
  policy_id: string | null;
  body: unknown;
  active: boolean;
  revision_id: string;
}
export interface IndividualRow {
  id: string;
  external_id: string | null;
  external_id_type: string | null;
  identity_provider_id: string | null;
}
export interface SignatureRow {
  id: string;
  payload: string;
  signature: string;
  verification_method: string;
  verification_payload: string;
  verification_payload_hash: string;
  verification_signed_by: string;
  verification_signed_as: string;
  signed_without_object_reference: boolean;
  object_reference: string;
  timestamp: string;
}
export interface RecordRow {
  id: string;
  individual_id: string;
  data_agreement_id: string;
  data_agreement_revision_id: string;
  data_agreement_revision_hash: string;
  opt_in: boolean;
  state: 'unsigned' | 'pending more signatures' | 'signed';
  revision_id: string;
  signature_id: string | null;
  updated_at: string;
}
export interface ConsentTables {
  revision: RevisionRow;
  policy: PolicyRow;
  data_agreement: AgreementRow;
  individual: IndividualRow;
  signature: SignatureRow;
  consent_record: RecordRow;
  audit_entry: {
    id: string;
    at: string;
    application: string;
    person: string | null;
    action: string;
    object_id: string | null;
    outcome: string;
  };
}

/** One payee as a source hands it over, whatever the dialect. */
export interface BeneficiaryRecord {
  readonly payeeIdentity: string;
  readonly modality: string | undefined;
  readonly institutionCode: string | undefined;
  readonly financialAddress: string | undefined;
  /** Only in updates. */
  readonly active: boolean | undefined;
}

/** A record that was not stored, and why. The others of its request were. */
export interface FailedRecord {
  readonly payeeIdentity: string;
  readonly modality: string | undefined;
  readonly institutionCode: string | undefined;
  readonly failureReason: string;
}

export const failed = (record: BeneficiaryRecord, failureReason: string): FailedRecord => ({
  payeeIdentity: record.payeeIdentity,
  modality: record.modality,
  institutionCode: record.institutionCode,
  failureReason,
});

/** Splits off records whose payee came earlier in the same request. */
export function withoutRepeats(records: readonly BeneficiaryRecord[]): {
  readonly first: BeneficiaryRecord[];
  readonly repeated: FailedRecord[];
} {
  const seen = new Set<string>();
  const first: BeneficiaryRecord[] = [];
  const repeated: FailedRecord[] = [];
  for (const record of records) {
    if (seen.has(record.payeeIdentity))
      repeated.push(failed(record, 'payee is in this request more than once'));
    else first.push(record);
    seen.add(record.payeeIdentity);
  }
  return { first, repeated };
}

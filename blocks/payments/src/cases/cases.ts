import { newId } from '@govstack/platform';
import { sql } from 'kysely';
import type { Db, Trx } from '../tables.ts';

export type CaseKind =
  | 'contradiction'
  | 'unknown-too-long'
  | 'address-changed'
  | 'unknown-reference'
  | 'content-changed'
  | 'failure-rate'
  | 'validation-stuck'
  | 'callback-dead'
  | 'rail-file-refused'
  | 'voucher-stock-low'
  | 'voucher-returned'
  | 'proof-does-not-balance'
  | 'return-missing-at-bank'
  | 'bill-refund'
  | 'biller-silent'
  | 'invariant-broken';

export interface NewCase {
  readonly kind: CaseKind;
  /** One case per kind and key, however often the fault shows. */
  readonly key: string;
  /** For people, without personal data. */
  readonly detail: string;
  readonly batchId?: string;
  readonly instructionId?: string;
  readonly railId?: string;
}

/** Opens what a person has to look at. A case that exists already stays as it is. */
export async function openCases(trx: Trx | Db, cases: readonly NewCase[]): Promise<void> {
  if (cases.length === 0) return;
  const rows = cases.map((one) => ({
    id: newId(),
    kind: one.kind,
    dedup_key: one.key,
    batch_id: one.batchId ?? null,
    instruction_id: one.instructionId ?? null,
    rail_id: one.railId ?? null,
    detail: one.detail,
  }));
  await sql`
    insert into payment_case (id, kind, dedup_key, batch_id, instruction_id, rail_id, detail)
    select c.id, c.kind, c.dedup_key, c.batch_id, c.instruction_id, c.rail_id, c.detail
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as c
      (id uuid, kind text, dedup_key text, batch_id uuid, instruction_id uuid, rail_id text, detail text)
    on conflict on constraint payment_case_key do nothing`.execute(trx);
}

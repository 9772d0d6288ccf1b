import { sql } from 'kysely';
import { brokenSealsOf, type SealedStream, seal } from '../seals/sealed-stream.ts';
import type { Db, Trx } from '../tables.ts';

const transfers: SealedStream = {
  table: 'ledger_transfer',
  seals: 'ledger_seal',
  count: 'transfers',
  line: sql`json_build_array(r.id, r.sequence, r.type, r.debit_account, r.credit_account, r.currency, r.amount,
    r.pending_id, r.cause, r.cause_id, r.batch_id, r.instruction_id, extract(epoch from r.created_at))::text`,
};

/** Seals the stream of finished transfers up to now (PAY-6.14-d). Answers how many transfers were sealed. */
export const sealTransfers = (db: Db): Promise<number> => seal(db, transfers);

/** Numbers of seals of the books that no longer fit. Empty when nothing was tampered with. */
export const brokenSeals = (db: Db | Trx): Promise<number[]> => brokenSealsOf(db, transfers);

import { sql } from 'kysely';
import { brokenSealsOf, type SealedStream, seal } from '../seals/sealed-stream.ts';
import type { Db, Trx } from '../tables.ts';

const entries: SealedStream = {
  table: 'audit_entry',
  seals: 'audit_seal',
  count: 'entries',
  line: sql`jsonb_build_array(r.id, r.sequence, r.component, r.action, r.subject, r.actor, r.terminal, r.outcome,
    r.detail, encode(r.sealed, 'hex'), r.key_id, r.correlation_id, extract(epoch from r.at))::text`,
};

/** Seals the audit log up to now (PAY-6.12-b). Answers how many entries were sealed. */
export const sealAudit = (db: Db): Promise<number> => seal(db, entries);

/** Numbers of seals of the log that no longer fit. Empty when nothing was tampered with. */
export const brokenAuditSeals = (db: Db | Trx): Promise<number[]> => brokenSealsOf(db, entries);

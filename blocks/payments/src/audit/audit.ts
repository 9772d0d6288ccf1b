import { currentContext, newContext, newId } from '@govstack/platform';
import type { Db, Trx } from '../tables.ts';

export interface AuditEntry {
  /** Part of this block that was used: `settings`, `runs`, `vouchers`, `billers` … */
  readonly component: string;
  /** What was done: `put`, `approve`, `suspend` … */
  readonly action: string;
  /** What it was done to, as kind and id: `rail/fnb`. No personal data. */
  readonly subject: string;
  /** Who did it (`actorOf`). */
  readonly actor: string;
  readonly outcome?: 'succeeded' | 'refused' | 'failed';
  /** Earlier and new values, a reason. No personal data, numbers of accounts or vouchers. */
  readonly detail?: object;
  /** What only some may read, encrypted by the component that submits it, with the id of the key. */
  readonly sealed?: { readonly data: Buffer; readonly keyId: string };
  /** Where the request came from; the actor's application when absent. */
  readonly terminal?: string;
}

/** The application of an actor (`actorOf`), none for what the block does by itself. */
const applicationIn = (actor: string): string | null =>
  actor.includes('/') ? (actor.split(' for ')[0] as string) : null;

/** Keeps who did what, append-only, in the transaction of the change (PAY-6.12-d). */
export async function audit(trx: Trx | Db, entry: AuditEntry): Promise<void> {
  await trx
    .insertInto('audit_entry')
    .values({
      id: newId(),
      component: entry.component,
      action: entry.action,
      subject: entry.subject,
      actor: entry.actor,
      terminal: entry.terminal ?? applicationIn(entry.actor),
      outcome: entry.outcome ?? 'succeeded',
      detail: JSON.stringify(entry.detail ?? {}),
      sealed: entry.sealed?.data ?? null,
      key_id: entry.sealed?.keyId ?? null,
      correlation_id: (currentContext() ?? newContext()).correlationId,
    })
    .execute();
}

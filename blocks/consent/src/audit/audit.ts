import { type Caller, newId, type Person } from '@govstack/platform';
import type { Kysely } from 'kysely';
import type { ConsentTables } from '../tables.ts';

/** Who is asking, as the audit trail and ownership checks need it. */
export interface Actor {
  readonly caller: Caller;
  readonly person: Person | undefined;
}

/** Records one action, in the transaction it belongs to (CON-5.1.2, CON-4.4-c). */
export async function audit(
  db: Kysely<ConsentTables>,
  actor: Actor,
  action: string,
  objectId: string | null,
  outcome = 'done',
): Promise<void> {
  await db
    .insertInto('audit_entry')
    .values({
      id: newId(),
      at: new Date().toISOString(),
      application: actor.caller.application,
      person: actor.person?.id ?? null,
      action,
      object_id: objectId,
      outcome,
    })
    .execute();
}

/** How an author is named in revisions: the application, and the person acting through it. */
export const authorOf = (actor: Actor, individual?: string) => ({
  individual,
  other: actor.person ? `${actor.caller.application} (${actor.person.id})` : actor.caller.application,
});

import { sql, type Transaction } from 'kysely';
import type { HistoryEntry } from '../execution/command.ts';
import type { WorkflowTables } from '../tables.ts';
import { type Actor, nameOf } from './actor.ts';

export interface Told {
  readonly instanceId: string;
  readonly event: string;
  readonly entries: readonly HistoryEntry[];
  readonly reason: string | undefined;
  readonly actor: Actor;
  readonly at: string;
}

/** Adds to the history of an instance what no step of the interpreter did. */
export async function writeHistory(trx: Transaction<WorkflowTables>, told: Told): Promise<void> {
  const { instanceId, event, entries, reason, actor, at } = told;
  await sql`
    insert into history (instance_id, at, event, application, actor, organisation, entries, reason)
    values (${instanceId}, ${at}, ${event}, ${actor.application}, ${nameOf(actor)}, ${actor.organisation},
      ${JSON.stringify(entries)}::jsonb, ${reason ?? null})`.execute(trx);
}

import { sql, type Transaction } from 'kysely';
import { chosen, type Given } from '../instances/change.ts';
import type { WorkflowTables } from '../tables.ts';

/**
 * Writes what waits for signals, and what was thrown: one delivery for each wait of another instance of the same
 * owner that is there at this moment. The throwing instance has taken its own signal already.
 */
export async function writeSignals(trx: Transaction<WorkflowTables>, all: readonly Given[]): Promise<void> {
  const ended = chosen(all, 'forgetSignal').map(({ command }) => command.subscriptionId);
  const gone = new Set(ended);
  const made = chosen(all, 'awaitSignal').filter(({ command }) => !gone.has(command.subscriptionId));
  if (ended.length > 0) await trx.deleteFrom('signal_subscription').where('id', 'in', ended).execute();
  if (made.length > 0) {
    await trx
      .insertInto('signal_subscription')
      .values(
        made.map(({ change, command }) => ({
          id: command.subscriptionId,
          owner: change.row.owner,
          instance_id: change.row.id,
          token_id: command.tokenId,
          element_id: command.elementId,
          signal_name: command.signal,
        })),
      )
      .execute();
  }
  for (const { change, command } of chosen(all, 'throwSignal')) {
    const { row, at, depth } = change;
    const { signal: name, payload } = command;
    await sendSignal(trx, { owner: row.owner, name, payload, at, depth: depth + 1, except: row.id });
  }
}

export interface Signal {
  readonly owner: string;
  readonly name: string;
  readonly payload: unknown;
  readonly at: string;
  readonly depth: number;
  /** Instance that has taken it already. */
  readonly except?: string;
}

/**
 * Puts a signal on its way to all of its owner that wait for the name at this moment, and to all processes that begin
 * with it. Answers how many of each there are.
 */
export async function sendSignal(
  trx: Transaction<WorkflowTables>,
  { owner, name, payload, at, depth, except }: Signal,
): Promise<{ readonly waits: number; readonly starts: number }> {
  const text = JSON.stringify(payload ?? null);
  const waits = await sql`
    insert into signal_delivery (instance_id, subscription_id, payload, thrown_at, depth)
    select instance_id, id, ${text}::jsonb, ${at}, ${depth}
    from signal_subscription
    where owner = ${owner}
      and signal_name = ${name}
      and instance_id is distinct from ${except ?? null}
    order by id`.execute(trx);
  const starts = await sql`
    insert into signal_delivery (owner, process_key, element_id, payload, thrown_at, depth)
    select owner, process_key, element_id, ${text}::jsonb, ${at}, ${depth}
    from signal_start
    where owner = ${owner}
      and signal_name = ${name}
    order by process_key, element_id`.execute(trx);
  return { waits: Number(waits.numAffectedRows), starts: Number(starts.numAffectedRows) };
}

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
    await sql`
      insert into signal_delivery (instance_id, subscription_id, payload, thrown_at)
      select instance_id, id, ${JSON.stringify(command.payload)}::jsonb, ${change.at}
      from signal_subscription
      where owner = ${change.row.owner}
        and signal_name = ${command.signal}
        and instance_id <> ${change.row.id}
      order by id`.execute(trx);
  }
}

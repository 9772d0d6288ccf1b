import { newId } from '@govstack/platform';
import { sql, type Transaction } from 'kysely';
import { chosen, type Given, rowsOf } from '../instances/change.ts';
import type { WorkflowTables } from '../tables.ts';

/** Writes the messages that processes send to others of the same application; a worker delivers them. */
export async function writeMessages(trx: Transaction<WorkflowTables>, all: readonly Given[]): Promise<void> {
  const rows = chosen(all, 'sendMessage').map(({ change, command }) => ({
    id: newId(),
    owner: change.row.owner,
    message_id: command.messageId,
    name: command.name,
    correlation_key: command.correlationKey,
    payload: command.payload,
    received_at: change.at,
    expires_at: new Date(Date.parse(change.at) + command.timeToLive * 1000).toISOString(),
    depth: change.depth + 1,
  }));
  if (rows.length === 0) return;
  await sql`
    insert into message (id, owner, message_id, name, correlation_key, payload, received_at, expires_at, depth)
    select id, owner, message_id, name, correlation_key, payload, received_at, expires_at, depth
    from json_to_recordset(${rowsOf(rows)}::json) as new (
      id uuid, owner text, message_id text, name text, correlation_key text, payload jsonb, received_at timestamptz,
      expires_at timestamptz, depth integer
    )`.execute(trx);
}

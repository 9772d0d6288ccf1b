import { transaction } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import type { Json } from '../feel/json.ts';
import type { Actor } from '../history/actor.ts';
import type { Aftermath, Engine } from '../instances/apply.ts';
import { createInstance } from '../instances/start.ts';
import type { WorkflowTables } from '../tables.ts';

interface Begun {
  id: string;
  definition_id: string;
  owner: string;
  process_key: string;
  element_id: string;
  correlation_key: string;
  payload: Json;
  depth: number;
}

/**
 * Starts the process that begins with this message, if there is one and no instance has got it: once, however often and
 * wherever it is tried.
 */
export async function startByMessage(
  db: Kysely<WorkflowTables>,
  engine: Engine,
  message: { readonly owner: string; readonly messageId: string },
  actor: Actor,
): Promise<Aftermath | undefined> {
  return transaction(db, async (trx) => {
    const found = await sql<Begun>`
      select message.id, message_start.definition_id, message_start.owner, message_start.process_key,
        message_start.element_id, message.correlation_key, message.payload, message.depth
      from message
      join message_start
        on message_start.owner = message.owner
        and message_start.message_name = message.name
      where message.owner = ${message.owner}
        and message.message_id = ${message.messageId}
        and message.delivered_to is null
        and message.expires_at > ${engine.now().toISOString()}
      for update of message`.execute(trx);
    const [row] = found.rows;
    if (!row) return undefined;
    const made = await createInstance(
      trx,
      engine,
      { id: row.definition_id, owner: row.owner, key: row.process_key },
      { businessKey: row.correlation_key === '' ? undefined : row.correlation_key, actor, depth: row.depth },
      {
        type: 'start',
        variables: {},
        at: { elementId: row.element_id, brought: { message: row.payload } },
      },
    );
    if (!made) return undefined;
    await trx.updateTable('message').set({ delivered_to: made.row.id }).where('id', '=', row.id).execute();
    return made.aftermath;
  });
}

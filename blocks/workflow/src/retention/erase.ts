import { conflict, notFound, Problem } from '@govstack/platform';
import { sql, type Transaction } from 'kysely';
import type { Actor } from '../history/actor.ts';
import { writeHistory } from '../history/write-history.ts';
import type { WorkflowTables } from '../tables.ts';
import { logChange } from './change-log.ts';

/**
 * Erases personal data of an ended instance: the variables named, or all; and with them what tasks showed, comments,
 * messages it took and the words of its incidents. The history keeps that it happened, who did it and why. Answers the
 * names erased. Throws problems: 404, 409 while it runs, 400 for a variable that it does not have.
 */
export async function eraseVariables(
  trx: Transaction<WorkflowTables>,
  instanceId: string,
  names: readonly string[] | undefined,
  by: { readonly actor: Actor; readonly reason: string; readonly at: string },
): Promise<readonly string[]> {
  const row = await trx
    .selectFrom('instance')
    .selectAll()
    .where('id', '=', instanceId)
    .forUpdate()
    .executeTakeFirst();
  if (!row) throw notFound('Instance');
  if (row.status === 'running') throw conflict('The instance is running: its variables are still needed');
  const scopes = await trx
    .selectFrom('scope')
    .select('variables')
    .where('instance_id', '=', instanceId)
    .execute();
  const known = new Set(scopes.flatMap((scope) => Object.keys(scope.variables)));
  const unknown = names?.filter((name) => !known.has(name)) ?? [];
  if (unknown.length > 0) throw new Problem(400, `The instance has no variable ${unknown.join(', ')}`);
  const erased = names ?? [...known];
  await sql`
    update scope
    set variables = variables - ${[...erased]}::text[]
    where instance_id = ${instanceId}`.execute(trx);
  await sql`update user_task set inputs = '{}' where instance_id = ${instanceId}`.execute(trx);
  await sql`update task_comment set text = '' where instance_id = ${instanceId}`.execute(trx);
  await sql`update incident set message = 'erased' where instance_id = ${instanceId}`.execute(trx);
  await sql`update message set payload = null where delivered_to = ${instanceId}`.execute(trx);
  await sql`
    update instance
    set revision = revision + 1, changed_at = ${by.at}
    where id = ${instanceId}`.execute(trx);
  const detail = erased.join(', ');
  await writeHistory(trx, {
    instanceId,
    event: 'erase',
    entries: [{ event: 'erased', elementId: row.process_key, detail }],
    ...by,
  });
  const { owner, process_key: processKey } = row;
  await logChange(trx, { owner, processKey, instanceId, action: 'variables-erased', detail, ...by });
  return erased;
}

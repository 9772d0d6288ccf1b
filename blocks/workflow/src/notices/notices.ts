import { conflict, newId, notFound } from '@govstack/platform';
import type { Kysely, Transaction } from 'kysely';
import { ownedBy, type Viewer } from '../history/viewer.ts';
import { isUuid } from '../instances/read.ts';
import type { InstanceRow, WorkflowTables } from '../tables.ts';

/**
 * Tells a new state of an instance to whoever wanted to hear of it, in the transaction that brings it about. Says no
 * more than the state: who may see more asks for it.
 */
export async function writeNotice(
  trx: Transaction<WorkflowTables>,
  row: Pick<
    InstanceRow,
    'id' | 'definition_id' | 'owner' | 'process_key' | 'business_key' | 'error_code' | 'callback'
  >,
  state: 'running' | 'suspended' | 'completed' | 'failed' | 'stopped',
  at: string,
): Promise<void> {
  if (row.callback === null) return;
  const id = newId();
  const body = {
    id,
    instanceId: row.id,
    processRef: row.definition_id,
    processKey: row.process_key,
    businessKey: row.business_key,
    state,
    suspended: state === 'suspended',
    ended: state !== 'running' && state !== 'suspended',
    errorCode: row.error_code,
    at,
  };
  await trx
    .insertInto('notice')
    .values({
      id,
      instance_id: row.id,
      owner: row.owner,
      process_key: row.process_key,
      connection: row.callback.connection,
      path: row.callback.path,
      body: JSON.stringify(body) as never,
      created_at: at,
      due_at: at,
      refusal: null,
      given_up_at: null,
    })
    .execute();
}

/** Notices that nobody has taken yet, oldest first. */
export const listNotices = (
  db: Kysely<WorkflowTables>,
  viewer: Viewer,
  filter: {
    readonly givenUp: boolean | undefined;
    readonly limit: number;
    readonly after: string | undefined;
  },
) =>
  db
    .selectFrom('notice')
    .selectAll()
    .where(ownedBy(viewer, 'owner'))
    .$if(filter.givenUp !== undefined, (query) =>
      query.where('due_at', filter.givenUp ? 'is' : 'is not', null),
    )
    .$if(filter.after !== undefined, (query) => query.where('id', '>', filter.after as string))
    .orderBy('id')
    .limit(filter.limit)
    .execute();

/** Sends a notice that was given up again, under its id. Throws 404, 409 for one that is still tried. */
export async function sendAgain(
  trx: Transaction<WorkflowTables>,
  viewer: Viewer,
  id: string,
  at: string,
): Promise<void> {
  const row = isUuid(id)
    ? await trx
        .selectFrom('notice')
        .select('given_up_at')
        .where('id', '=', id)
        .where(ownedBy(viewer, 'owner'))
        .forUpdate()
        .executeTakeFirst()
    : undefined;
  if (!row) throw notFound('Notice');
  if (row.given_up_at === null) throw conflict('The notice is still tried');
  await trx
    .updateTable('notice')
    .set({ due_at: at, given_up_at: null, attempts: 0, admitted: false })
    .where('id', '=', id)
    .execute();
}

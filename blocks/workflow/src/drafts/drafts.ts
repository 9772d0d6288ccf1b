import { notFound, Problem } from '@govstack/platform';
import type { Kysely, Transaction } from 'kysely';
import { type Actor, nameOf } from '../history/actor.ts';
import type { DraftRow, WorkflowTables } from '../tables.ts';

/** What a draft holds: a process with its decisions and the addresses behind its logical names. */
export interface DraftContent {
  readonly name: string;
  readonly bpmn: string;
  readonly dmn: readonly string[];
  readonly bindings: Readonly<Record<string, string>>;
}

export interface Draft extends DraftContent {
  readonly id: string;
  readonly owner: string;
  readonly revision: number;
  readonly definitionId: string | undefined;
  readonly createdAt: string;
  readonly changedAt: string;
  readonly changedBy: string;
}

const toDraft = (row: DraftRow): Draft => ({
  id: row.id,
  owner: row.owner,
  name: row.name,
  revision: row.revision,
  bpmn: row.bpmn,
  dmn: row.dmn as string[],
  bindings: row.bindings as Record<string, string>,
  definitionId: row.definition_id ?? undefined,
  createdAt: row.created_at,
  changedAt: row.changed_at,
  changedBy: row.changed_by,
});

const columns = ({ name, bpmn, dmn, bindings }: DraftContent) => ({
  name,
  bpmn,
  dmn: JSON.stringify(dmn),
  bindings: JSON.stringify(bindings),
});

async function log(
  trx: Transaction<WorkflowTables>,
  draft: Pick<Draft, 'id' | 'owner' | 'revision'>,
  action: 'created' | 'changed' | 'deployed' | 'removed',
  actor: Actor,
  at: string,
  detail: string | undefined,
): Promise<void> {
  await trx
    .insertInto('draft_log')
    .values({
      draft_id: draft.id,
      owner: draft.owner,
      action,
      revision: draft.revision,
      detail: detail ?? null,
      at,
      application: actor.application,
      actor: nameOf(actor),
      organisation: actor.organisation,
    })
    .execute();
}

export const conflict = (revision: number): Problem =>
  new Problem(409, `The draft has been changed meanwhile: it is in revision ${revision}`);

/** Keeps a new draft. */
export async function createDraft(
  trx: Transaction<WorkflowTables>,
  draft: DraftContent & { readonly id: string; readonly owner: string; readonly from: string | undefined },
  actor: Actor,
  at: string,
): Promise<Draft> {
  const row = await trx
    .insertInto('draft')
    .values({
      ...columns(draft),
      id: draft.id,
      owner: draft.owner,
      revision: 1,
      definition_id: draft.from ?? null,
      created_at: at,
      changed_at: at,
      changed_by: nameOf(actor),
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  const kept = toDraft(row);
  await log(trx, kept, 'created', actor, at, draft.from);
  return kept;
}

/** A draft of an application of the agency. Throws 404. */
export async function findDraft(
  db: Kysely<WorkflowTables>,
  agency: string,
  id: string,
  forUpdate = false,
): Promise<Draft> {
  const row = await db
    .selectFrom('draft')
    .selectAll()
    .where('id', '=', id)
    .$if(forUpdate, (query) => query.forUpdate())
    .executeTakeFirst();
  if (!row?.owner.startsWith(`${agency}/`)) throw notFound('Draft');
  return toDraft(row);
}

/** Locks a draft in the revision that somebody has read. Throws 404 and 409. */
export async function lockDraft(
  trx: Transaction<WorkflowTables>,
  agency: string,
  id: string,
  revision: number,
): Promise<Draft> {
  const draft = await findDraft(trx, agency, id, true);
  if (draft.revision !== revision) throw conflict(draft.revision);
  return draft;
}

/** Changes a locked draft; the same content again is no change. */
export async function changeDraft(
  trx: Transaction<WorkflowTables>,
  draft: Draft,
  content: DraftContent,
  actor: Actor,
  at: string,
): Promise<Draft> {
  const same =
    JSON.stringify(columns(draft)) === JSON.stringify(columns(content)) && draft.name === content.name;
  if (same) return draft;
  const row = await trx
    .updateTable('draft')
    .set({ ...columns(content), revision: draft.revision + 1, changed_at: at, changed_by: nameOf(actor) })
    .where('id', '=', draft.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  const changed = toDraft(row);
  await log(trx, changed, 'changed', actor, at, undefined);
  return changed;
}

/** Notes what a locked draft was deployed as. */
export async function noteDeployment(
  trx: Transaction<WorkflowTables>,
  draft: Draft,
  definitionId: string,
  actor: Actor,
  at: string,
): Promise<void> {
  await trx.updateTable('draft').set({ definition_id: definitionId }).where('id', '=', draft.id).execute();
  await log(trx, draft, 'deployed', actor, at, definitionId);
}

/** Removes a locked draft; the log keeps who and when. */
export async function removeDraft(
  trx: Transaction<WorkflowTables>,
  draft: Draft,
  actor: Actor,
  at: string,
): Promise<void> {
  await trx.deleteFrom('draft').where('id', '=', draft.id).execute();
  await log(trx, draft, 'removed', actor, at, draft.name);
}

export type ListedDraft = Omit<Draft, 'bpmn' | 'dmn' | 'bindings'>;

/** Drafts of the applications of an agency, by id. */
export async function listDrafts(
  db: Kysely<WorkflowTables>,
  agency: string,
  page: { readonly limit: number; readonly after?: string },
): Promise<ListedDraft[]> {
  const rows = await db
    .selectFrom('draft')
    .select(['id', 'owner', 'name', 'revision', 'definition_id', 'created_at', 'changed_at', 'changed_by'])
    .where((where) => where.fn<boolean>('starts_with', ['owner', where.val(`${agency}/`)]))
    .$if(page.after !== undefined, (query) => query.where('id', '>', page.after as string))
    .orderBy('id')
    .limit(page.limit)
    .execute();
  return rows.map((row) => ({
    id: row.id,
    owner: row.owner,
    name: row.name,
    revision: row.revision,
    definitionId: row.definition_id ?? undefined,
    createdAt: row.created_at,
    changedAt: row.changed_at,
    changedBy: row.changed_by,
  }));
}

/** What became of a draft, also of one that was removed; oldest first. */
export const readDraftLog = (db: Kysely<WorkflowTables>, agency: string, id: string, limit: number) =>
  db
    .selectFrom('draft_log')
    .select(['at', 'action', 'revision', 'detail', 'application', 'actor', 'organisation'])
    .where('draft_id', '=', id)
    .where((where) => where.fn<boolean>('starts_with', ['owner', where.val(`${agency}/`)]))
    .orderBy('id')
    .limit(limit)
    .execute();

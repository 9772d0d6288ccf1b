import { createHash } from 'node:crypto';
import { newId } from '@govstack/platform';
import type { Kysely, Transaction } from 'kysely';
import { sql } from 'kysely';
import { type Actor, nameOf } from '../history/actor.ts';
import { ownedBy, type Viewer } from '../history/viewer.ts';
import { compileProcess, type DefinitionSource } from '../model/compile-process.ts';
import { InvalidDefinition, type Issue, type ProcessModel } from '../model/model.ts';
import type { DefinitionRow, WorkflowTables } from '../tables.ts';
import { remember } from './remember.ts';

/** A deployment as the published API carries it (WF-7.2.2). */
export interface Deployment {
  readonly name: string;
  readonly type: 'None' | 'Private' | 'Public';
  readonly version: string;
  readonly isExecutable?: boolean;
  readonly isClosed?: boolean;
  readonly description?: string;
  readonly processBody?: readonly { readonly code: string; readonly value: string }[];
}

const bindingPrefix = 'binding.';

/** Reads BPMN, DMN and bindings out of the process body. Throws `InvalidDefinition`. */
export function sourceOf(owner: string, body: Deployment['processBody']): DefinitionSource {
  const issues: Issue[] = [];
  const entries = body ?? [];
  const values = (code: string): string[] =>
    entries.filter((entry) => entry.code === code).map((entry) => entry.value);
  const [bpmn, ...more] = values('bpmn20xml');
  if (bpmn === undefined || more.length > 0) {
    issues.push({ elementId: 'processBody', message: 'needs exactly one entry with code bpmn20xml' });
  }
  const bindings: Record<string, string> = {};
  for (const { code, value } of entries) {
    if (code.startsWith(bindingPrefix)) bindings[code.slice(bindingPrefix.length)] = value;
    else if (code !== 'bpmn20xml' && code !== 'dmn') {
      issues.push({ elementId: 'processBody', message: `does not know the code ${code}` });
    }
  }
  if (issues.length > 0) throw new InvalidDefinition(issues);
  return { owner, bpmn: bpmn ?? '', dmn: values('dmn'), bindings };
}

const hashOf = (deployment: Deployment): string =>
  createHash('sha256')
    .update(
      JSON.stringify([
        deployment.name,
        deployment.type,
        deployment.version,
        deployment.isExecutable,
        deployment.isClosed,
        deployment.description,
        deployment.processBody,
      ]),
    )
    .digest('hex');

async function logDefinition(
  trx: Transaction<WorkflowTables>,
  definitionId: string,
  action: 'created' | 'enabled' | 'disabled' | 'deleted',
  actor: Actor,
  at: string,
): Promise<void> {
  await trx
    .insertInto('definition_log')
    .values({
      definition_id: definitionId,
      action,
      at,
      application: actor.application,
      actor: nameOf(actor),
      organisation: actor.organisation,
    })
    .execute();
}

/** Lets only this transaction change the revisions of a process, until it ends. */
async function lockKey(trx: Transaction<WorkflowTables>, owner: string, key: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtext(${`${owner} ${key}`}))`.execute(trx);
}

/**
 * Deploys a definition for its owner: a new revision of its key, or the one that is there already when nothing
 * differs. Running instances stay on the revision they began with.
 */
export async function saveDefinition(
  trx: Transaction<WorkflowTables>,
  owner: string,
  deployment: Deployment,
  model: ProcessModel,
  actor: Actor,
  at: string,
): Promise<DefinitionRow> {
  await lockKey(trx, owner, model.key);
  const latest = await trx
    .selectFrom('definition')
    .selectAll()
    .where('owner', '=', owner)
    .where('key', '=', model.key)
    .orderBy('revision', 'desc')
    .executeTakeFirst();
  const contentHash = hashOf(deployment);
  if (latest && latest.content_hash === contentHash && latest.enabled && latest.deleted_at === null) {
    return latest;
  }
  const revision = (latest?.revision ?? 0) + 1;
  const row = await trx
    .insertInto('definition')
    .values({
      id: `${model.key}:${revision}:${newId()}`,
      owner,
      key: model.key,
      revision,
      name: deployment.name,
      type: deployment.type,
      version: deployment.version,
      is_executable: (deployment.isExecutable ?? true) && model.executable,
      is_closed: deployment.isClosed ?? model.closed,
      description: deployment.description ?? model.documentation ?? null,
      process_body: JSON.stringify(deployment.processBody ?? []),
      content_hash: contentHash,
      deleted_at: null,
      deployed_at: at,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  await logDefinition(trx, row.id, 'created', actor, at);
  return row;
}

/**
 * A definition that the viewer may see, by id or by its bare key: then the newest enabled revision, or the newest of
 * all when none is enabled.
 */
export async function findDefinition(
  db: Kysely<WorkflowTables>,
  viewer: Viewer,
  idOrKey: string,
): Promise<DefinitionRow | undefined> {
  return db
    .selectFrom('definition')
    .selectAll()
    .where(ownedBy(viewer, 'owner'))
    .where('deleted_at', 'is', null)
    .where(idOrKey.includes(':') ? 'id' : 'key', '=', idOrKey)
    .orderBy('enabled', 'desc')
    .orderBy('revision', 'desc')
    .executeTakeFirst();
}

export interface DefinitionFilter {
  /** Only the newest enabled revision of each process. */
  readonly current: boolean;
  readonly key?: string;
  readonly limit: number;
  /** Definitions after this id. */
  readonly after?: string;
}

/** Definitions that the viewer may see, by id. */
export const listDefinitions = (
  db: Kysely<WorkflowTables>,
  viewer: Viewer,
  filter: DefinitionFilter,
): Promise<DefinitionRow[]> =>
  db
    .selectFrom('definition')
    .selectAll()
    .where(ownedBy(viewer, 'owner'))
    .where('deleted_at', 'is', null)
    .$if(filter.current, (query) =>
      query.where('enabled', '=', true).where(
        sql<boolean>`not exists (
            select 1
            from definition as newer
            where newer.owner = definition.owner
              and newer.key = definition.key
              and newer.revision > definition.revision
              and newer.enabled
              and newer.deleted_at is null
          )`,
      ),
    )
    .$if(filter.key !== undefined, (query) => query.where('key', '=', filter.key as string))
    .$if(filter.after !== undefined, (query) => query.where('id', '>', filter.after as string))
    .orderBy('id')
    .limit(filter.limit)
    .execute();

/** Enables, disables or removes a revision and writes who did it. Running instances are not touched. */
export async function changeDefinition(
  trx: Transaction<WorkflowTables>,
  id: string,
  action: 'enabled' | 'disabled' | 'deleted',
  actor: Actor,
  at: string,
): Promise<DefinitionRow> {
  const row = await trx
    .updateTable('definition')
    .set(action === 'deleted' ? { deleted_at: at } : { enabled: action === 'enabled' })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();
  await logDefinition(trx, id, action, actor, at);
  await lockKey(trx, row.owner, row.key);
  return row;
}

/** Model of a definition; reads it over `db`, so that a transaction needs no second connection. */
export type Models = (definitionId: string, db: Kysely<WorkflowTables>) => Promise<ProcessModel>;

/** Compiled definitions, kept in memory; a definition never changes, so neither does its model. */
export const createModels = (capacity = 200): Models =>
  remember(capacity, async (id: string, db: Kysely<WorkflowTables>) => {
    const row = await db
      .selectFrom('definition')
      .select(['owner', 'process_body'])
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    return compileProcess(sourceOf(row.owner, row.process_body as Deployment['processBody']));
  });

import { isDeepStrictEqual } from 'node:util';
import { conflict, notFound, Problem } from '@govstack/platform';
import { type Kysely, sql, type Transaction } from 'kysely';
import type { ConnectionSettings } from '../api/connection-schemas.ts';
import { type Actor, nameOf } from '../history/actor.ts';
import { ownedBy, type Viewer } from '../history/viewer.ts';
import type { ProcessModel } from '../model/model.ts';
import type { Sealing } from '../sealing.ts';
import type { WorkflowTables } from '../tables.ts';
import { audienceOf, needsSecret, wrongSettings } from './settings.ts';

/** A connection as requests use it. */
export interface Connection {
  readonly owner: string;
  readonly name: string;
  readonly settings: ConnectionSettings;
  readonly secret: string | undefined;
  /** Of its last change. */
  readonly changedAt: string;
}

/** Most connections of an application. */
const most = 500;

const sealedFor = (owner: string, name: string): string => `connection ${owner} ${name}`;

/** The connection of an application by its name, with its secret. */
export async function openConnection(
  db: Kysely<WorkflowTables>,
  sealing: Sealing,
  owner: string,
  name: string,
): Promise<Connection | undefined> {
  const row = await db
    .selectFrom('connection')
    .selectAll()
    .where('owner', '=', owner)
    .where('name', '=', name)
    .executeTakeFirst();
  if (!row) return undefined;
  let secret: string | undefined;
  try {
    secret = row.secret === null ? undefined : sealing.open(row.secret, sealedFor(owner, name));
  } catch {
    // Sealed with another key: as good as none, until it is given again.
  }
  return { owner, name, settings: row.settings, secret, changedAt: row.changed_at };
}

/** Connections that the viewer may see, without their secrets; only those of one name, when it is given. */
export const listConnections = (db: Kysely<WorkflowTables>, viewer: Viewer, name?: string) =>
  db
    .selectFrom('connection')
    .$if(name !== undefined, (query) => query.where('name', '=', name as string))
    .select(['owner', 'name', 'settings', 'changed_at', 'changed_by'])
    .select(sql<boolean>`secret is not null`.as('has_secret'))
    .where(ownedBy(viewer, 'owner'))
    .orderBy('owner')
    .orderBy('name')
    .limit(2 * most)
    .execute();

/** Connections that a process names and its application does not have (yet). */
export async function missingConnections(
  db: Kysely<WorkflowTables>,
  owner: string,
  model: ProcessModel,
): Promise<readonly string[]> {
  const named = [...model.elements.values()].flatMap((one) =>
    one.kind === 'serviceTask' && one.target.kind !== 'operation' ? [one.target.connection] : [],
  );
  if (named.length === 0) return [];
  const rows = await db
    .selectFrom('connection')
    .select('name')
    .where('owner', '=', owner)
    .where('name', 'in', named)
    .execute();
  return [...new Set(named)].filter((name) => !rows.some((row) => row.name === name));
}

/** Who defined, changed and removed a connection, newest first; at most 500 entries. */
export const readConnectionLog = (db: Kysely<WorkflowTables>, owner: string, name: string) =>
  db
    .selectFrom('connection_log')
    .select(['action', 'settings', 'secret_changed', 'reason', 'at', 'application', 'actor', 'organisation'])
    .where('owner', '=', owner)
    .where('name', '=', name)
    .orderBy('id', 'desc')
    .limit(500)
    .execute();

/** Who does something, when and why. */
interface By {
  readonly actor: Actor;
  readonly at: string;
  readonly reason: string | undefined;
}

const lock = (trx: Transaction<WorkflowTables>, owner: string) =>
  sql`select pg_advisory_xact_lock(hashtext(${`connections ${owner}`}))`.execute(trx);

const log = (
  trx: Transaction<WorkflowTables>,
  entry: {
    readonly owner: string;
    readonly name: string;
    readonly action: 'set' | 'removed';
    readonly settings: ConnectionSettings | undefined;
    readonly secretChanged: boolean;
  },
  by: By,
) =>
  trx
    .insertInto('connection_log')
    .values({
      owner: entry.owner,
      name: entry.name,
      action: entry.action,
      settings: entry.settings === undefined ? null : (JSON.stringify(entry.settings) as never),
      secret_changed: entry.secretChanged,
      reason: by.reason ?? null,
      at: by.at,
      application: by.actor.application,
      actor: nameOf(by.actor),
      organisation: by.actor.organisation,
    })
    .execute();

const invalid = (field: string, detail: string): Problem =>
  new Problem(422, 'The connection cannot be used', {
    errors: [{ in: 'body', pointer: `/${field}`, detail }],
  });

/**
 * Defines a connection or changes it; requests that wait for it go out with it. A secret that is not given stays as it
 * is, as long as it is shown to nobody else. Throws problems: 422 for settings that cannot be used, 409 when there are
 * too many.
 */
export async function putConnection(
  trx: Transaction<WorkflowTables>,
  sealing: Sealing,
  given: {
    readonly owner: string;
    readonly name: string;
    readonly settings: ConnectionSettings;
    readonly secret: string | undefined;
  },
  by: By,
): Promise<void> {
  const { owner, name, settings } = given;
  const wrong = wrongSettings(settings);
  if (wrong) throw invalid(wrong.field, wrong.detail);
  if (!needsSecret(settings) && given.secret !== undefined) throw invalid('secret', 'is not used');
  await lock(trx, owner);
  const known = await openConnection(trx, sealing, owner, name);
  const kept = known && audienceOf(known.settings) === audienceOf(settings) ? known.secret : undefined;
  const secret = given.secret ?? kept;
  if (needsSecret(settings) && secret === undefined) throw invalid('secret', 'must be given');
  if (known && isDeepStrictEqual(known.settings, settings) && known.secret === secret) return;
  if (!known) {
    const { count } = await trx
      .selectFrom('connection')
      .select((eb) => eb.fn.countAll<string>().as('count'))
      .where('owner', '=', owner)
      .executeTakeFirstOrThrow();
    if (Number(count) >= most) throw conflict(`An application has at most ${most} connections`);
  }
  const row = {
    settings: JSON.stringify(settings) as never,
    secret: secret === undefined ? null : sealing.seal(secret, sealedFor(owner, name)),
    free_at: null,
    changed_at: by.at,
    changed_by: nameOf(by.actor),
  };
  await trx
    .insertInto('connection')
    .values({ owner, name, ...row })
    .onConflict((on) => on.constraint('connection_pkey').doUpdateSet(row))
    .execute();
  // What waits for a place asks for one again: there may be more room now.
  await sql`
    update job
    set admitted = false,
      due_at = case when job.resumes_at is null then ${by.at}::timestamptz else job.due_at end,
      resumes_at = case when job.resumes_at is null then null else ${by.at}::timestamptz end
    from instance
    where instance.id = job.instance_id
      and instance.owner = ${owner}
      and job.admitted
      and job.locked_by is null
      and job.request ->> 'connection' = ${name}`.execute(trx);
  const secretChanged = secret !== known?.secret;
  await log(trx, { owner, name, action: 'set', settings, secretChanged }, by);
}

/** Removes a connection: what is sent over it afterwards is an incident. Throws 404. */
export async function removeConnection(
  trx: Transaction<WorkflowTables>,
  owner: string,
  name: string,
  by: By,
): Promise<void> {
  await lock(trx, owner);
  const removed = await trx
    .deleteFrom('connection')
    .where('owner', '=', owner)
    .where('name', '=', name)
    .executeTakeFirst();
  if (removed.numDeletedRows !== 1n) throw notFound('Connection');
  await log(trx, { owner, name, action: 'removed', settings: undefined, secretChanged: false }, by);
}

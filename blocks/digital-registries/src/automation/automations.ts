import { badRequest, conflict, type Jobs, newId, notFound, type ProblemDetail } from '@govstack/platform';
import { type Kysely, sql, type Transaction } from 'kysely';
import { lastPosition } from '../events/feed.ts';
import type { Registry } from '../schema/catalogue.ts';
import type { RegistryTables } from '../tables.ts';
import { type Definition, nextRun, readDefinition } from './definition.ts';

type Db = Kysely<RegistryTables>;
type Trx = Transaction<RegistryTables>;

export const startJob = 'start-automations';
export const runJob = 'run-automation';

const rowOf = (db: Db, owner: string, code: string) =>
  db
    .selectFrom('automation')
    .selectAll()
    .where('owner', '=', owner)
    .where('code', '=', code)
    .executeTakeFirst();

export type AutomationRow = NonNullable<Awaited<ReturnType<typeof rowOf>>>;

export async function automationRow(db: Db, owner: string, code: string): Promise<AutomationRow> {
  const row = await rowOf(db, owner, code);
  if (!row) throw notFound('Automation');
  return row;
}

/** The registries a definition names, found under its owner. */
export type FindRegistry = (code: string) => Promise<Registry | undefined>;

/** What a definition names must be there: registries, and fields in them. */
export async function assertNamed(
  definition: Definition,
  registryOf: FindRegistry,
): Promise<Registry | undefined> {
  const errors: ProblemDetail[] = [];
  const defect = (pointer: string, detail: string): void => void errors.push({ in: 'body', pointer, detail });
  const named = async (code: string, pointer: string): Promise<Registry | undefined> => {
    const found = await registryOf(code);
    if (!found) defect(pointer, `${code} is not a published registry of this application`);
    return found;
  };
  const has = (registry: Registry, name: string): boolean =>
    registry.fields.some((field) => field.name === name);
  const source =
    definition.source === undefined ? undefined : await named(definition.source, '/definition/source');
  for (const name of definition.looksAt)
    if (!source || !has(source, name))
      defect('/definition', `${name} is not a field of ${definition.source ?? 'what a hook is given'}`);
  for (const { to, pointer } of definition.output)
    if (source && !has(source, to)) defect(`${pointer}/to`, `${to} is not a field of ${source.code}`);
  for (const [index, target] of definition.targets.entries()) {
    if (target.kind !== 'registry') continue;
    const registry = await named(target.registry, `/definition/targets/${index}/registry`);
    for (const { to, pointer } of target.input)
      if (registry && !has(registry, to)) defect(`${pointer}/to`, `${to} is not a field of ${registry.code}`);
  }
  for (const { registry: code, fields, pointer } of definition.lookups) {
    const registry = await named(code, `${pointer}/registry`);
    for (const name of fields)
      if (registry && !has(registry, name)) defect(pointer, `${name} is not a field of ${registry.code}`);
  }
  if (errors.length > 0) throw badRequest('The automation is not valid', errors.slice(0, 100));
  return source;
}

const mostAutomations = 500;

/** Keeps an automation under its code; a new one is active and begins at once. What was done stays done. */
export async function putAutomation(
  db: Db,
  jobs: Jobs,
  owner: string,
  code: string,
  input: unknown,
  by: string,
  registryOf: FindRegistry,
): Promise<void> {
  const definition = readDefinition(input);
  const source = await assertNamed(definition, registryOf);
  const position = source && definition.when.kind === 'on' ? String(await lastPosition(db, source.id)) : null;
  await db.transaction().execute(async (trx) => {
    const existing = await rowOf(trx, owner, code);
    if (!existing) {
      const { count } = await trx
        .selectFrom('automation')
        .select((fields) => fields.fn.countAll<string>().as('count'))
        .where('owner', '=', owner)
        .executeTakeFirstOrThrow();
      if (Number(count) >= mostAutomations)
        throw conflict(`There are ${mostAutomations} automations already`);
    }
    const changed = {
      name: definition.name,
      definition: JSON.stringify(input),
      registry_id: source?.id ?? null,
      next_at: definition.when.kind === 'every' ? new Date().toISOString() : next(definition),
      modified_by: by,
      modified_at: new Date().toISOString(),
    };
    // Whoever listens goes on where it was; who begins to, begins now.
    const kept = existing?.registry_id === (source?.id ?? null) ? existing?.position : null;
    await trx
      .insertInto('automation')
      .values({ owner, code, ...changed, position })
      .onConflict((one) =>
        one
          .constraint('automation_code_key')
          .doUpdateSet({ ...changed, position: position === null ? null : (kept ?? position) }),
      )
      .execute();
    await jobs.send(trx, startJob, {}, { singletonKey: 'now' });
  });
}

const next = (definition: Definition): string | null =>
  nextRun(definition.when, new Date())?.toISOString() ?? null;

/** Pauses an automation, or lets it go on. A run that is under way ends after the record it is at. */
export async function setAutomationState(
  db: Db,
  jobs: Jobs,
  owner: string,
  code: string,
  state: 'active' | 'paused',
): Promise<void> {
  const row = await automationRow(db, owner, code);
  await db.transaction().execute(async (trx) => {
    await trx.updateTable('automation').set({ state }).where('id', '=', row.id).execute();
    await jobs.send(trx, startJob, {}, { singletonKey: 'now' });
  });
}

export async function deleteAutomation(db: Db, owner: string, code: string): Promise<void> {
  await db.deleteFrom('automation').where('owner', '=', owner).where('code', '=', code).execute();
}

export type Cause = 'interval' | 'change' | 'hook' | 'retry' | 'manual';

/** Begins a run unless one is under way. Answers its id, or that of the one under way. */
export async function startRun(trx: Trx, jobs: Jobs, automationId: string, cause: Cause): Promise<string> {
  const id = newId();
  const { rows } = await sql<{ id: string }>`
    insert into automation_run (id, automation_id, cause)
    values (${id}::uuid, ${automationId}::bigint, ${cause})
    on conflict (automation_id) where state = 'running' do nothing
    returning id`.execute(trx);
  if (!rows[0]) {
    const running = await trx
      .selectFrom('automation_run')
      .select('id')
      .where('automation_id', '=', automationId)
      .where('state', '=', 'running')
      .executeTakeFirst();
    return running?.id ?? id;
  }
  await jobs.send(trx, runJob, { run: id }, { singletonKey: id });
  return id;
}

/** Begins what is due by the clock, by changes, or because something is to be tried again. */
export async function startDue(db: Db, jobs: Jobs): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const { rows } = await sql<{ id: string; cause: Cause }>`
      select a.id, case
          when a.next_at <= now() then 'interval'
          when w.waits then 'retry'
          else 'change'
        end as cause
      from automation a, lateral (
        select exists (
          select from automation_item i
          where i.automation_id = a.id and i.state = 'waiting' and i.next_at <= now()
        ) as waits
      ) w
      where a.state = 'active'
        and (a.next_at <= now() or w.waits or exists (
          select from change_seal s where s.registry_id = a.registry_id and s.position > a.position
        ))
        and not exists (select from automation_run r where r.automation_id = a.id and r.state = 'running')
      order by a.id
      limit 200
      for update of a skip locked`.execute(trx);
    for (const { id, cause } of rows) {
      await startRun(trx, jobs, id, cause);
      if (cause === 'interval')
        await trx.updateTable('automation').set({ next_at: null }).where('id', '=', id).execute();
    }
    // Whose worker was lost without a trace: another one takes it.
    const { rows: lost } = await sql<{ id: string }>`
      select id
      from automation_run
      where state = 'running' and touched_at < now() - interval '2 minutes'`.execute(trx);
    for (const { id } of lost) await jobs.send(trx, runJob, { run: id }, { singletonKey: id });
  });
}

export interface RunInfo {
  readonly id: string;
  readonly cause: string;
  readonly state: string;
  readonly done: number;
  readonly failed: number;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly error: string | null;
}

/** Runs, newest first. */
export async function runsOf(db: Db, automationId: string, limit: number): Promise<RunInfo[]> {
  const rows = await db
    .selectFrom('automation_run')
    .selectAll()
    .where('automation_id', '=', automationId)
    .orderBy('started_at', 'desc')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    id: row.id,
    cause: row.cause,
    state: row.state,
    done: row.done,
    failed: row.failed,
    startedAt: new Date(row.started_at).toISOString(),
    endedAt: row.ended_at === null ? null : new Date(row.ended_at).toISOString(),
    error: row.error,
  }));
}

/** Records that failed: tried again later, or given up. */
export async function failuresOf(db: Db, automationId: string, state: 'waiting' | 'dead', limit: number) {
  const rows = await db
    .selectFrom('automation_item')
    .select(['record', 'attempts', 'error', 'at', 'next_at'])
    .where('automation_id', '=', automationId)
    .where('state', '=', state)
    .orderBy('at')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    record: row.record,
    attempts: row.attempts,
    error: row.error ?? '',
    at: new Date(row.at).toISOString(),
    nextAt: row.next_at === null ? null : new Date(row.next_at).toISOString(),
  }));
}

/** Gives records that failed all their attempts again. Answers how many. */
export async function retryFailures(
  db: Db,
  jobs: Jobs,
  automationId: string,
  records: readonly string[] | undefined,
): Promise<number> {
  return db.transaction().execute(async (trx) => {
    const { numAffectedRows } = await sql`
      update automation_item
      set state = 'waiting', attempts = 0, next_at = now()
      where automation_id = ${automationId}::bigint and state in ('dead', 'waiting')
        and (${records === undefined} or record = any(${[...(records ?? [])]}::uuid[]))`.execute(trx);
    await jobs.send(trx, startJob, {}, { singletonKey: 'now' });
    return Number(numAffectedRows ?? 0n);
  });
}

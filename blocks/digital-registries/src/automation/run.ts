import { type Jobs, type Mediation, Problem, transaction } from '@govstack/platform';
import { type Kysely, sql, type Transaction } from 'kysely';
import type { Logger } from 'pino';
import type { Gate, Granted, Reader } from '../access/access.ts';
import { noGround } from '../access/ground.ts';
import { changesAfter } from '../events/feed.ts';
import type { SubjectHash } from '../history/read-log.ts';
import type { Row } from '../records/content.ts';
import { inWordsOfTheRequest, StaleRegistry, table, visible } from '../records/statement.ts';
import type { Catalogue } from '../schema/catalogue.ts';
import { tableRef } from '../schema/table.ts';
import type { RegistryTables } from '../tables.ts';
import { type AutomationRow, runJob, startJob } from './automations.ts';
import {
  type Hands,
  requestOf,
  type Sent,
  scopeOf,
  seenRecord,
  writeBack,
  writeTargets,
} from './carry-out.ts';
import { conditionSql } from './condition.ts';
import { type Definition, nextRun, readDefinition, type ServiceTarget } from './definition.ts';

type Db = Kysely<RegistryTables>;
type Trx = Transaction<RegistryTables>;

export interface Works {
  readonly db: Db;
  readonly jobs: Jobs;
  readonly gate: Gate;
  readonly catalogue: Catalogue;
  readonly hash: SubjectHash;
  readonly mediation: Mediation;
  /** The application of this block, which acts for owners. */
  readonly application: string;
  readonly log: Logger;
}

/** An automation acts as the owner of its registries; its name and run are on record with all it does. */
export const automationReader = (
  owner: string,
  code: string,
  application: string,
  runId: string,
): Reader => ({
  caller: {
    application: owner,
    service: `${owner}/registry-automation-v1`,
    operator: application,
    exchangeId: `automation ${code} ${runId}`,
  },
  person: undefined,
  ground: { ...noGround, purpose: `Automation ${code}` },
});

interface Job {
  readonly id: string;
  readonly automation: AutomationRow;
  readonly definition: Definition;
  readonly hands: Hands;
  readonly cause: string;
}

const batch = 200;
const callTimeoutMs = 30_000;

/** Records that a run may work on now: not done yet, or changed since where that counts, or due again. */
const workable = ({ automation, definition }: Job) => sql`
  not exists (
    select from automation_item i
    where i.automation_id = ${automation.id}::bigint and i.record = t.uuid
      and not (i.state = 'waiting' and i.next_at <= now())
      ${definition.everyChange ? sql`and not (i.row_version < t.row_version and i.state <> 'waiting')` : sql``}
  )`;

const matching = (granted: Granted, { condition }: Definition) =>
  sql`t.state = 'active' and ${visible(granted)} and ${conditionSql(granted.fields, condition)}`;

/** The next records of a run, and where it has come to when they are done. */
async function nextRecords(
  { db }: Works,
  job: Job,
  granted: Granted,
): Promise<{ readonly records: string[]; readonly position?: number; readonly end: boolean }> {
  const { automation, definition, cause, id } = job;
  const among = async (restriction: ReturnType<typeof sql>): Promise<string[]> => {
    const { rows } = await sql<{ uuid: string }>`
      select t.uuid
      from ${table(granted.registry)} t
      where ${matching(granted, definition)} and ${workable(job)} and ${restriction}
      order by t.uuid
      limit ${batch}`.execute(db);
    return rows.map(({ uuid }) => uuid);
  };
  const { rows: clock } = await sql<{ at: string }>`select now()::text as at`.execute(db);
  const isDue = sql`automation_id = ${automation.id}::bigint and state = 'waiting'
    and next_at <= ${clock[0]?.at ?? null}::timestamptz`;
  const due = await among(sql`t.uuid in (select record from automation_item where ${isDue})`);
  if (due.length > 0) return { records: due, end: false };
  // Those that do not match any more are not waited for; when they match again they are new.
  await sql`delete from automation_item where ${isDue}`.execute(db);
  if (cause === 'retry') return { records: [], end: true };
  if (cause === 'change') {
    const held = await db
      .selectFrom('automation')
      .select('position')
      .where('id', '=', automation.id)
      .executeTakeFirst();
    const after = Number(held?.position ?? Number.MAX_SAFE_INTEGER);
    const changes = await changesAfter(db, granted.registry.id, after, batch);
    if (changes.length === 0) return { records: [], end: true };
    const { when } = definition;
    const heard = changes.filter(({ action }) => when.kind !== 'on' || when.actions.includes(action));
    const records =
      heard.length === 0
        ? []
        : await among(sql`t.uuid = any(${[...new Set(heard.map(({ record }) => record))]}::uuid[])`);
    return { records, position: changes.at(-1)?.position as number, end: false };
  }
  const place = await db.selectFrom('automation_run').select('place').where('id', '=', id).executeTakeFirst();
  const records = await among(sql`t.uuid > ${place?.place ?? ''}::uuid`);
  return { records, end: records.length === 0 };
}

/** The automation was paused or removed while it ran. */
class Paused extends Error {}

/** Holds a record as long as it is to be worked on; undefined: not any more. */
async function hold(trx: Trx, job: Job, granted: Granted, uuid: string): Promise<Row | undefined> {
  const { rows } = await inWordsOfTheRequest(
    granted.registry.current,
    sql<Row>`
      select t.*
      from ${table(granted.registry)} t
      where t.uuid = ${uuid}::uuid and ${matching(granted, job.definition)}
      for update`.execute(trx),
  );
  if (!rows[0]) return undefined;
  // In a statement of its own: whoever held the record before may have been another worker of this automation.
  const { rows: now } = await sql<{ active: boolean; may: boolean }>`
    select ${workable(job)} as may,
      exists (select from automation where id = ${job.automation.id}::bigint and state = 'active') as active
    from ${table(granted.registry)} t
    where t.uuid = ${uuid}::uuid`.execute(trx);
  if (!now[0]?.active) throw new Paused();
  return now[0].may ? rows[0] : undefined;
}

async function settle(
  trx: Trx,
  { id, automation, cause }: Job,
  uuid: string,
  outcome: { readonly done: boolean; readonly rowVersion?: number },
): Promise<void> {
  const { done, rowVersion } = outcome;
  if (rowVersion !== undefined)
    await sql`
      insert into automation_item (automation_id, record, row_version, state, attempts, run_id)
      values (${automation.id}::bigint, ${uuid}::uuid, ${rowVersion}::integer, 'done', 1, ${id}::uuid)
      on conflict on constraint automation_item_pkey do update
      set row_version = excluded.row_version, state = 'done', attempts = automation_item.attempts + 1, next_at = null,
        error = null, run_id = excluded.run_id, at = now()`.execute(trx);
  await sql`
    update automation_run
    set done = done + ${done ? 1 : 0}::integer, touched_at = now()
      ${cause === 'interval' || cause === 'manual' || cause === 'hook' ? sql`, place = greatest(place, ${uuid}::uuid)` : sql``}
    where id = ${id}::uuid`.execute(trx);
}

/** What went wrong, in words that hold no value of a record. */
function said(error: unknown): string {
  if (!(error instanceof Problem)) return 'Something went wrong here; the operators can find it in the log';
  const where = (error.errors ?? []).map(({ pointer, detail }) => `${pointer}: ${detail}`).join('; ');
  return `${error.status}: ${error.message}${where === '' ? '' : ` (${where})`}`.slice(0, 500);
}

/** What is wrong with the record or the mapping itself stays wrong. */
const hopeless = (error: unknown): boolean =>
  error instanceof Problem && [400, 404, 413, 415, 422].includes(error.status);

async function fail(works: Works, job: Job, uuid: string, error: unknown): Promise<void> {
  const { automation, definition, id, cause } = job;
  if (!(error instanceof Problem))
    works.log.warn({ err: error, automation: automation.id }, 'an automation failed');
  await works.db.transaction().execute(async (trx) => {
    const last = hopeless(error) ? 1 : definition.attempts;
    const { rows } = await sql<{ state: string; next_at: string | null }>`
      insert into automation_item as i (automation_id, record, row_version, state, attempts, next_at, error, run_id)
      values (${automation.id}::bigint, ${uuid}::uuid,
        coalesce((select row_version from ${tableRef(automation.registry_id ?? '')} where uuid = ${uuid}::uuid), 0),
        ${last <= 1 ? 'dead' : 'waiting'}, 1, now() + make_interval(secs => ${definition.delaySeconds}), ${said(error)}, ${id}::uuid)
      on conflict on constraint automation_item_pkey do update
      set row_version = excluded.row_version, attempts = i.attempts + 1, error = excluded.error, run_id = excluded.run_id,
        at = now(), state = case when i.attempts + 1 >= ${last}::integer then 'dead' else 'waiting' end,
        next_at = now() + make_interval(secs => least(86400, ${definition.delaySeconds} * power(2, least(i.attempts, 16))))
      returning state, next_at`.execute(trx);
    await sql`
      update automation_run
      set failed = failed + 1, touched_at = now()
        ${cause === 'change' || cause === 'retry' ? sql`` : sql`, place = greatest(place, ${uuid}::uuid)`}
      where id = ${id}::uuid`.execute(trx);
    const [item] = rows;
    if (item?.state === 'waiting' && item.next_at !== null)
      await works.jobs.send(
        trx,
        startJob,
        {},
        { singletonKey: `again-${automation.id}`, startAfter: new Date(item.next_at) },
      );
  });
}

const open = ({ gate }: Works, { hands, automation, definition }: Job, method: 'read' | 'update') =>
  gate.open(hands.reader, definition.source ?? automation.code, 'latest', method);

/** Works on one record with registries as targets: what is written and that it is done stand together or not at all. */
const withRegistries = (works: Works, job: Job, uuid: string): Promise<void> =>
  transaction(works.db, async (trx) => {
    const granted = await open(works, job, job.definition.output.length > 0 ? 'update' : 'read');
    const row = await hold(trx, job, granted, uuid);
    if (!row) return settle(trx, job, uuid, { done: false });
    const record = await seenRecord(trx, job.hands, granted, row, job.definition);
    const scope = await scopeOf(trx, job.hands, record, undefined);
    await writeTargets(trx, job.hands, job.definition, scope);
    const rowVersion = await writeBack(trx, job.hands, granted, row, job.definition, scope);
    await settle(trx, job, uuid, { done: true, rowVersion });
  });

/** What a service answered, as far as an output part can look at it. */
function answered(status: number, body: Buffer): unknown {
  if (status >= 200 && status < 300)
    try {
      return body.length === 0 || body.length > 1_048_576 ? {} : JSON.parse(body.toString('utf8'));
    } catch {
      return {};
    }
  throw new Problem(status >= 400 && status < 600 ? status : 502, `The service answered ${status}`);
}

/**
 * Works on one record with a service as target: asked before the record is marked, so at least once; the
 * Idempotency-Key is the same for the same version of the record.
 */
async function withService(works: Works, job: Job, uuid: string, target: ServiceTarget): Promise<void> {
  const { db, mediation } = works;
  const asked = await transaction(db, async (trx) => {
    const granted = await open(works, job, 'read');
    const row = await hold(trx, job, granted, uuid);
    if (!row) {
      await settle(trx, job, uuid, { done: false });
      return undefined;
    }
    const record = await seenRecord(trx, job.hands, granted, row, job.definition);
    const scope = await scopeOf(trx, job.hands, record, undefined);
    return { record, scope, request: await requestOf(target, record, scope) };
  });
  if (!asked) return;
  const { path, body } = asked.request;
  const response = await mediation.request({
    as: job.automation.owner,
    service: target.service,
    method: target.method,
    path,
    headers: {
      'idempotency-key': `automation-${job.automation.id}-${uuid}-${asked.record.rowVersion}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    timeout: callTimeoutMs,
  });
  if (response.headers['x-road-error'] !== undefined)
    throw new Problem(502, `The mediator answered ${response.headers['x-road-error']}`);
  const result = answered(response.status, response.body);
  await transaction(db, async (trx) => {
    const granted = await open(works, job, job.definition.output.length > 0 ? 'update' : 'read');
    const { rows } = await sql<Row>`
      select t.* from ${table(granted.registry)} t
      where t.uuid = ${uuid}::uuid and t.state = 'active'
      for update`.execute(trx);
    const [row] = rows;
    const scope = { ...(await scopeOf(trx, job.hands, asked.record, undefined)), result };
    const written = row && (await writeBack(trx, job.hands, granted, row, job.definition, scope));
    // What was sent is what the record said then: what it says since is another change.
    const unchanged = row === undefined || row.row_version === asked.record.rowVersion;
    const rowVersion = unchanged ? (written ?? asked.record.rowVersion) : asked.record.rowVersion;
    await settle(trx, job, uuid, { done: true, rowVersion });
  });
}

async function workOn(works: Works, job: Job, uuid: string): Promise<void> {
  const [target] = job.definition.targets;
  for (let attempt = 1; ; attempt += 1)
    try {
      if (target?.kind === 'service') await withService(works, job, uuid, target);
      else await withRegistries(works, job, uuid);
      return;
    } catch (error) {
      if (error instanceof StaleRegistry && attempt < 5) {
        for (const one of job.definition.targets)
          if (one.kind === 'registry') works.catalogue.forget(job.automation.owner, one.registry);
        works.catalogue.forget(job.automation.owner, job.definition.source ?? '');
        continue;
      }
      if (error instanceof Paused) throw error;
      await fail(works, job, uuid, error);
      return;
    }
}

async function end(
  works: Works,
  job: Job,
  state: 'done' | 'stopped' | 'failed',
  error?: string,
): Promise<void> {
  const next = nextRun(job.definition.when, new Date());
  await works.db.transaction().execute(async (trx) => {
    await trx
      .updateTable('automation_run')
      .set({ state, ended_at: new Date().toISOString(), error: error ?? null })
      .where('id', '=', job.id)
      .where('state', '=', 'running')
      .execute();
    if (next)
      await trx
        .updateTable('automation')
        .set({ next_at: next.toISOString() })
        .where('id', '=', job.automation.id)
        .where('next_at', 'is', null)
        .execute();
    // What came meanwhile, and what comes next.
    await works.jobs.send(trx, startJob, {}, { singletonKey: 'now' });
    if (next)
      await works.jobs.send(
        trx,
        startJob,
        {},
        { singletonKey: `next-${job.automation.id}`, startAfter: next },
      );
  });
}

const sliceMs = 20_000;

/** Works on the records of a run, one after the other, for a while; what is left is another job (REG-6.1-19-b). */
export async function carryOutRun(works: Works, runId: string, signal: AbortSignal): Promise<void> {
  const { db, jobs, gate, hash, application } = works;
  const run = await db.selectFrom('automation_run').selectAll().where('id', '=', runId).executeTakeFirst();
  if (run?.state !== 'running') return;
  const load = () =>
    db.selectFrom('automation').selectAll().where('id', '=', run.automation_id).executeTakeFirst();
  const automation = await load();
  if (!automation) return;
  const definition = readDefinition(automation.definition);
  const reader = automationReader(automation.owner, automation.code, application, runId);
  const job: Job = { id: runId, automation, definition, cause: run.cause, hands: { gate, hash, reader } };
  const until = Date.now() + sliceMs;
  try {
    for (;;) {
      if ((await load())?.state !== 'active') return await end(works, job, 'stopped');
      const granted = await open(works, job, 'read');
      const { records, position, end: ended } = await nextRecords(works, job, granted);
      if (ended) return await end(works, job, 'done');
      for (const uuid of records) {
        if (signal.aborted) throw new Error('interrupted');
        await workOn(works, job, uuid);
        if (Date.now() > until) {
          await db
            .transaction()
            .execute((trx) => jobs.send(trx, runJob, { run: runId }, { singletonKey: runId }));
          return;
        }
      }
      if (position !== undefined && records.length < batch)
        await db
          .updateTable('automation')
          .set({ position: String(position) })
          .where('id', '=', automation.id)
          .where('position', 'is not', null)
          .execute();
    }
  } catch (error) {
    if (error instanceof Paused) return await end(works, job, 'stopped');
    // Of the run as a whole: a registry that is gone, a field that has another type by now.
    if (!(error instanceof Problem)) throw error;
    await end(works, job, 'failed', said(error));
  }
}

class DryRunEnded extends Error {}

/** What the first matching records would lead to; nothing is written, nothing is sent. */
export async function tryOut(
  works: Pick<Works, 'db' | 'hash' | 'gate'>,
  reader: Reader,
  definition: Definition,
  limit: number,
): Promise<{ readonly record: string; readonly sent: Sent[]; readonly error: string | null }[]> {
  const { db, gate, hash } = works;
  const granted = await gate.open(reader, definition.source ?? '', 'latest', 'read');
  const hands: Hands = { gate, hash, reader };
  const { rows } = await inWordsOfTheRequest(
    granted.registry.current,
    sql<Row>`
      select t.*
      from ${table(granted.registry)} t
      where ${matching(granted, definition)}
      order by t.uuid
      limit ${limit}`.execute(db),
  );
  const tried: { record: string; sent: Sent[]; error: string | null }[] = [];
  for (const row of rows) {
    // The look at the record is on record; what it would lead to is taken back.
    const record = await db.transaction().execute((trx) => seenRecord(trx, hands, granted, row, definition));
    let sent: Sent[] = [];
    const work = async (trx: Trx): Promise<void> => {
      const scope = await scopeOf(trx, hands, record, undefined);
      const [target] = definition.targets;
      if (target?.kind === 'service') {
        const { path, body } = await requestOf(target, record, scope);
        sent = [{ target: `${target.method} ${target.service}${path}`, content: body ?? null }];
      } else {
        sent = await writeTargets(trx, hands, definition, scope);
        await writeBack(trx, hands, granted, row, definition, scope);
      }
      throw new DryRunEnded();
    };
    const error = await db
      .transaction()
      .execute(work)
      .then(
        () => null,
        (reason: unknown) => (reason instanceof DryRunEnded ? null : said(reason)),
      );
    tried.push({ record: row.uuid, sent, error });
  }
  return tried;
}

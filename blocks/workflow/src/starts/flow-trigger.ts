import { newId, notFound, Problem } from '@govstack/platform';
import type { ProblemDetail } from '@govstack/platform/operation';
import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import { findDefinition } from '../definitions/definitions.ts';
import type { InstanceState } from '../execution/state.ts';
import { compileSource } from '../feel/expression.ts';
import type { Json, Variables } from '../feel/json.ts';
import { FeelError } from '../feel/normalise.ts';
import { type Actor, nameOf } from '../history/actor.ts';
import { ownedBy, type Viewer } from '../history/viewer.ts';
import type { Engine } from '../instances/apply.ts';
import { type Opened, openInstance } from '../instances/called.ts';
import { isVariableName } from '../model/mappings.ts';
import type { InstanceRow, WorkflowTables } from '../tables.ts';
import { removalBy, removeInForce } from './removal.ts';

export type FlowTrigger = Selectable<WorkflowTables['flow_trigger']>;

/** A start variable of the process that is started, and where its value comes from: `=` and FEEL, or a constant. */
export interface TriggerMapping {
  readonly target: string;
  readonly source: string;
}

export interface TriggerRequest {
  /** Key of the process whose end starts another. */
  readonly source: string;
  readonly outcome: 'completed' | 'failed';
  /** Key of the process that is started. */
  readonly target: string;
  readonly mappings: readonly TriggerMapping[];
}

const mostOfOneApplication = 500;

function checkMappings(mappings: readonly TriggerMapping[]): void {
  const errors: ProblemDetail[] = [];
  const names = new Set<string>();
  mappings.forEach(({ target, source }, index) => {
    const add = (field: string, detail: string): void => {
      errors.push({ in: 'body', pointer: `/variables/${index}/${field}`, detail });
    };
    if (!isVariableName(target)) add('target', 'cannot be the name of a variable');
    if (names.has(target)) add('target', 'is given twice');
    names.add(target);
    try {
      compileSource(source);
    } catch (error) {
      if (!(error instanceof FeelError)) throw error;
      add('source', error.message);
    }
  });
  if (errors.length > 0) throw new Problem(400, 'The mapping is not valid', { errors });
}

/** Whether the end of one process leads to the start of another, through any number of triggers. */
function leadsTo(triggers: readonly FlowTrigger[], from: string, to: string): boolean {
  const seen = new Set<string>();
  const waiting = [from];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (at === to) return true;
    if (seen.has(at)) continue;
    seen.add(at);
    for (const one of triggers) if (one.source_key === at) waiting.push(one.target_key);
  }
  return false;
}

const inForce = (db: Kysely<WorkflowTables>, owner: string): Promise<FlowTrigger[]> =>
  db
    .selectFrom('flow_trigger')
    .selectAll()
    .where('owner', '=', owner)
    .where('removed_at', 'is', null)
    .execute();

/**
 * Defines that the end of one process starts another of the same application (WF-6.2-i); the same two again replace the
 * mapping. Throws problems: 404 for processes, 400 for the mapping, 422 for a circle.
 */
export async function defineTrigger(
  trx: Transaction<WorkflowTables>,
  viewer: Viewer,
  request: TriggerRequest,
  actor: Actor,
  at: string,
): Promise<FlowTrigger> {
  checkMappings(request.mappings);
  const source = await findDefinition(trx, viewer, request.source);
  const target = await findDefinition(trx, viewer, request.target);
  if (!source || !target || source.owner !== target.owner) throw notFound('Process');
  const { owner } = source;
  await sql`select pg_advisory_xact_lock(hashtext(${`flow triggers of ${owner}`}))`.execute(trx);
  const others = await inForce(trx, owner);
  const known = others.find(
    (one) =>
      one.source_key === source.key && one.outcome === request.outcome && one.target_key === target.key,
  );
  if (!known && others.length >= mostOfOneApplication) {
    throw new Problem(422, `An application has at most ${mostOfOneApplication} triggers`);
  }
  if (leadsTo(others, target.key, source.key)) {
    throw new Problem(422, `The end of ${target.key} leads back to ${source.key}: this would never end`);
  }
  if (known) {
    await trx.updateTable('flow_trigger').set(removalBy(actor, at)).where('id', '=', known.id).execute();
  }
  return trx
    .insertInto('flow_trigger')
    .values({
      id: newId(),
      owner,
      source_key: source.key,
      outcome: request.outcome,
      target_key: target.key,
      mappings: JSON.stringify(request.mappings) as never,
      created_at: at,
      created_by: nameOf(actor),
      created_through: actor.application,
      created_for: actor.organisation,
      removed_at: null,
      removed_by: null,
      removed_through: null,
      removed_for: null,
      refusal: null,
      refused_at: null,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** Triggers that the viewer may see, oldest first. */
export const listTriggers = (
  db: Kysely<WorkflowTables>,
  viewer: Viewer,
  page: { readonly limit: number; readonly after?: string },
): Promise<FlowTrigger[]> =>
  db
    .selectFrom('flow_trigger')
    .selectAll()
    .where(ownedBy(viewer, 'owner'))
    .where('removed_at', 'is', null)
    .$if(page.after !== undefined, (query) => query.where('id', '>', page.after as string))
    .orderBy('id')
    .limit(page.limit)
    .execute();

/** Removes a trigger. Throws 404. */
export async function removeTrigger(
  db: Kysely<WorkflowTables>,
  viewer: Viewer,
  id: string,
  actor: Actor,
  at: string,
): Promise<void> {
  if (!(await removeInForce(db, 'flow_trigger', viewer, id, removalBy(actor, at)))) throw notFound('Trigger');
}

export interface EndedInstance {
  readonly row: InstanceRow;
  readonly state: InstanceState;
}

function variablesFor(trigger: FlowTrigger, { row, state }: EndedInstance, now: string): Variables {
  const scope = [...state.scopes.values()].find((one) => one.kind === 'process');
  const known: Variables = {
    ...scope?.variables,
    process: { instanceId: row.id, businessKey: row.business_key, startedAt: row.started_at },
    error: { code: state.errorCode ?? null },
  };
  const values: Record<string, Json> = {};
  for (const { target, source } of trigger.mappings) {
    values[target] = compileSource(source).evaluate(known, now).value;
  }
  return values;
}

/**
 * Makes the instances that the ends of these instances start, in the transaction of their ends: each exactly once
 * (WF-6.2-j). One that cannot begin, for want of `room` or otherwise, is noted at its trigger and holds up nothing.
 */
export async function openTriggered(
  trx: Transaction<WorkflowTables>,
  engine: Engine,
  ended: readonly EndedInstance[],
  actor: Actor,
  room: { readonly instances: number; readonly otherwise: string },
): Promise<readonly Opened[]> {
  if (ended.length === 0) return [];
  const owners = [...new Set(ended.map(({ row }) => row.owner))];
  const keys = [...new Set(ended.map(({ row }) => row.process_key))];
  const triggers = await trx
    .selectFrom('flow_trigger')
    .selectAll()
    .where('owner', 'in', owners)
    .where('source_key', 'in', keys)
    .where('removed_at', 'is', null)
    .orderBy('id')
    .execute();
  const opened: Opened[] = [];
  for (const one of ended) {
    const { row, state } = one;
    for (const trigger of triggers) {
      if (trigger.owner !== row.owner || trigger.source_key !== row.process_key) continue;
      if (trigger.outcome !== state.status) continue;
      const at = engine.now().toISOString();
      const result =
        opened.length < room.instances ? await openOne(trx, engine, one, trigger, actor, at) : room.otherwise;
      if (typeof result !== 'string') opened.push(result);
      else {
        await trx
          .updateTable('flow_trigger')
          .set({ refusal: result.slice(0, 1000), refused_at: at })
          .where('id', '=', trigger.id)
          .execute();
      }
    }
  }
  return opened;
}

async function openOne(
  trx: Transaction<WorkflowTables>,
  engine: Engine,
  ended: EndedInstance,
  trigger: FlowTrigger,
  actor: Actor,
  at: string,
): Promise<Opened | string> {
  let variables: Variables;
  try {
    variables = variablesFor(trigger, ended, at);
  } catch (error) {
    if (!(error instanceof FeelError)) throw error;
    return error.message;
  }
  return openInstance(
    trx,
    engine,
    ended.row,
    { process: trigger.target_key, revision: undefined, variables },
    {
      id: engine.newId(),
      parent: undefined,
      businessKey: ended.row.business_key,
      actor: actor.application,
    },
  );
}

import { createHash } from 'node:crypto';
import { conflict, currentContext, notFound, Problem, transaction } from '@govstack/platform';
import type { ProblemDetail } from '@govstack/platform/operation';
import canonicalize from 'canonicalize';
import type { Kysely, Transaction } from 'kysely';
import { findDefinition } from '../definitions/definitions.ts';
import type { EngineEvent } from '../execution/event.ts';
import { newInstance } from '../execution/state.ts';
import { type Actor, nameOf } from '../history/actor.ts';
import type { Viewer } from '../history/viewer.ts';
import { readCallback } from '../notices/callback.ts';
import type { DefinitionRow, InstanceRow, WorkflowTables } from '../tables.ts';
import { type Aftermath, applyToNew, type Engine } from './apply.ts';
import { limitDuration } from './limit.ts';
import { readStartVariables, type StartInput } from './start-variables.ts';
import type { Handover } from './write-jobs.ts';

export interface StartRequest extends StartInput {
  readonly viewer: Viewer;
  /** Definition id, or the bare key for its newest enabled revision. */
  readonly process: string;
  readonly businessKey: string | undefined;
  /** Where states of the instance are told. */
  readonly callbackUrl: string | undefined;
  /** Idempotency key: the same start never makes a second instance. */
  readonly startKey: string | undefined;
  readonly actor: Actor;
}

export interface Started {
  readonly row: InstanceRow;
  readonly aftermath: Aftermath | undefined;
}

const fingerprint = (request: StartRequest): string =>
  createHash('sha256')
    .update(
      canonicalize({
        process: request.process,
        businessKey: request.businessKey ?? null,
        variables: request.variables ?? {},
        pairs: request.pairs,
        ...(request.callbackUrl === undefined ? {} : { callbackUrl: request.callbackUrl }),
      }) ?? '',
    )
    .digest('hex');

/** The instance that this start made before, if it did. A key used again for something else is refused. */
async function earlier(
  db: Kysely<WorkflowTables>,
  definition: DefinitionRow,
  request: StartRequest,
  print: string,
): Promise<InstanceRow | undefined> {
  if (request.startKey === undefined) return undefined;
  const row = await db
    .selectFrom('instance')
    .selectAll()
    .where('owner', '=', definition.owner)
    .where('process_key', '=', definition.key)
    .where('start_key', '=', request.startKey)
    .executeTakeFirst();
  if (row && row.start_fingerprint !== print) {
    throw new Problem(422, 'This Idempotency-Key was used before with other content');
  }
  return row;
}

/** Where an instance comes from. */
export interface Origin {
  readonly businessKey: string | undefined;
  readonly startKey?: string | undefined;
  readonly fingerprint?: string;
  readonly callback?: InstanceRow['callback'];
  /** How many signals, messages and starts it follows from. */
  readonly depth?: number;
  readonly actor: Actor;
}

/**
 * Makes an instance of a definition and lets it begin. Undefined: there is one of this start key already.
 */
export async function createInstance(
  trx: Transaction<WorkflowTables>,
  engine: Engine,
  definition: Pick<DefinitionRow, 'id' | 'owner' | 'key'>,
  origin: Origin,
  event: Extract<EngineEvent, { type: 'start' }>,
  handover?: Handover,
): Promise<{ readonly row: InstanceRow; readonly aftermath: Aftermath } | undefined> {
  const startedAt = engine.now().toISOString();
  const row: InstanceRow = {
    id: engine.newId(),
    definition_id: definition.id,
    owner: definition.owner,
    process_key: definition.key,
    business_key: origin.businessKey ?? null,
    status: 'running',
    error_code: null,
    started_by: nameOf(origin.actor),
    start_key: origin.startKey ?? null,
    start_fingerprint: origin.fingerprint ?? '',
    correlation_id: currentContext()?.correlationId ?? engine.newId(),
    revision: 0,
    parent_instance_id: null,
    parent_token_id: null,
    depth: 0,
    suspended_at: null,
    overdue_at: null,
    callback: origin.callback ?? null,
    started_at: startedAt,
    changed_at: startedAt,
    ended_at: null,
  };
  const inserted = await trx
    .insertInto('instance')
    .values(row)
    .onConflict((on) => on.constraint('instance_start_key').doNothing())
    .executeTakeFirst();
  if (inserted.numInsertedOrUpdatedRows !== 1n) return undefined;
  await limitDuration(trx, engine, row, await engine.models(definition.id, trx));
  const aftermath = await applyToNew(
    trx,
    engine,
    row,
    newInstance(row.id, startedAt, origin.businessKey),
    { instanceId: row.id, event, actor: origin.actor, depth: origin.depth ?? 0 },
    handover,
  );
  const status = aftermath.outcomes[0]?.status ?? 'running';
  return { row: { ...row, status }, aftermath };
}

/**
 * Starts an instance: it and its first jobs are stored in one transaction, the work is done afterwards (WF-6.2-c).
 * The same start key answers the same instance (WF-5.1.4-c). Throws problems: 404 unknown process, 409 disabled,
 * 400 variables, 422 start key used for something else.
 */
export async function startInstance(
  db: Kysely<WorkflowTables>,
  engine: Engine,
  request: StartRequest,
  handover?: () => Handover | undefined,
): Promise<Started> {
  const print = fingerprint(request);
  const definition = await findDefinition(db, request.viewer, request.process);
  if (!definition) throw notFound('Process');
  const model = await engine.models(definition.id, db);
  const { variables, errors } = readStartVariables(model.startVariables, request);
  const plain = model.starts.has(model.key);
  const startable = definition.enabled && definition.is_executable && plain;
  if (!startable || errors.length > 0) {
    // What was started before is still answered, whatever has changed since.
    const known = await earlier(db, definition, request, print);
    if (known) return { row: known, aftermath: undefined };
    if (!definition.enabled) throw conflict('The process is disabled');
    if (!definition.is_executable) throw conflict('The process is not executable');
    if (!plain) throw conflict('The process has no plain start event: it starts by itself only');
    throw new Problem(400, 'The start variables are not valid', { errors: errors as ProblemDetail[] });
  }
  return transaction(db, async (trx) => {
    const { callbackUrl } = request;
    const callback =
      callbackUrl === undefined
        ? null
        : // What was started before is still answered, whatever has changed since.
          await readCallback(trx, definition.owner, callbackUrl).catch(async (error: unknown) => {
            if (await earlier(trx, definition, request, print)) return null;
            throw error;
          });
    const origin = {
      callback,
      businessKey: request.businessKey,
      startKey: request.startKey,
      fingerprint: print,
      actor: request.actor,
    };
    const made = await createInstance(
      trx,
      engine,
      definition,
      origin,
      { type: 'start', variables },
      handover?.(),
    );
    if (made) return made;
    const first = await earlier(trx, definition, request, print);
    if (!first) throw conflict('The same start is being processed');
    return { row: first, aftermath: undefined };
  });
}

import type { Transaction } from 'kysely';
import { engineActor } from '../history/actor.ts';
import { openTriggered } from '../starts/flow-trigger.ts';
import type { WorkflowTables } from '../tables.ts';
import type { Engine, Happening, Held } from './apply.ts';
import { escalateToCaller, openCalled, returnToCaller } from './called.ts';
import type { Change } from './change.ts';
import { liftLimits } from './limit.ts';

export interface Consequences {
  /** What happens next in this transaction. */
  readonly next: readonly Happening[];
  /** Whether jobs were made that some worker must look for. */
  readonly moreJobs: boolean;
}

/**
 * What changes bring about beyond their own instances, in the same transaction: called processes begin, ends start other
 * processes and are told to the callers. New instances join those that are held.
 */
export async function consequencesOf(
  trx: Transaction<WorkflowTables>,
  engine: Engine,
  changes: readonly Change[],
  held: Map<string, Held>,
  at: string,
): Promise<Consequences> {
  const actor = engineActor(engine.application);
  const next: Happening[] = [];
  const commands = changes.flatMap(({ row, result, depth }) =>
    result.commands.map((command) => ({ row, command, depth })),
  );
  const stopped = new Set<string>();
  for (const { command } of commands) if (command.type === 'stopCalled') stopped.add(command.instanceId);
  let moreJobs = stopped.size > 0;
  for (const { row, command, depth } of commands) {
    if (command.type === 'escalateToCaller') {
      const told = await escalateToCaller(trx, row, command.code, at);
      moreJobs ||= told;
    }
    if (command.type !== 'callProcess' || stopped.has(command.instanceId)) continue;
    const opened =
      held.size > engine.limits.maxIterations
        ? tooMany(engine)
        : await openCalled(trx, engine, row, command, actor);
    if (typeof opened === 'string') {
      const { instanceId } = command;
      next.push({
        instanceId: row.id,
        event: { type: 'callRefused', instanceId, message: opened },
        actor,
      });
    } else {
      held.set(opened.row.id, opened);
      next.push({ instanceId: opened.row.id, event: opened.event, actor, depth });
    }
  }
  const ended = changes
    .filter(({ before, result }) => before.status === 'running' && result.state.status !== 'running')
    .map(({ row, result }) => ({ row, state: result.state }));
  const rows = ended.map(({ row }) => row);
  await liftLimits(trx, engine, rows);
  const suspended = rows.filter((row) => row.suspended_at !== null).map((row) => row.id);
  if (suspended.length > 0)
    await trx.deleteFrom('kept_event').where('instance_id', 'in', suspended).execute();
  for (const row of rows) {
    const returns = await returnToCaller(trx, row, at);
    moreJobs ||= returns;
  }
  const room = { instances: engine.limits.maxIterations - held.size, otherwise: tooMany(engine) };
  const deepest = Math.max(0, ...changes.map(({ depth }) => depth));
  for (const opened of await openTriggered(trx, engine, ended, actor, room)) {
    held.set(opened.row.id, opened);
    next.push({ instanceId: opened.row.id, event: opened.event, actor, depth: deepest });
  }
  return { next, moreJobs };
}

const tooMany = (engine: Engine): string =>
  `more than ${engine.limits.maxIterations} instances would begin at once`;

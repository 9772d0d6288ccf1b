import type { Transaction } from 'kysely';
import { writeMessages } from '../messages/write-messages.ts';
import { writeSignals } from '../signals/write-signals.ts';
import type { WorkflowTables } from '../tables.ts';
import type { Change } from './change.ts';
import { type Handover, type NewCall, writeJobs } from './write-jobs.ts';
import { writeState } from './write-state.ts';
import { writeIncidents, writeSubscriptions, writeTasks } from './write-waits.ts';

/**
 * Makes changes of any number of locked instances true, in few statements. Answers the calls that were handed to the
 * worker that asked for them.
 */
export async function saveChanges(
  trx: Transaction<WorkflowTables>,
  changes: readonly Change[],
  handover: Handover | undefined,
): Promise<readonly NewCall[]> {
  await writeState(trx, changes);
  const commands = changes.flatMap((change) =>
    change.result.commands.map((command) => ({ change, command })),
  );
  const calls = await writeJobs(trx, commands, handover);
  await writeTasks(trx, commands);
  await writeIncidents(trx, commands);
  await writeSubscriptions(trx, commands);
  await writeSignals(trx, commands);
  await writeMessages(trx, commands);
  return calls;
}

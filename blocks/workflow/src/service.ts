import type { Caller, Person } from '@govstack/platform';
import type { Kysely } from 'kysely';
import type { Logger } from 'pino';
import type { Drawings } from './drawing/drawings.ts';
import { type Viewer, viewerOf } from './history/viewer.ts';
import type { Aftermath, Engine } from './instances/apply.ts';
import type { Ends } from './instances/ends.ts';
import type { Worker } from './jobs/worker.ts';
import type { Delivery } from './notices/delivery.ts';
import type { Scripts } from './scripts/scripts.ts';
import type { Sealing } from './sealing.ts';
import type { WorkflowTables } from './tables.ts';

/** What the handlers of the block share. */
export interface WorkflowService {
  readonly db: Kysely<WorkflowTables>;
  readonly engine: Engine;
  readonly worker: Worker;
  readonly ends: Ends;
  /** Tells states of instances. */
  readonly delivery: Delivery;
  /** Seals secrets of connections. */
  readonly sealing: Sealing;
  /** Runs scripts, of trials too. */
  readonly scripts: Scripts;
  readonly log: Logger;
  readonly longestWaitMs: number;
  readonly administratorRoles: readonly string[];
  /** Roles whose holders design processes of their agency. */
  readonly designerRoles: readonly string[];
  readonly observerRoles: readonly string[];
  readonly dataRoles: readonly string[];
  readonly drawings: Drawings;
}

export const viewer = (service: WorkflowService, caller: Caller, person: Person | undefined): Viewer =>
  viewerOf(caller, person, service.administratorRoles);

/** Who looks on, designers too: sees where instances stand. */
export const observer = (service: WorkflowService, caller: Caller, person: Person | undefined): Viewer =>
  viewerOf(caller, person, [
    ...service.administratorRoles,
    ...service.designerRoles,
    ...service.observerRoles,
  ]);

/** Passes on what a committed transaction has left to do. */
export const follow = (service: WorkflowService, aftermath: Aftermath | undefined): void => {
  if (aftermath) service.worker.took(aftermath);
};

import { type Caller, notFound, type Person, Problem, transaction } from '@govstack/platform';
import type { Handlers } from '@govstack/platform/operation';
import { findDefinition } from '../definitions/definitions.ts';
import { actorOf } from '../history/actor.ts';
import {
  checkMigration,
  findRevision,
  instancesToMigrate,
  type Migration,
  migrateInstance,
  previewMigration,
} from '../instances/migrate.ts';
import { follow, viewer, type WorkflowService } from '../service.ts';
import type { migrationOperations } from './migration-operations.ts';

interface Asked {
  readonly to: string;
  readonly elements?: Readonly<Record<string, string>>;
  readonly instanceIds?: readonly string[];
  readonly limit?: number;
  readonly after?: string;
}

/** Handlers of going over to another revision. */
export function migrationHandlers(service: WorkflowService): Handlers<typeof migrationOperations> {
  const { db, engine, worker } = service;
  const prepare = async (processId: string, body: Asked, caller: Caller, person: Person | undefined) => {
    const by = viewer(service, caller, person);
    const from = await findRevision(db, by, processId);
    const to = await findDefinition(db, by, body.to);
    if (!from || !to) throw notFound('Process');
    const migration: Migration = { from, to, elements: new Map(Object.entries(body.elements ?? {})) };
    await checkMigration(db, engine, migration);
    const limit = body.limit ?? 100;
    const { instanceIds, after } = body;
    const found = await instancesToMigrate(db, by, migration, { instanceIds, limit: limit + 1, after });
    const ids = found.slice(0, limit);
    const last = ids.at(-1);
    return { migration, ids, next: found.length > limit && last !== undefined ? { next: last } : {} };
  };
  return {
    async previewMigration({ params, body, caller, person }) {
      const { migration, ids, next } = await prepare(params.processId, body, caller, person);
      const instances = [];
      for (const instanceId of ids) {
        const plan = await transaction(db, (trx) => previewMigration(trx, engine, migration, instanceId));
        instances.push({
          instanceId,
          possible: plan.obstacles.length === 0,
          moves: plan.moves.map((move) => ({ ...move })),
          obstacles: plan.obstacles.map((one) => ({ ...one })),
        });
      }
      return { status: 200, body: { instances, ...next } };
    },
    async migrateInstances({ params, body, caller, person }) {
      const { migration, ids, next } = await prepare(params.processId, body, caller, person);
      const by = { actor: actorOf(caller, person), reason: body.reason };
      const instances = [];
      for (const instanceId of ids) {
        const problem = await transaction(db, (trx) =>
          migrateInstance(trx, engine, migration, instanceId, by, worker.handover()),
        ).then(
          (aftermath) => follow(service, aftermath),
          (error: unknown) => {
            if (error instanceof Problem) return error;
            throw error;
          },
        );
        const message = problem?.message;
        const obstacles = message === undefined ? [] : [{ elementId: migration.from.key, message }];
        instances.push({ instanceId, migrated: message === undefined, obstacles });
      }
      const migrated = instances.filter((one) => one.migrated).length;
      return { status: 200, body: { migrated, instances, ...next } };
    },
  };
}

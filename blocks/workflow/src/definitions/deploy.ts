import { Problem } from '@govstack/platform';
import type { Transaction } from 'kysely';
import type { Actor } from '../history/actor.ts';
import type { Engine } from '../instances/apply.ts';
import { compileProcess } from '../model/compile-process.ts';
import { InvalidDefinition, type ProcessModel } from '../model/model.ts';
import { arrangeStarts } from '../starts/arrange.ts';
import type { DefinitionRow, WorkflowTables } from '../tables.ts';
import { type Deployment, saveDefinition, sourceOf } from './definitions.ts';

/** A definition that cannot be run, as an answer with every defect. */
export function asProblem(error: unknown): unknown {
  if (!(error instanceof InvalidDefinition)) return error;
  const [first] = error.issues;
  const rest = error.issues.length - 1;
  const detail = `The definition cannot be run: ${first?.elementId}: ${first?.message}`;
  return new Problem(422, rest > 0 ? `${detail} (and ${rest} more)` : detail, {
    errors: error.issues.slice(0, 200).map((issue) => ({
      in: 'body' as const,
      pointer: `/processBody#${issue.elementId}`,
      detail: issue.message,
    })),
  });
}

/** Compiles what is to be deployed. Throws 422 with every defect. */
export async function compileDeployment(owner: string, deployment: Deployment): Promise<ProcessModel> {
  try {
    return await compileProcess(sourceOf(owner, deployment.processBody));
  } catch (error) {
    throw asProblem(error);
  }
}

/** Deploys a compiled definition, with what begins instances of it by itself. */
export async function deploy(
  trx: Transaction<WorkflowTables>,
  engine: Engine,
  owner: string,
  deployment: Deployment,
  model: ProcessModel,
  actor: Actor,
): Promise<DefinitionRow> {
  const at = engine.now().toISOString();
  const row = await saveDefinition(trx, owner, deployment, model, actor, at);
  await arrangeStarts(trx, engine.models, row, at);
  return row;
}

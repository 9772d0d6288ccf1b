import type { Expression } from '../feel/expression.ts';
import type { Json, Variables } from '../feel/json.ts';
import { FeelError } from '../feel/normalise.ts';
import type { OutputMapping } from '../model/model.ts';
import type { Run } from './run.ts';
import type { Scope } from './state.ts';

/** Variables seen from a scope: its own and those around it, and what is known of the instance itself. */
export function visibleVariables(run: Run, scopeId: string): Variables {
  const chain: Scope[] = [];
  for (let scope = run.scopes.get(scopeId); scope; scope = run.scopes.get(scope.parent ?? ''))
    chain.push(scope);
  const { id, businessKey, startedAt } = run.initial;
  return Object.assign({}, ...chain.reverse().map((scope) => scope.variables), {
    process: { instanceId: id, businessKey: businessKey ?? null, startedAt },
  });
}

/**
 * Sets variables where they already exist, closest first; new ones in the closest process or iteration. So an
 * iteration keeps its results to itself and a sub-process shares everything.
 */
export function assign(run: Run, scopeId: string, variables: Variables): void {
  for (const [name, value] of Object.entries(variables)) {
    let target: Scope | undefined;
    for (let scope = run.scopes.get(scopeId); scope; scope = run.scopes.get(scope.parent ?? '')) {
      if (scope.kind === 'subProcess' || scope.kind === 'repetition') continue;
      target ??= scope;
      if (Object.hasOwn(scope.variables, name)) {
        target = scope;
        break;
      }
    }
    if (target) {
      run.conditionsDue = run.watching;
      run.scopes.set(target.id, { ...target, variables: { ...target.variables, [name]: value } });
    }
  }
}

/** Value of an expression seen from a scope, with `extra` names on top. Throws `FeelError`. */
export const evaluateIn = (run: Run, expression: Expression, scopeId: string, extra: Variables = {}): Json =>
  expression.evaluate({ ...visibleVariables(run, scopeId), ...extra }, run.context.now).value;

/** A condition, which must be true or false: anything else is a defect of the process or its data. */
export function isTrue(run: Run, expression: Expression, scopeId: string, extra: Variables = {}): boolean {
  const known = { ...visibleVariables(run, scopeId), ...extra };
  const { value, missing } = expression.evaluate(known, run.context.now);
  if (typeof value === 'boolean') return value;
  const hint = missing.length > 0 ? `; there is no variable ${[...new Set(missing)].join(', ')}` : '';
  throw new FeelError(`the condition ${expression.text} is neither true nor false${hint}`);
}

/** Evaluates all mappings first, then assigns: a failing one changes nothing. Later mappings see earlier results. */
export function applyOutputs(
  run: Run,
  scopeId: string,
  outputs: readonly OutputMapping[],
  extra: Variables,
): void {
  if (outputs.length === 0) return;
  const known = { ...visibleVariables(run, scopeId), ...extra };
  const results: Record<string, Json> = {};
  for (const output of outputs) {
    const { value } = output.source.evaluate({ ...known, ...results }, run.context.now);
    results[output.target] = value;
  }
  assign(run, scopeId, results);
}

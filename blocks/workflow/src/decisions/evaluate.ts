import { sharing } from '../feel/budget.ts';
import type { Scope } from '../feel/expression.ts';
import type { Json, Variables } from '../feel/json.ts';
import { FeelError, normalise } from '../feel/normalise.ts';
import type { Decision, DecisionModel, MatchedRule } from './model.ts';

export interface DecisionResult {
  readonly value: Json;
  /** Rules that matched, of the required decisions first. */
  readonly rules: readonly MatchedRule[];
}

/** One taking of a decision, in which what several decisions require is worked out once. */
export interface Taking {
  readonly variables: Scope;
  readonly now: string;
  readonly rules: MatchedRule[];
  /** Value of what has this id. */
  valueOf(id: string): unknown;
  /** A taking of its own on other variables, in which the values of `known` are given. */
  apart(variables: Scope, known: ReadonlyMap<string, unknown>): Taking;
}

function taking(
  model: DecisionModel,
  variables: Scope,
  now: string,
  rules: MatchedRule[],
  given: ReadonlyMap<string, unknown>,
): Taking {
  const known = new Map(given);
  const own: Taking = {
    variables,
    now,
    rules,
    valueOf(id) {
      if (!known.has(id)) known.set(id, (model.get(id) as Decision).value(own));
      return known.get(id);
    },
    apart: (others, values) => taking(model, others, now, rules, values),
  };
  return own;
}

/**
 * Takes a decision and those it requires, or a decision service, on the given variables. Throws `FeelError`: unknown
 * decision, a value that is not of its type, a breach of the hit policy, an expression that cannot be evaluated.
 */
export function takeDecision(
  model: DecisionModel,
  id: string,
  variables: Variables,
  now: string,
): DecisionResult {
  const decision = model.get(id);
  if (!decision) throw new FeelError(`there is no decision ${id}`);
  const rules: MatchedRule[] = [];
  const own = taking(model, variables, now, rules, new Map());
  return sharing(() => {
    const value = decision.serve ? decision.serve(own) : own.valueOf(id);
    return { value: normalise(value), rules };
  });
}

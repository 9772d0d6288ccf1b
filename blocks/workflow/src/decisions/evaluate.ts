import { evaluate } from 'feelin';
import type { Json, Variables } from '../feel/json.ts';
import { FeelError } from '../feel/normalise.ts';
import { applyHitPolicy, type Hit } from './hit-policy.ts';
import type { Decision, DecisionModel, DecisionTable, TableInput } from './model.ts';

/** A rule that matched: what an officer or applicant can be told about how a decision came about. */
export type MatchedRule = {
  readonly decision: string;
  readonly rule: string;
  readonly annotation: string | null;
  readonly value: Json;
};

export interface DecisionResult {
  readonly value: Json;
  /** Rules that matched, of the required decisions first. */
  readonly rules: readonly MatchedRule[];
}

const constructors: Record<string, string> = {
  date: 'date',
  time: 'time',
  dateTime: 'date and time',
  duration: 'duration',
  dayTimeDuration: 'duration',
  yearMonthDuration: 'duration',
};

/** Process variables are JSON; where the table says an input is a date or duration, its text is read as one. */
function typed(input: TableInput, value: Json): unknown {
  const build = constructors[(input.type ?? '').replace(/^feel:/, '')];
  if (build === undefined || typeof value !== 'string') return value;
  return evaluate(`${build}(text)`, { text: value }).value;
}

function evaluateTable(
  decision: Decision,
  table: DecisionTable,
  variables: Variables,
  now: string,
): DecisionResult {
  const values = table.inputs.map((input, index) => {
    const value = typed(input, input.expression.evaluate(variables, now).value);
    if (input.allowed && value !== null && !input.allowed.test(value, variables, now)) {
      throw new FeelError(`decision ${decision.id}: input ${index + 1} has a value that is not allowed`);
    }
    return value;
  });
  const single = table.outputs.length === 1;
  const shape = (hit: Hit): Json =>
    single
      ? (hit[0] ?? null)
      : Object.fromEntries(table.outputs.map((output, index) => [output.name, hit[index] ?? null]));
  const hits: Hit[] = [];
  const rules: MatchedRule[] = [];
  for (const rule of table.rules) {
    if (!rule.tests.every((test, index) => test.test(values[index], variables, now))) continue;
    const hit = rule.outputs.map((output) => output.evaluate(variables, now).value);
    hits.push(hit);
    rules.push({
      decision: decision.id,
      rule: rule.id,
      annotation: rule.annotation ?? null,
      value: shape(hit),
    });
    if (table.hitPolicy === 'FIRST') break;
  }
  const fallback = (): Json => {
    if (table.outputs.every((output) => output.fallback === undefined)) {
      return ['COLLECT', 'RULE ORDER', 'OUTPUT ORDER'].includes(table.hitPolicy) ? [] : null;
    }
    return shape(table.outputs.map((output) => output.fallback?.evaluate(variables, now).value ?? null));
  };
  const priorities = table.outputs.map((output) =>
    output.values.map((value) => value.evaluate(variables, now).value),
  );
  return { value: applyHitPolicy(table, hits, priorities, shape, fallback), rules };
}

/** Every decision that `id` needs, in an order in which they can be taken, itself last. */
function neededFor(model: DecisionModel, id: string): Decision[] {
  const needed = new Map<string, Decision>();
  const add = (one: string): void => {
    const decision = model.get(one);
    if (!decision || needed.has(one)) return;
    for (const required of decision.requires) add(required);
    needed.set(one, decision);
  };
  add(id);
  return [...needed.values()];
}

/**
 * Takes a decision and those it requires on the given variables. Throws `FeelError`: unknown decision, a breach of
 * the hit policy, an expression that cannot be evaluated.
 */
export function takeDecision(
  model: DecisionModel,
  id: string,
  variables: Variables,
  now: string,
): DecisionResult {
  const decisions = neededFor(model, id);
  if (decisions.length === 0) throw new FeelError(`there is no decision ${id}`);
  let known = variables;
  let result: DecisionResult = { value: null, rules: [] };
  for (const decision of decisions) {
    const { logic } = decision;
    const own =
      logic.kind === 'table'
        ? evaluateTable(decision, logic, known, now)
        : { value: logic.expression.evaluate(known, now).value, rules: [] };
    known = { ...known, [decision.variable]: own.value };
    result = { value: own.value, rules: [...result.rules, ...own.rules] };
  }
  return result;
}

import { FeelError, normalise } from '../feel/normalise.ts';
import type { Run } from './boxed.ts';
import { applyHitPolicy, type Hit } from './hit-policy.ts';
import type { DecisionTable } from './model.ts';
import { conform, type Types } from './types.ts';

/** The answer of a decision table; rules that match are noted in the run under `owner`. Throws `FeelError`. */
export function evaluateTable(owner: string, table: DecisionTable, run: Run, types: Types): unknown {
  const { scope, now } = run;
  const values = table.inputs.map((input, index) => {
    const given = input.expression(scope, now);
    const value = conform(given, input.type, types) ?? given;
    if (input.allowed && value !== null && !input.allowed.test(value, scope, now)) {
      throw new FeelError(`decision ${owner}: input ${index + 1} has a value that is not allowed`);
    }
    return value;
  });
  const single = table.outputs.length === 1;
  const shape = (hit: Hit): unknown =>
    single
      ? (hit[0] ?? null)
      : Object.fromEntries(table.outputs.map((output, index) => [output.name, hit[index] ?? null]));
  const hits: Hit[] = [];
  for (const rule of table.rules) {
    if (!rule.tests.every((test, index) => test.test(values[index], scope, now))) continue;
    const hit = rule.outputs.map((output) => output(scope, now));
    hits.push(hit);
    run.rules.push({
      decision: owner,
      rule: rule.id,
      annotation: rule.annotation ?? null,
      value: normalise(shape(hit)),
    });
    if (table.hitPolicy === 'FIRST') break;
  }
  const fallback = (): unknown => {
    if (table.outputs.every((output) => output.fallback === undefined)) {
      const many = ['COLLECT', 'RULE ORDER', 'OUTPUT ORDER'].includes(table.hitPolicy);
      return many && table.aggregation === undefined ? [] : null;
    }
    return shape(table.outputs.map((output) => output.fallback?.(scope, now) ?? null));
  };
  const priorities = table.outputs.map((output) => output.values.map((value) => value(scope, now)));
  return applyHitPolicy(table, hits, priorities, shape, fallback);
}

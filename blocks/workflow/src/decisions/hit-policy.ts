import canonicalize from 'canonicalize';
import { sum } from '../feel/decimal.ts';
import { exactNumber, FeelError } from '../feel/normalise.ts';
import type { Aggregation, DecisionTable } from './model.ts';

/** What one matching rule says: a value per output. */
export type Hit = readonly unknown[];

/** The same, in whatever order the entries of contexts stand. */
const same = (a: unknown, b: unknown): boolean => a === b || written(a) === written(b);
const written = (value: unknown): string | undefined =>
  canonicalize(JSON.parse(JSON.stringify(value ?? null)));

const numbers = (values: readonly unknown[]): number[] =>
  values.map((value) => {
    if (typeof value !== 'number') throw new FeelError('a value to be aggregated is not a number');
    return value;
  });

function aggregate(aggregation: Exclude<Aggregation, 'COUNT'>, values: readonly unknown[]): unknown {
  const all = numbers(values);
  if (aggregation === 'MIN') return all.reduce((least, one) => Math.min(least, one));
  if (aggregation === 'MAX') return all.reduce((most, one) => Math.max(most, one));
  return exactNumber(sum(all));
}

/** Compares two hits by the output values, the first of which has the highest priority. */
function byPriority(priorities: readonly (readonly unknown[])[]): (a: Hit, b: Hit) => number {
  const rank = (output: number, value: unknown): number => {
    const place = (priorities[output] ?? []).findIndex((one) => same(one, value));
    return place < 0 ? Number.MAX_SAFE_INTEGER : place;
  };
  return (a, b) => {
    for (let output = 0; output < priorities.length; output += 1) {
      const difference = rank(output, a[output]) - rank(output, b[output]);
      if (difference !== 0) return difference;
    }
    return 0;
  };
}

/**
 * The result of a table from the hits of its rules, in rule order (DMN 8.2.10). `shape` makes one hit into the
 * value that is seen outside; `priorities` are the listed values of each output.
 */
export function applyHitPolicy(
  table: Pick<DecisionTable, 'hitPolicy' | 'aggregation'>,
  hits: readonly Hit[],
  priorities: readonly (readonly unknown[])[],
  shape: (hit: Hit) => unknown,
  fallback: () => unknown,
): unknown {
  if (table.aggregation === 'COUNT') return hits.length;
  if (hits.length === 0) return fallback();
  if (table.aggregation !== undefined) return aggregate(table.aggregation, hits.map(shape));
  const first = hits[0] as Hit;
  switch (table.hitPolicy) {
    case 'UNIQUE':
      if (hits.length > 1) throw new FeelError('several rules match although the hit policy is UNIQUE');
      return shape(first);
    case 'ANY':
      if (hits.some((hit) => !same(hit, first))) {
        throw new FeelError('rules that match disagree although the hit policy is ANY');
      }
      return shape(first);
    case 'FIRST':
      return shape(first);
    case 'PRIORITY':
      return shape([...hits].sort(byPriority(priorities))[0] as Hit);
    case 'OUTPUT ORDER':
      return [...hits].sort(byPriority(priorities)).map(shape);
    case 'RULE ORDER':
    case 'COLLECT':
      return hits.map(shape);
  }
}

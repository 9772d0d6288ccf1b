import type { Expression } from '../feel/expression.ts';
import type { UnaryTests } from '../feel/unary-tests.ts';

/** The decisions of a deployment, by id. */
export type DecisionModel = ReadonlyMap<string, Decision>;

export interface Decision {
  readonly id: string;
  readonly name: string;
  /** Name under which its result is seen by decisions that require it. */
  readonly variable: string;
  /** Ids of the decisions it requires, in an order in which they can be taken. */
  readonly requires: readonly string[];
  readonly logic: DecisionTable | { readonly kind: 'literal'; readonly expression: Expression };
}

export const hitPolicies = [
  'UNIQUE',
  'FIRST',
  'PRIORITY',
  'ANY',
  'COLLECT',
  'RULE ORDER',
  'OUTPUT ORDER',
] as const;
export type HitPolicy = (typeof hitPolicies)[number];

export const aggregations = ['SUM', 'MIN', 'MAX', 'COUNT'] as const;
export type Aggregation = (typeof aggregations)[number];

export interface TableInput {
  readonly expression: Expression;
  /** DMN type of the input: texts are read as dates and durations where it says so. */
  readonly type: string | undefined;
  readonly allowed: UnaryTests | undefined;
}

export interface TableOutput {
  readonly name: string;
  /** Values in falling priority, for PRIORITY and OUTPUT ORDER. */
  readonly values: readonly Expression[];
  readonly fallback: Expression | undefined;
}

export interface Rule {
  readonly id: string;
  readonly tests: readonly UnaryTests[];
  readonly outputs: readonly Expression[];
  /** Description and annotations: why this rule says what it says. */
  readonly annotation: string | undefined;
}

export interface DecisionTable {
  readonly kind: 'table';
  readonly hitPolicy: HitPolicy;
  readonly aggregation: Aggregation | undefined;
  readonly inputs: readonly TableInput[];
  readonly outputs: readonly TableOutput[];
  readonly rules: readonly Rule[];
}

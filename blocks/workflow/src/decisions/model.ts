import type { Feel } from '../feel/expression.ts';
import type { Json } from '../feel/json.ts';
import type { UnaryTests } from '../feel/unary-tests.ts';
import type { Taking } from './evaluate.ts';

/** A rule that matched: what an officer or applicant can be told about how a decision came about. */
export type MatchedRule = {
  readonly decision: string;
  readonly rule: string;
  readonly annotation: string | null;
  readonly value: Json;
};

/** The decisions, business knowledge models and decision services of a deployment, by id. */
export type DecisionModel = ReadonlyMap<string, Decision>;

/** A thing of the requirements graph that has a value: a decision its answer, the others a function. */
export interface Decision {
  readonly id: string;
  readonly name: string;
  /** Name under which its value is seen by those that require it. */
  readonly variable: string;
  /** Its value, once what it requires is known. Throws `FeelError`. */
  readonly value: (taking: Taking) => unknown;
  /** A business knowledge model: called by others, taken by no task. */
  readonly isFunction: boolean;
  /** For a decision service: its answer on the variables of the caller. */
  readonly serve: ((taking: Taking) => unknown) | undefined;
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
  readonly expression: Feel;
  /** DMN type of the input: texts are read as dates and durations where it says so. */
  readonly type: string | undefined;
  readonly allowed: UnaryTests | undefined;
}

export interface TableOutput {
  readonly name: string;
  /** Values in falling priority, for PRIORITY and OUTPUT ORDER. */
  readonly values: readonly Feel[];
  readonly fallback: Feel | undefined;
}

export interface Rule {
  readonly id: string;
  readonly tests: readonly UnaryTests[];
  readonly outputs: readonly Feel[];
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

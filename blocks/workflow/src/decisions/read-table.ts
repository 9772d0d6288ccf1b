import type { ModdleElement } from 'bpmn-moddle';
import { compileFeel, type Feel } from '../feel/expression.ts';
import { compileUnaryTests, type UnaryTests } from '../feel/unary-tests.ts';
import { type Issues, readFeel } from '../model/issues.ts';
import {
  type Aggregation,
  aggregations,
  type DecisionTable,
  type HitPolicy,
  hitPolicies,
  type Rule,
  type TableInput,
  type TableOutput,
} from './model.ts';

export const child = (element: ModdleElement, name: string): ModdleElement | undefined =>
  element.get(name) as ModdleElement | undefined;
export const children = (element: ModdleElement, name: string): readonly ModdleElement[] =>
  (element.get(name) as readonly ModdleElement[] | undefined) ?? [];
export const textOf = (element: ModdleElement | undefined): string =>
  ((element?.get('text') as string | undefined) ?? '').trim();

const isOneOf = <T extends string>(list: readonly T[], value: string | undefined): value is T =>
  (list as readonly (string | undefined)[]).includes(value);

/** Splits a list of FEEL values at its top-level commas. */
function splitList(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let quoted = false;
  let start = 0;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index] as string;
    if (character === '"') quoted = !quoted;
    // What is escaped ends no text.
    if (quoted && character === '\\') index += 1;
    if (quoted) continue;
    if ('([{'.includes(character)) depth += 1;
    if (')]}'.includes(character)) depth -= 1;
    if (character === ',' && depth === 0) {
      parts.push(text.slice(start, index));
      start = index + 1;
    }
  }
  return [...parts, text.slice(start)].map((part) => part.trim()).filter((part) => part !== '');
}

/** Reads a decision table; `names` are what its expressions may refer to. */
export function readTable(
  table: ModdleElement,
  decisionId: string,
  names: readonly string[],
  issues: Issues,
): DecisionTable {
  const hitPolicy = (table.get('hitPolicy') as string | undefined) ?? 'UNIQUE';
  const aggregation = table.get('aggregation') as string | undefined;
  if (!isOneOf<HitPolicy>(hitPolicies, hitPolicy))
    issues.add(decisionId, `hit policy ${hitPolicy} is not known`);
  if (aggregation !== undefined && !isOneOf<Aggregation>(aggregations, aggregation)) {
    issues.add(decisionId, `aggregation ${aggregation} is not known`);
  }
  if (aggregation !== undefined && hitPolicy !== 'COLLECT') {
    issues.add(decisionId, 'only hit policy COLLECT can aggregate');
  }

  const expression = (element: ModdleElement, what: string, text: string, known = names): Feel =>
    readFeel(
      issues,
      element,
      what,
      () => null,
      () => compileFeel(text.replace(/^=/, ''), known),
    );
  const tests = (element: ModdleElement, text: string): UnaryTests =>
    readFeel(issues, element, 'test', compileUnaryTests('-'), () => compileUnaryTests(text, names));

  const inputs: TableInput[] = children(table, 'input').map((input) => {
    const source = child(input, 'inputExpression');
    const allowed = textOf(child(input, 'inputValues'));
    return {
      expression: expression(input, 'input expression', textOf(source)),
      type: source?.get('typeRef') as string | undefined,
      allowed: allowed === '' ? undefined : tests(input, allowed),
    };
  });
  const outputs: TableOutput[] = children(table, 'output').map((output, index, all) => {
    const name = output.get('name') as string | undefined;
    if (all.length > 1 && !name) issues.add(output, 'each of several outputs needs a name');
    const fallback = textOf(child(output, 'defaultOutputEntry'));
    return {
      name: name ?? `output${index + 1}`,
      values: splitList(textOf(child(output, 'outputValues'))).map((value) =>
        expression(output, 'output value', value, []),
      ),
      fallback: fallback === '' ? undefined : expression(output, 'default output', fallback),
    };
  });
  if (outputs.length === 0) issues.add(decisionId, 'the decision table has no output');
  if (aggregation !== undefined && outputs.length > 1) {
    issues.add(decisionId, 'a table that aggregates has one output');
  }
  if (
    (hitPolicy === 'PRIORITY' || hitPolicy === 'OUTPUT ORDER') &&
    outputs.every((output) => output.values.length === 0)
  ) {
    issues.add(decisionId, `hit policy ${hitPolicy} needs output values in order of priority`);
  }

  const rules: Rule[] = children(table, 'rule').map((rule, index) => {
    const id = rule.id ?? `${decisionId}-rule-${index + 1}`;
    const entries = children(rule, 'inputEntry');
    const results = children(rule, 'outputEntry');
    if (entries.length !== inputs.length || results.length !== outputs.length) {
      issues.add(
        id,
        `the rule has ${entries.length} tests and ${results.length} outputs for
        ${inputs.length} inputs and ${outputs.length} outputs`.replace(/\s+/g, ' '),
      );
    }
    const annotation = [
      rule.get('description') as string | undefined,
      ...children(rule, 'annotationEntry').map(textOf),
    ]
      .filter((text) => text !== undefined && text !== '')
      .join(' ');
    return {
      id,
      tests: entries.map((entry) => tests(rule, textOf(entry))),
      outputs: results.map((entry) =>
        textOf(entry) === '' ? () => null : expression(rule, 'output', textOf(entry)),
      ),
      annotation: annotation === '' ? undefined : annotation,
    };
  });
  return {
    kind: 'table',
    hitPolicy: isOneOf<HitPolicy>(hitPolicies, hitPolicy) ? hitPolicy : 'UNIQUE',
    aggregation: isOneOf<Aggregation>(aggregations, aggregation) ? aggregation : undefined,
    inputs,
    outputs,
    rules,
  };
}

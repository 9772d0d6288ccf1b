import type { ModdleElement } from 'bpmn-moddle';
import { FeelFunction } from 'feelin';
import { spend } from '../feel/budget.ts';
import { compileFeel, type Feel, type Scope } from '../feel/expression.ts';
import { isRecord } from '../feel/json.ts';
import { FeelError } from '../feel/normalise.ts';
import { type Issues, readFeel } from '../model/issues.ts';
import type { MatchedRule } from './model.ts';
import { child, children, readTable, textOf } from './read-table.ts';
import { evaluateTable } from './table.ts';
import { conform, type Types } from './types.ts';

/** Where an expression is evaluated: its names, the time of the step, and where rules that match are noted. */
export interface Run {
  readonly scope: Scope;
  readonly now: string;
  readonly rules: MatchedRule[];
}

/** A boxed expression of DMN, compiled. Throws `FeelError`. */
export type Boxed = (run: Run) => unknown;

/** What reading an expression needs of the document around it. */
export interface Reading {
  readonly issues: Issues;
  /** Id of the decision or business knowledge model, under which defects and rules are told. */
  readonly owner: string;
  readonly types: Types;
}

const inside = (run: Run, names: Scope): Run => ({ ...run, scope: { ...run.scope, ...names } });
const nothing: Boxed = () => null;
const nameOf = (element: ModdleElement | undefined): string =>
  (element?.get('name') as string | undefined)?.trim() ?? '';
const typeOf = (element: ModdleElement | undefined): string | undefined =>
  element?.get('typeRef') as string | undefined;

const items = (value: unknown): readonly unknown[] => {
  if (value === null || value === undefined) return [];
  return Array.isArray(value) ? (value as readonly unknown[]) : [value];
};

function readLiteral(element: ModdleElement, names: readonly string[], reading: Reading): Boxed {
  const text = textOf(element).replace(/^=/, '');
  const feel = readFeel<Feel>(
    reading.issues,
    element.id === undefined ? reading.owner : element,
    'expression',
    nothing as unknown as Feel,
    () => compileFeel(text, names),
  );
  return ({ scope, now }) => feel(scope, now);
}

function readContext(element: ModdleElement, names: readonly string[], reading: Reading): Boxed {
  const known = [...names];
  const entries = children(element, 'contextEntry').map((entry) => {
    const variable = child(entry, 'variable');
    const made = {
      name: variable && nameOf(variable),
      type: typeOf(variable),
      value: readBoxed(child(entry, 'value'), known, reading),
    };
    if (variable) known.push(nameOf(variable));
    return made;
  });
  return (run) => {
    const made: Record<string, unknown> = {};
    for (const { name, type, value } of entries) {
      const what = `the entry ${name ?? ''} in ${reading.owner}`;
      const own = declared(value(inside(run, made)), what, type, reading.types);
      if (name === undefined) return own;
      made[name] = own;
    }
    return made;
  };
}

function readInvocation(element: ModdleElement, names: readonly string[], reading: Reading): Boxed {
  const called = readBoxed(child(element, 'calledFunction'), names, reading);
  const bindings = children(element, 'binding').map((binding) => ({
    name: nameOf(child(binding, 'parameter')),
    value: readBoxed(child(binding, 'bindingFormula'), names, reading),
  }));
  return (run) => {
    const work = called(run);
    if (!(work instanceof FeelFunction))
      throw new FeelError(`${reading.owner} invokes what is not a function`);
    if (bindings.some(({ name }) => !work.parameterNames.includes(name))) {
      throw new FeelError(`${reading.owner} invokes a function with a parameter that it does not have`);
    }
    return work.invoke(Object.fromEntries(bindings.map(({ name, value }) => [name, value(run)])));
  };
}

/** A value as it is declared. Throws `FeelError` if it is of another type. */
export function declared(value: unknown, what: string, type: string | undefined, types: Types): unknown {
  const own = conform(value, type, types);
  if (own === undefined) throw new FeelError(`${what} is not of its type ${type}`);
  return own;
}

/** A function of FEEL that wants each of its parameters, of its type. */
export function makeFunction(
  parameters: readonly { readonly name: string; readonly type: string | undefined }[],
  types: Types,
  body: (given: Scope) => unknown,
): FeelFunction {
  const argument = (given: unknown, { name, type }: (typeof parameters)[number]): unknown => {
    if (given === undefined) throw new FeelError(`a function is called without its parameter ${name}`);
    return declared(given, `parameter ${name}`, type, types);
  };
  return new FeelFunction(
    (...given: unknown[]) =>
      body(Object.fromEntries(parameters.map((one, index) => [one.name, argument(given[index], one)]))),
    parameters.map(({ name }) => name),
  );
}

/** A function definition; those in other languages than FEEL are refused. */
export function readFunction(element: ModdleElement, names: readonly string[], reading: Reading): Boxed {
  const kind = (element.get('kind') as string | undefined) ?? 'FEEL';
  if (kind !== 'FEEL') {
    reading.issues.add(reading.owner, `functions of kind ${kind} are not supported`);
    return nothing;
  }
  const parameters = children(element, 'formalParameter').map((one) => ({
    name: nameOf(one),
    type: typeOf(one),
  }));
  const own = parameters.map(({ name }) => name);
  const logic = child(element, 'body');
  const body = readBoxed(logic, [...names, ...own], reading);
  return (run) =>
    makeFunction(parameters, reading.types, (given) =>
      declared(body(inside(run, given)), `a result in ${reading.owner}`, typeOf(logic), reading.types),
    );
}

/** `for`, `some` and `every`: the body for each item, until `enough` says so. */
function readIteration(element: ModdleElement, names: readonly string[], reading: Reading): Boxed {
  const kind = element.$type;
  const variable = (element.get('iteratorVariable') as string | undefined) ?? '';
  const source = readBoxed(child(child(element, 'in') ?? element, 'value'), names, reading);
  const part = child(element, kind === 'dmn:For' ? 'return' : 'satisfies');
  const body = readBoxed(
    part && child(part, 'value'),
    [...names, variable, ...(kind === 'dmn:For' ? ['partial'] : [])],
    reading,
  );
  return (run) => {
    const list = source(run);
    if (list === null) return null;
    const made: unknown[] = [];
    for (const item of items(list)) {
      // What there is so far is copied for each.
      spend(1 + made.length);
      made.push(body(inside(run, { partial: [...made], [variable]: item })));
    }
    if (kind === 'dmn:For') return made;
    if (made.some((one) => one !== null && typeof one !== 'boolean')) return null;
    const decided = kind === 'dmn:Some';
    if (made.includes(decided)) return decided;
    return made.every((one) => one === !decided) ? !decided : null;
  };
}

function readFilter(element: ModdleElement, names: readonly string[], reading: Reading): Boxed {
  const part = (name: string, more: readonly string[]): Boxed => {
    const found = child(element, name);
    return readBoxed(found && child(found, 'value'), [...names, ...more], reading);
  };
  const source = part('in', []);
  const match = part('match', ['item']);
  return (run) => {
    const list = source(run);
    if (list === null) return [];
    spend(items(list).length);
    const matches = items(list).map((item) => match(inside(run, { ...(isRecord(item) ? item : {}), item })));
    if (matches.some((one) => one !== null && typeof one !== 'boolean')) return null;
    return items(list).filter((_, index) => matches[index] === true);
  };
}

function readConditional(element: ModdleElement, names: readonly string[], reading: Reading): Boxed {
  const [condition, yes, no] = ['if', 'then', 'else'].map((name) => {
    const part = child(element, name);
    return readBoxed(part && child(part, 'value'), names, reading);
  }) as [Boxed, Boxed, Boxed];
  return (run) => {
    const decided = condition(run);
    if (decided !== null && typeof decided !== 'boolean') return null;
    return decided === true ? yes(run) : no(run);
  };
}

/** Compiles the expression of a decision, of a function, of a part of another. `names`: what it may refer to. */
export function readBoxed(
  element: ModdleElement | undefined,
  names: readonly string[],
  reading: Reading,
): Boxed {
  switch (element?.$type) {
    case 'dmn:LiteralExpression':
      return readLiteral(element, names, reading);
    case 'dmn:DecisionTable': {
      const table = readTable(element, reading.owner, names, reading.issues);
      return (run) => evaluateTable(reading.owner, table, run, reading.types);
    }
    case 'dmn:Context':
      return readContext(element, names, reading);
    case 'dmn:List': {
      const parts = children(element, 'elements').map((one) => readBoxed(one, names, reading));
      return (run) => parts.map((part) => part(run));
    }
    case 'dmn:Relation': {
      const columns = children(element, 'column').map(nameOf);
      const rows = children(element, 'row').map((row) =>
        children(row, 'elements').map((one) => readBoxed(one, names, reading)),
      );
      return (run) =>
        rows.map((row) =>
          Object.fromEntries(columns.map((name, index) => [name, row[index]?.(run) ?? null])),
        );
    }
    case 'dmn:Invocation':
      return readInvocation(element, names, reading);
    case 'dmn:FunctionDefinition':
      return readFunction(element, names, reading);
    case 'dmn:Conditional':
      return readConditional(element, names, reading);
    case 'dmn:Filter':
      return readFilter(element, names, reading);
    case 'dmn:For':
    case 'dmn:Some':
    case 'dmn:Every':
      return readIteration(element, names, reading);
    default:
      reading.issues.add(element ?? reading.owner, 'there is no expression of a known kind');
      return nothing;
  }
}

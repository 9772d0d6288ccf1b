import {
  evaluate,
  type FeelDate,
  type FeelDateTime,
  parseDate,
  parseDateTime,
  parseExpression,
} from 'feelin';
import { calls } from './arithmetic.ts';
import { bounded, counting } from './budget.ts';
import { functions } from './functions.ts';
import type { Json, Variables } from './json.ts';
import { exactNumber, FeelError, normalise } from './normalise.ts';
import { translatePlain } from './plain.ts';
import { withCalls } from './rewrite.ts';

export interface FeelValue {
  readonly value: Json;
  /** Variables the expression names that do not exist: FEEL reads them as null. */
  readonly missing: readonly string[];
}

/** A FEEL expression whose syntax has been checked. */
export interface Expression {
  readonly text: string;
  /** Value for these variables at the instant `now` (RFC 3339), which `now()` and `today()` answer. Throws `FeelError`. */
  evaluate(variables: Variables, now: string): FeelValue;
}

const identifier = /[\p{L}_][\p{L}\p{N}_]*/gu;
const simpleName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Throws `FeelError` unless `text` is FEEL. `names`: names with spaces that the text may use. */
export function checkSyntax(
  text: string,
  names: readonly string[] = [],
  parse: typeof parseExpression = parseExpression,
): void {
  if (text.trim() === '') throw new FeelError('the expression is empty');
  if (text.trimStart().startsWith('='))
    throw new FeelError('the expression starts with a second equals sign');
  let position: number | undefined;
  parse(text, Object.fromEntries(names.map((name) => [name, null])), undefined).iterate({
    enter(node) {
      if (node.type.isError) position ??= node.from;
    },
  });
  if (position !== undefined) throw new FeelError(`syntax error at character ${position + 1} of ${text}`);
}

/** Clock functions answer the time of the step, so that replaying a step gives the same result. */
export const clock = (now: string): Record<string, () => FeelDateTime | FeelDate | null> => ({
  now: () => parseDateTime(now),
  today: () => parseDate(now.slice(0, 10)),
});

/** Named values as FEEL has them: JSON, dates, durations, ranges, functions. */
export type Scope = { readonly [name: string]: unknown };

/** A FEEL expression that answers what FEEL computes, before it becomes JSON. Throws `FeelError`. */
export type Feel = (scope: Scope, now: string) => unknown;

/** Only the variables a text can mean: the evaluator copies every variable it is given. */
export function relevant(mentioned: ReadonlySet<string>, variables: Scope): Record<string, unknown> {
  const chosen: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(variables)) {
    const first = name.match(identifier)?.[0];
    if (first === undefined || mentioned.has(first)) chosen[name] = value;
  }
  return chosen;
}

export const mentions = (text: string): ReadonlySet<string> => new Set(text.match(identifier) ?? []);

function literal(text: string): Json | undefined {
  if (/^-?[0-9]{1,15}$/.test(text)) return Number(text);
  if (/^"[^"\\]*"$/.test(text)) return text.slice(1, -1);
  if (text === 'true' || text === 'false') return text === 'true';
  return text === 'null' ? null : undefined;
}

/**
 * How the evaluation of a text is kept from taking for ever. The watch costs a tenth of a millisecond: what neither
 * repeats anything nor looks for a pattern or in a list is done soon, and does without.
 */
export const limiting = (text: string): typeof bounded =>
  /\b(for|some|every|function|matches|replace|split|sort)\b|\[/.test(text) ? bounded : counting;

/** A text as the interpreter gets it, with the functions of our own that it calls. */
export interface Prepared {
  readonly text: string;
  readonly library: Scope;
}

/** What cannot be written as calls stays with the interpreter. */
export function prepare(
  text: string,
  names: readonly string[],
  parse: typeof parseExpression = parseExpression,
): Prepared {
  let written = withCalls(text, names, parse);
  try {
    checkSyntax(written, [...names, ...Object.keys(calls)], parse);
  } catch {
    written = text;
  }
  return { text: written, library: { ...callsIn(written), ...functionsIn(text) } };
}

/** The interpreter copies what it is given for each item it goes through: it gets what the text calls. */
const callsIn = (written: string): Scope =>
  Object.fromEntries(Object.entries(calls).filter(([name]) => written.includes(name)));

/** Functions of our own that a text calls. */
function functionsIn(text: string): Scope {
  const spaced = text.replaceAll(/\s+/g, ' ').replaceAll(' (', '(');
  return Object.fromEntries(Object.entries(functions).filter(([name]) => spaced.includes(`${name}(`)));
}

/** Checks the syntax of a FEEL expression and prepares it. Throws `FeelError`. `names`: names with spaces it may use. */
export function compileExpression(text: string, names: readonly string[] = []): Expression {
  const trimmed = text.trim();
  checkSyntax(trimmed, names);
  const constant = literal(trimmed);
  if (constant !== undefined) {
    const value = { value: constant, missing: [] };
    return { text: trimmed, evaluate: () => value };
  }
  const mentioned = mentions(trimmed);
  const limited = limiting(trimmed);
  const { text: written, library } = prepare(trimmed, names);
  const general = (variables: Variables, now: string): FeelValue => {
    const result = limited(() =>
      evaluate(written, { ...clock(now), ...library, ...relevant(mentioned, variables) }),
    );
    const unknown = result.warnings.find((warning) => warning.type === 'NO_FUNCTION_FOUND');
    if (unknown) throw new FeelError(`${trimmed} calls a function that does not exist`);
    return {
      value: normalise(result.value),
      missing: result.warnings
        .filter((warning) => warning.type === 'NO_VARIABLE_FOUND')
        .map((warning) => written.slice(warning.position.from, warning.position.to)),
    };
  };
  const plain = names.every((name) => simpleName.test(name)) ? translatePlain(trimmed) : undefined;
  if (!plain) return { text: trimmed, evaluate: guarded(general) };
  return {
    text: trimmed,
    evaluate: guarded((variables, now) => {
      const value = plain(variables);
      return value === undefined ? general(variables, now) : { value: normalise(value), missing: [] };
    }),
  };
}

/** Like `compileExpression`, for scopes and results that are not JSON: the logic of a decision. */
export function compileFeel(text: string, names: readonly string[] = []): Feel {
  const trimmed = text.trim();
  checkSyntax(trimmed, names);
  const constant = literal(trimmed);
  if (constant !== undefined) return () => constant;
  const mentioned = mentions(trimmed);
  const limited = limiting(trimmed);
  const { text: written, library } = prepare(trimmed, names);
  const plain = names.every((name) => simpleName.test(name)) ? translatePlain(trimmed) : undefined;
  return guarded((scope: Scope, now) => {
    const quick = plain?.(scope as Variables);
    if (quick !== undefined) return rounded(quick);
    const { value, warnings } = limited(() =>
      evaluate(written, { ...clock(now), ...library, ...relevant(mentioned, scope) }),
    );
    if (warnings.some((warning) => warning.type === 'NO_FUNCTION_FOUND')) {
      throw new FeelError(`${trimmed} calls a function that does not exist`);
    }
    return rounded(value);
  });
}

const rounded = (value: unknown): unknown => (typeof value === 'number' ? exactNumber(value) : value);

const guarded =
  <V, R>(evaluation: (variables: V, now: string) => R): ((variables: V, now: string) => R) =>
  (variables, now) => {
    try {
      return evaluation(variables, now);
    } catch (error) {
      if (error instanceof FeelError) throw error;
      throw new FeelError(`the expression cannot be evaluated: ${(error as Error).name}`);
    }
  };

/**
 * A value as writers of processes give it: `=` and a FEEL expression, or else a constant text.
 * Throws `FeelError` when the expression is malformed.
 */
export function compileSource(source: string): Expression {
  if (source.trimStart().startsWith('=')) return compileExpression(source.trimStart().slice(1));
  const value = { value: source, missing: [] };
  return { text: JSON.stringify(source), evaluate: () => value };
}

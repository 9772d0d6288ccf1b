import { evaluate, parseUnaryTests, unaryTest } from 'feelin';
import {
  checkSyntax,
  clock,
  limiting,
  mentions,
  type Prepared,
  prepare,
  relevant,
  type Scope,
} from './expression.ts';
import { FeelError } from './normalise.ts';
import { testsAsExpression } from './rewrite.ts';

/** The tests of one decision table cell: is the input value one of these? */
export interface UnaryTests {
  readonly text: string;
  test(value: unknown, variables: Scope, now: string): boolean;
}

type Quick = (value: unknown) => boolean;

const number = /^-?[0-9]{1,15}(\.[0-9]{1,6})?$/;
const text = /^"[^"\\]*"$/;

/** One plain test that needs no interpreter: a literal, a comparison with a number, an interval of numbers. */
function quickTest(source: string): Quick | undefined {
  if (number.test(source)) {
    const expected = Number(source);
    return (value) => value === expected;
  }
  if (text.test(source)) {
    const expected = source.slice(1, -1);
    return (value) => value === expected;
  }
  if (source === 'true' || source === 'false') {
    const expected = source === 'true';
    return (value) => value === expected;
  }
  const comparison = /^(<=|>=|<|>)\s*(-?[0-9.]+)$/.exec(source);
  if (comparison && number.test(comparison[2] as string)) {
    const bound = Number(comparison[2]);
    const compare: Record<string, (value: number) => boolean> = {
      '<': (value) => value < bound,
      '<=': (value) => value <= bound,
      '>': (value) => value > bound,
      '>=': (value) => value >= bound,
    };
    const chosen = compare[comparison[1] as string] as (value: number) => boolean;
    return (value) => typeof value === 'number' && chosen(value);
  }
  const interval = /^([[(\]])\s*(-?[0-9.]+)\s*\.\.\s*(-?[0-9.]+)\s*([\])[])$/.exec(source);
  if (interval && number.test(interval[2] as string) && number.test(interval[3] as string)) {
    const [low, high] = [Number(interval[2]), Number(interval[3])];
    const [fromLow, toHigh] = [interval[1] === '[', interval[4] === ']'];
    return (value) =>
      typeof value === 'number' &&
      (fromLow ? value >= low : value > low) &&
      (toHigh ? value <= high : value < high);
  }
  return undefined;
}

function quickTests(source: string): Quick | undefined {
  if (source === '-') return () => true;
  const tests = source.split(',').map((part) => quickTest(part.trim()));
  if (tests.some((test) => test === undefined)) return undefined;
  return (value) => tests.some((test) => (test as Quick)(value));
}

const isScalar = (value: unknown): boolean =>
  value === null || typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean';

/** A name or a path: a yes or no found there is compared with the input, not taken as the result of a test. */
const path = /^[\p{L}_][\p{L}\p{N}_ .]*$/u;

/** Values that an ordering test can hold for: FEEL has no order between, say, a text and a number. */
const unordered = (source: string, value: unknown): boolean =>
  /^(<|>)/.test(source) && (value === null || value === undefined);

/** Checks and prepares the tests of a cell; an empty cell is `-`. Throws `FeelError`. */
export function compileUnaryTests(source: string, names: readonly string[] = []): UnaryTests {
  const trimmed = source.trim() === '' ? '-' : source.trim();
  if (trimmed !== '-') checkSyntax(trimmed.replace(/^=(?!=)/, ' '), names, parseUnaryTests);
  const quick = quickTests(trimmed);
  const mentioned = mentions(trimmed);
  const limited = limiting(trimmed);
  let prepared: (Prepared & { readonly whole: boolean }) | undefined;
  const prepareOnce = (): Prepared & { readonly whole: boolean } => {
    const whole = trimmed === '-' ? undefined : testsAsExpression(trimmed, names);
    prepared ??=
      whole === undefined
        ? { ...prepare(trimmed, names, parseUnaryTests), whole: false }
        : { ...prepare(whole, [...names, '?']), whole: true };
    return prepared;
  };
  return {
    text: trimmed,
    test(value, variables, now) {
      if (trimmed === '-') return true;
      if (quick && isScalar(value)) return quick(value);
      if (unordered(trimmed, value)) return false;
      try {
        const { text: written, library, whole } = prepared ?? prepareOnce();
        const context = { ...clock(now), ...library, ...relevant(mentioned, variables), '?': value };
        if (typeof value === 'boolean' && path.test(trimmed)) {
          return limited(() => evaluate(trimmed, context)).value === value;
        }
        const { value: met, warnings } = limited(() =>
          whole ? evaluate(written, context) : unaryTest(written, context),
        );
        if (warnings.some((warning) => warning.type === 'NO_FUNCTION_FOUND')) {
          throw new FeelError(`the test ${trimmed} calls a function that does not exist`);
        }
        return met === true;
      } catch (error) {
        if (error instanceof FeelError) throw error;
        throw new FeelError(`the test ${trimmed} cannot be evaluated: ${(error as Error).name}`);
      }
    },
  };
}

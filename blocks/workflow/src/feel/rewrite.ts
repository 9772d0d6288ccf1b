import { parseExpression, parseUnaryTests } from 'feelin';

const operators: Readonly<Record<string, string>> = {
  '+': 'feel_add',
  '-': 'feel_subtract',
  '*': 'feel_multiply',
  '/': 'feel_divide',
  '**': 'feel_power',
};

interface Node {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly firstChild: Node | null;
  readonly nextSibling: Node | null;
}

const treeOf = (text: string, names: readonly string[], parse: typeof parseExpression): Node => {
  const context = Object.fromEntries(names.map((name) => [name, null]));
  return (parse(text, context, undefined) as unknown as { readonly topNode: Node }).topNode;
};

function partsOf(node: Node): Node[] {
  const parts: Node[] = [];
  for (let part = node.firstChild; part; part = part.nextSibling) parts.push(part);
  return parts;
}

/** The only part of a part of a part, as far as the names say. */
function inside(node: Node | undefined, ...names: readonly string[]): Node | undefined {
  let at = node;
  for (const name of names) {
    const [only, another] = at ? partsOf(at) : [];
    at = only && !another && only.name === name ? only : undefined;
  }
  return at;
}

const intervalOf = (test: Node): Node | undefined => inside(test, 'SimplePositiveUnaryTest', 'Interval');

const literals = ['NumericLiteral', 'StringLiteral', 'BooleanLiteral', 'DateTimeLiteral', 'null'];

/**
 * An interval, an end of which may be null when it is evaluated: then nobody knows what is in it, where the interpreter
 * takes it for one without that end.
 */
function uncertain(text: string, interval: Node): string | undefined {
  const ends = partsOf(interval).filter(({ name }) => /^[A-Za-z]/.test(name));
  const open = ends.filter(({ name }) => !literals.includes(name) || name === 'null');
  if (open.length === 0) return undefined;
  return open.map(({ from, to }) => `(${text.slice(from, to)}) = null`).join(' or ');
}

/** Whether something is in an interval. */
function isIn(text: string, what: string, interval: Node): string {
  const unknown = uncertain(text, interval);
  const test = `${what} in ${text.slice(interval.from, interval.to)}`;
  return unknown === undefined ? test : `((${test}) and (if ${unknown} then null else true))`;
}

function rewrite(text: string, node: Node): string {
  const write = (one: Node): string => rewrite(text, one);
  const parts = partsOf(node);
  if (node.name === 'ArithmeticExpression') {
    const [left, operator, right] = parts.length === 2 ? [undefined, ...parts] : parts;
    const work = operator && operators[text.slice(operator.from, operator.to)];
    if (work && right && left) return `${work}(${write(left)}, ${write(right)})`;
    if (work && right && right.name !== 'NumericLiteral') return `feel_multiply(-1, ${write(right)})`;
  }
  // Ends of intervals may not be calls.
  if (node.name === 'Interval') return text.slice(node.from, node.to);
  if (node.name === 'IterationContext') {
    const [start, , end] = parts;
    if (start && end) return `feel_range(${write(start)}, ${write(end)})`;
    if (start) return `feel_items(${write(start)})`;
  }
  if (node.name === 'FunctionBody' && parts[0]) return `feel_called(${write(parts[0])})`;
  if (node.name === 'Comparison' && parts[0] && parts[1]?.name === 'in') {
    const tests = parts.slice(2).flatMap((one) => (one.name === 'PositiveUnaryTests' ? partsOf(one) : [one]));
    const unsure = (test: Node): boolean => {
      const interval = intervalOf(test);
      return interval !== undefined && uncertain(text, interval) !== undefined;
    };
    if (tests.some(unsure)) {
      const what = write(parts[0]);
      const all = tests
        .filter(({ name }) => name === 'PositiveUnaryTest')
        .map((test) =>
          unsure(test) ? isIn(text, what, intervalOf(test) as Node) : `(${what} in ${write(test)})`,
        );
      return `(${all.join(' or ')})`;
    }
  }
  let written = '';
  let at = node.from;
  for (const part of parts) {
    written += text.slice(at, part.from) + write(part);
    at = part.to;
  }
  return written + text.slice(at, node.to);
}

/**
 * The expression with its sums, differences, products, quotients and powers, with what it goes through item by item and
 * with the bodies of its functions as calls of functions of our own (`calls`), and with intervals that say when an end
 * of theirs is null.
 */
export const withCalls = (
  text: string,
  names: readonly string[],
  parse: typeof parseExpression = parseExpression,
): string => rewrite(text, treeOf(text, names, parse));

const asks = (node: Node): boolean => node.name === '?' || partsOf(node).some(asks);

/** One test of a cell as an expression about `?` that is true, false or null; undefined: depends on the values. */
function asExpression(text: string, test: Node): string | undefined {
  const [content, more] = partsOf(test);
  if (!content || more) return undefined;
  const words = text.slice(content.from, content.to);
  if (asks(content)) return words;
  if (content.name === 'SimplePositiveUnaryTest') {
    const interval = inside(content, 'Interval');
    return interval ? isIn(text, '?', interval) : `? in ${words}`;
  }
  if (content.name === 'null') return '? = null';
  // Not the same as a value of another type, which for `=` would be null.
  return literals.includes(content.name) ? `? in (${words})` : undefined;
}

/**
 * The tests of a cell as one expression about `?`, so that what nobody knows stays unknown: the interpreter takes a test
 * that is null for one that a missing value meets. Undefined where it depends on the values what a test is: a name may
 * be of a list, a number, a yes or no.
 */
export function testsAsExpression(text: string, names: readonly string[]): string | undefined {
  const [first, ...more] = partsOf(treeOf(text, names, parseUnaryTests));
  const negated = first?.name === 'not';
  const tests = negated ? more.find(({ name }) => name === 'PositiveUnaryTests') : first;
  if (tests?.name !== 'PositiveUnaryTests') return undefined;
  const written = partsOf(tests)
    .filter(({ name }) => name === 'PositiveUnaryTest')
    .map((test) => asExpression(text, test));
  if (written.some((one) => one === undefined)) return undefined;
  const all = written.map((one) => `(${one})`).join(' or ');
  return negated ? `not(${all})` : all;
}

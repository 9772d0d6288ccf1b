import { parseExpression } from 'feelin';
import { counting, spend, spendText } from './budget.ts';
import { dividedBy, minus, plus, times } from './decimal.ts';
import { isRecord, type Json, type Variables } from './json.ts';
import { beyond, plainFunctions } from './plain-functions.ts';

/** Names bound inside an expression: earlier entries of a context, the variable of a loop. */
interface Scope {
  readonly name: string;
  readonly value: Json;
  readonly outer: Scope | undefined;
}

interface Surroundings {
  readonly variables: Variables;
  readonly scope: Scope | undefined;
}

type Code = (given: Surroundings) => Json;

interface Node {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly firstChild: Node | null;
  readonly nextSibling: Node | null;
}

function childrenOf(node: Node): Node[] {
  const children: Node[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling) {
    if (/^[A-Za-z]/.test(child.name)) children.push(child);
  }
  return children;
}

const isIdentifier = (text: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(text) && text !== '__proto__';

function find({ variables, scope }: Surroundings, name: string): Json | undefined {
  for (let at = scope; at; at = at.outer) if (at.name === name) return at.value;
  return Object.hasOwn(variables, name) ? variables[name] : undefined;
}

const bind = (given: Surroundings, name: string, value: Json): Surroundings => ({
  variables: given.variables,
  scope: { name, value, outer: given.scope },
});

const isScalar = (value: Json): boolean => typeof value !== 'object';

function equal(left: Json, right: Json): boolean {
  if (left === null || right === null) return left === right;
  if (!isScalar(left) || typeof left !== typeof right) throw beyond;
  return left === right;
}

const truth = (value: Json): boolean => {
  if (typeof value !== 'boolean') throw beyond;
  return value;
};

const numeric = (value: Json): number => {
  if (typeof value !== 'number') throw beyond;
  return value;
};

const joined = (left: string, right: string): string => {
  spendText(left.length + right.length);
  return left + right;
};

const comparisons: Readonly<Record<string, (left: Json, right: Json) => boolean>> = {
  '=': equal,
  '!=': (left, right) => !equal(left, right),
  '<': (left, right) => numeric(left) < numeric(right),
  '<=': (left, right) => numeric(left) <= numeric(right),
  '>': (left, right) => numeric(left) > numeric(right),
  '>=': (left, right) => numeric(left) >= numeric(right),
};

const operations: Readonly<Record<string, (left: Json, right: Json) => Json>> = {
  '+': (left, right) =>
    typeof left === 'string' && typeof right === 'string'
      ? joined(left, right)
      : plus(numeric(left), numeric(right)),
  '-': (left, right) => minus(numeric(left), numeric(right)),
  '*': (left, right) => times(numeric(left), numeric(right)),
  '/': (left, right) => {
    if (right === 0) throw beyond;
    return dividedBy(numeric(left), numeric(right));
  },
};

/** Makes code of a syntax tree; `undefined` for anything that is not plain. */
function translate(node: Node, text: string): Code | undefined {
  const words = (one: Node): string => text.slice(one.from, one.to);
  const all = (nodes: readonly Node[]): Code[] | undefined => {
    const codes = nodes.map((one) => translate(one, text));
    return codes.some((code) => code === undefined) ? undefined : (codes as Code[]);
  };
  const parts = childrenOf(node);
  const [first, second, third] = parts;

  const variable =
    (name: string): Code =>
    (given) => {
      const value = find(given, name);
      if (value === undefined) throw beyond;
      return value;
    };

  const loop = (
    each: (list: readonly Json[], run: (item: Json) => Json) => Json,
    binding: Node | undefined,
    body: Node | undefined,
  ): Code | undefined => {
    const [only, another] = binding ? childrenOf(binding) : [];
    if (!only || another || !body) return undefined;
    const [name, , context] = childrenOf(only);
    const [source, more] = context ? childrenOf(context) : [];
    if (!name || !source || more || !isIdentifier(words(name))) return undefined;
    const codes = all([source, body]);
    if (!codes) return undefined;
    const [listCode, bodyCode] = codes as [Code, Code];
    return (given) => {
      const list = listCode(given);
      if (!Array.isArray(list)) throw beyond;
      spend(list.length);
      return each(list as readonly Json[], (item) => bodyCode(bind(given, words(name), item)));
    };
  };

  const context = (): Code | undefined => {
    const entries: { key: string; code: Code }[] = [];
    for (const entry of parts) {
      const [key, value, more] = childrenOf(entry);
      const [label] = key ? childrenOf(key) : [];
      const name = label?.name === 'StringLiteral' ? words(label).slice(1, -1) : label && words(label);
      const code = value && translate(value, text);
      if (entry.name !== 'ContextEntry' || more || !code || name === undefined || !isIdentifier(name))
        return undefined;
      entries.push({ key: name, code });
    }
    return (given) => {
      const made: Record<string, Json> = {};
      let inside = given;
      for (const { key, code } of entries) {
        const value = code(inside);
        made[key] = value;
        inside = bind(inside, key, value);
      }
      return made;
    };
  };

  const call = (): Code | undefined => {
    const name = first && words(first).replaceAll(/\s+/g, ' ');
    const work = name === undefined ? undefined : plainFunctions.get(name);
    const args = second?.name === 'PositionalParameters' ? all(childrenOf(second)) : undefined;
    if (!work || !args || third) return undefined;
    return (given) => {
      if (find(given, name as string) !== undefined) throw beyond;
      return work(args.map((code) => code(given)));
    };
  };

  switch (node.name) {
    case 'NumericLiteral': {
      const value = Number(words(node).replaceAll(/\s/g, ''));
      return Number.isFinite(value) ? () => value : undefined;
    }
    case 'StringLiteral': {
      const value = words(node).slice(1, -1);
      return value.includes('\\') ? undefined : () => value;
    }
    case 'BooleanLiteral': {
      const value = words(node) === 'true';
      return () => value;
    }
    case 'null':
      return () => null;
    case 'VariableName':
      return isIdentifier(words(node)) ? variable(words(node)) : undefined;
    case 'ParenthesizedExpression':
      return first && !second ? translate(first, text) : undefined;
    case 'PathExpression': {
      const record = first && translate(first, text);
      const name = second && words(second);
      if (!record || name === undefined || !isIdentifier(name)) return undefined;
      return (given) => {
        const value = record(given);
        if (value === null) return null;
        if (!isRecord(value)) throw beyond;
        return Object.hasOwn(value, name) ? (value[name] as Json) : null;
      };
    }
    case 'Comparison': {
      const codes =
        third && second?.name === 'CompareOp' && parts.length === 3 ? all([first as Node, third]) : undefined;
      const compare = second && comparisons[words(second)];
      if (!codes || !compare) return undefined;
      const [left, right] = codes as [Code, Code];
      return (given) => compare(left(given), right(given));
    }
    case 'ArithmeticExpression': {
      if (first?.name === 'ArithOp') {
        const operand = second && words(first) === '-' ? translate(second, text) : undefined;
        return operand && ((given) => -numeric(operand(given)));
      }
      const codes = third && second?.name === 'ArithOp' ? all([first as Node, third]) : undefined;
      const operate = second && operations[words(second)];
      if (!codes || !operate) return undefined;
      const [left, right] = codes as [Code, Code];
      return (given) => operate(left(given), right(given));
    }
    case 'Conjunction':
    case 'Disjunction': {
      const codes = third && parts.length === 3 ? all([first as Node, third]) : undefined;
      if (!codes) return undefined;
      const [left, right] = codes as [Code, Code];
      return node.name === 'Conjunction'
        ? (given) => truth(left(given)) && truth(right(given))
        : (given) => truth(left(given)) || truth(right(given));
    }
    case 'IfExpression': {
      const codes = all(parts.filter((part) => /^[A-Z]|^null$/.test(part.name)));
      if (codes?.length !== 3) return undefined;
      const [condition, yes, no] = codes as [Code, Code, Code];
      return (given) => (truth(condition(given)) ? yes(given) : no(given));
    }
    case 'List': {
      const codes = all(parts);
      return codes && ((given) => codes.map((code) => code(given)));
    }
    case 'Context':
      return context();
    case 'FunctionInvocation':
      return call();
    case 'ForExpression':
      return loop((list, run) => list.map(run), second, parts[3]);
    case 'QuantifiedExpression': {
      const some = first?.name === 'some';
      return loop(
        (list, run) =>
          some ? list.some((item) => truth(run(item))) : list.every((item) => truth(run(item))),
        second,
        parts[3],
      );
    }
    default:
      return undefined;
  }
}

/** A plain expression as code. Answers `undefined` for values that only the interpreter can judge. */
export type PlainCode = (variables: Variables) => Json | undefined;

/**
 * Translates an expression once, where the interpreter parses it at every evaluation. Only what is plain, in form and in
 * the values it meets, is computed here; everything else stays with the interpreter, so that both always agree.
 * `undefined`: not a plain expression.
 */
export function translatePlain(text: string): PlainCode | undefined {
  const tree = parseExpression(text, {}, undefined) as unknown as { readonly topNode: Node };
  const [root, more] = childrenOf(tree.topNode);
  const code = root && !more ? translate(root, text) : undefined;
  if (!code) return undefined;
  const repeats = /\b(for|some|every|concatenate|append)\b/.test(text);
  const run = (variables: Variables): Json => code({ variables, scope: undefined });
  return (variables) => {
    try {
      return repeats ? counting(() => run(variables)) : run(variables);
    } catch (error) {
      if (error === beyond) return undefined;
      throw error;
    }
  };
}

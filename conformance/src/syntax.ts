import { parse } from '@babel/parser';

/** A node of a syntax tree; `type` says what the other properties are. */
export interface Node {
  readonly type: string;
  readonly loc?: { readonly start: { readonly line: number } };
  readonly [key: string]: unknown;
}

export const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';

/** Calls `visit` for every node of a source text, outermost first; throws a SyntaxError when it is not TypeScript. */
export function walkSource(text: string, visit: (node: Node) => void): void {
  const enter = (node: Node): void => {
    visit(node);
    for (const value of Object.values(node)) {
      if (Array.isArray(value)) {
        for (const one of value) if (isNode(one)) enter(one);
      } else if (isNode(value)) enter(value);
    }
  };
  const { program } = parse(text, {
    sourceType: 'module',
    plugins: ['typescript', 'importAttributes'],
    createImportExpressions: true,
  });
  enter(program as unknown as Node);
}

/** A text in the source as far as it is known without running it. */
export interface StaticText {
  readonly text: string;
  /** False for a template literal of which only the part before its first `${` is known. */
  readonly complete: boolean;
}

/** What a string or template literal says; undefined for any other expression. */
export function staticText(value: unknown): StaticText | undefined {
  if (!isNode(value)) return undefined;
  if (value.type === 'StringLiteral') return { text: value.value as string, complete: true };
  if (value.type !== 'TemplateLiteral') return undefined;
  const quasis = value.quasis as { value: { cooked: string } }[];
  return { text: quasis[0]?.value.cooked ?? '', complete: quasis.length === 1 };
}

/** `['vi', 'mock']` for the callee `vi.mock`, `['test', 'each']` for `test.each([…])`; empty for anything else. */
export function calleePath(callee: unknown): readonly string[] {
  if (!isNode(callee)) return [];
  if (callee.type === 'Identifier') return [callee.name as string];
  if (callee.type === 'CallExpression') return calleePath(callee.callee);
  if (callee.type === 'TaggedTemplateExpression') return calleePath(callee.tag);
  if (callee.type !== 'MemberExpression') return [];
  const object = calleePath(callee.object);
  const property = callee.property as Node;
  return object.length > 0 && property.type === 'Identifier' ? [...object, property.name as string] : [];
}

/** True for `import.meta.NAME`. */
export const isImportMeta = (value: unknown, name: string): boolean =>
  isNode(value) &&
  value.type === 'MemberExpression' &&
  isNode(value.object) &&
  value.object.type === 'MetaProperty' &&
  (value.property as Node).name === name;

import { parse } from '@babel/parser';

interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';

/** Calls `visit` for every node of a TypeScript source text. */
export function walkSource(text: string, visit: (node: Node) => void): void {
  const enter = (node: Node): void => {
    visit(node);
    for (const value of Object.values(node)) {
      if (Array.isArray(value)) for (const one of value) isNode(one) && enter(one);
      else if (isNode(value)) enter(value);
    }
  };
  const file = parse(text, { sourceType: 'module', plugins: ['typescript', 'importAttributes'] });
  enter(file.program as unknown as Node);
}

const literal = (value: unknown): string | undefined => {
  if (!isNode(value)) return undefined;
  if (value.type === 'StringLiteral') return value.value as string;
  if (value.type === 'TemplateLiteral') {
    const [first] = value.quasis as { value: { cooked: string } }[];
    return first?.value.cooked;
  }
  return undefined;
};

const callName = (callee: unknown): string | undefined => {
  if (!isNode(callee)) return undefined;
  if (callee.type === 'Identifier') return callee.name as string;
  if (callee.type === 'MemberExpression') return callName(callee.object);
  if (callee.type === 'CallExpression') return callName(callee.callee);
  return undefined;
};

/** Every module a source text reaches for: static, dynamic, type and asset imports. */
export function importsOf(text: string): string[] {
  const found: string[] = [];
  const add = (value: unknown): void => {
    const text = literal(value);
    if (text !== undefined) found.push(text);
  };
  walkSource(text, (node) => {
    if (['ImportDeclaration', 'ExportNamedDeclaration', 'ExportAllDeclaration'].includes(node.type))
      add(node.source);
    if (node.type === 'ImportExpression') add(node.source);
    if (node.type === 'TSImportType') add(node.argument);
    if (node.type === 'CallExpression') {
      const callee = node.callee as Node;
      const [first] = node.arguments as unknown[];
      if (callee.type === 'Import' || callName(callee) === 'require' || callName(callee) === 'vi') add(first);
    }
    if (node.type === 'NewExpression' && callName(node.callee) === 'URL') {
      const [first, second] = node.arguments as unknown[];
      if (isNode(second) && second.type === 'MemberExpression') add(first);
    }
  });
  return found;
}

/** Titles of the tests and groups of a test file. */
export function testTitlesOf(text: string): string[] {
  const found: string[] = [];
  walkSource(text, (node) => {
    if (node.type !== 'CallExpression') return;
    if (!['it', 'test', 'describe'].includes(callName(node.callee) ?? '')) return;
    const title = literal((node.arguments as unknown[])[0]);
    if (title !== undefined) found.push(title);
  });
  return found;
}

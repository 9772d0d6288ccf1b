import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isTest } from './rooms.ts';
import {
  addressWithPassword,
  isPlaceholder,
  looksRandom,
  materials,
  secretFile,
  secretName,
  settings,
} from './secret-patterns.ts';
import { sourceFiles } from './source-files.ts';
import { isNode, type Node, staticText, walkSource } from './syntax.ts';

export interface Secrets {
  readonly files: number;
  /** `file:line: what was found`; never the secret itself. */
  readonly violations: readonly string[];
}

interface Finding {
  readonly line: number;
  readonly what: string;
}

const lineAt = (text: string, index: number): number => text.slice(0, index).split('\n').length;

function* materialsIn(text: string): Generator<Finding> {
  for (const { what, expression } of materials)
    for (const match of text.matchAll(expression)) yield { line: lineAt(text, match.index), what };
}

/** Where the nodes that give a value to a name keep the two. */
const givings: Readonly<Record<string, readonly [target: string, value: string]>> = {
  ObjectProperty: ['key', 'value'],
  ClassProperty: ['key', 'value'],
  VariableDeclarator: ['id', 'init'],
  AssignmentExpression: ['left', 'right'],
  AssignmentPattern: ['left', 'right'],
};

/** The name and the value when a node gives a literal to a name. */
function namedLiteral(node: Node): { readonly name: string; readonly value: string } | undefined {
  const parts = givings[node.type];
  if (!parts) return undefined;
  const target = node[parts[0]];
  const value = staticText(node[parts[1]]);
  if (!isNode(target) || !value?.complete) return undefined;
  const named = target.type === 'MemberExpression' ? (target.property as Node) : target;
  const name = named.type === 'StringLiteral' ? named.value : named.name;
  return typeof name === 'string' ? { name, value: value.text } : undefined;
}

/** Literals that a program gives to a name that stands for a secret. */
function literalsIn(text: string, isReal: (value: string) => boolean): Finding[] {
  const found: Finding[] = [];
  walkSource(text, (node) => {
    const given = namedLiteral(node);
    if (given && secretName.test(given.name) && isReal(given.value))
      found.push({ line: node.loc?.start.line ?? 0, what: `a literal value of ${given.name}` });
  });
  return found;
}

function* settingsIn(text: string, isReal: (value: string) => boolean): Generator<Finding> {
  for (const expression of settings) {
    for (const { groups, index } of text.matchAll(expression)) {
      const { name = '', value = '' } = groups ?? {};
      if (secretName.test(name) && isReal(value))
        yield { line: lineAt(text, index), what: `a literal value of ${name}` };
    }
  }
}

function* addressesIn(text: string, isReal: (value: string) => boolean): Generator<Finding> {
  for (const { groups, index } of text.matchAll(addressWithPassword))
    if (isReal(groups?.value ?? '')) yield { line: lineAt(text, index), what: 'an address with a password' };
}

function findingsIn(file: string, text: string): Finding[] {
  // Tests type passwords of their own throw-away servers; there only what looks generated is taken for real.
  const isReal = (value: string): boolean =>
    value !== '' && !isPlaceholder(value) && (!isTest(file) || looksRandom(value));
  const found = [...materialsIn(text), ...addressesIn(text, isReal)];
  if (/\.[cm]?[jt]s$/.test(file)) return [...found, ...literalsIn(text, isReal)];
  // Language catalogues give the word for a password, not a password.
  if (/\.md$|(^|\/)locales\//.test(file)) return found;
  return [...found, ...settingsIn(text, isReal)];
}

/** Looks through every text file of the tree for keys, certificates and passwords. */
export function checkSecrets(root: string): Secrets {
  const files = sourceFiles(root, ['']).filter((file) => file !== 'package-lock.json');
  const violations: string[] = [];
  for (const file of files) {
    if (secretFile.test(file)) violations.push(`${file}: a file of keys, certificates or secret settings`);
    const content = readFileSync(join(root, file));
    if (content.includes(0)) continue;
    try {
      for (const { line, what } of findingsIn(file, content.toString('utf8')))
        violations.push(`${file}:${line}: ${what}`);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      violations.push(`${file}: ${error.message}`);
    }
  }
  return { files: files.length, violations };
}

/** Prints the outcome of the check. One that saw fewer than `fewest` files has not looked, and fails. */
export function runSecrets(root: string, fewest = 150): number {
  const { files, violations } = checkSecrets(root);
  for (const violation of violations) process.stderr.write(`${violation}\n`);
  if (files < fewest) process.stderr.write(`the secret check saw only ${files} files\n`);
  process.stdout.write(`${files} files, ${violations.length} violations\n`);
  return violations.length > 0 || files < fewest ? 1 : 0;
}

if (import.meta.main) process.exitCode = runSecrets(process.cwd());

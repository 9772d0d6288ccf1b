import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { faultOf, reachedBy, type Tree } from './boundary-rules.ts';
import { type ModuleReference, moduleReferences } from './module-references.ts';
import { inside, isTest, roomOf } from './rooms.ts';
import { sourceFiles } from './source-files.ts';

export interface Boundaries {
  /** How many source files were read. */
  readonly files: number;
  /** `file:line: target: why not`. */
  readonly violations: readonly string[];
}

type References = ReadonlyMap<string, readonly ModuleReference[]>;

const code = ['.ts', '.mts', '.cts', '.tsx', '.js', '.mjs', '.cjs', '.jsx'];
const declarative = ['.json', '.bpmn', '.dmn', '.md'];

interface Manifest {
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
  readonly exports?: Record<string, unknown>;
}

const readManifest = (file: string): Manifest => JSON.parse(readFileSync(file, 'utf8')) as Manifest;

/** The declaration files of a block: its `./api` entrance, `operations.ts`, and what these reach inside `src/api`. */
function declarationsOf(root: string, block: string, references: References): string[] {
  const manifest = join(root, block, 'package.json');
  const entrance = existsSync(manifest) ? readManifest(manifest).exports?.['./api'] : undefined;
  const starts = [`${block}/src/api/operations.ts`];
  if (typeof entrance === 'string') starts.push(reachedBy(`${block}/package.json`, entrance));
  const found = new Set<string>();
  const visit = (file: string): void => {
    if (found.has(file) || !references.has(file)) return;
    found.add(file);
    for (const { target } of references.get(file) ?? []) {
      const reached = reachedBy(file, target);
      if (target.startsWith('.') && inside(`${block}/src/api`, reached)) visit(reached);
    }
  };
  for (const start of starts) visit(start);
  return [...found];
}

/** Holds every import of the tree against who may know whom (docs/architecture.md). */
export function checkBoundaries(root: string): Boundaries {
  const violations: string[] = [];
  const references = new Map<string, readonly ModuleReference[]>();
  for (const file of sourceFiles(root, code)) {
    try {
      references.set(file, moduleReferences(readFileSync(join(root, file), 'utf8')));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      violations.push(`${file}: ${error.message}`);
    }
  }
  const manifest = readManifest(join(root, 'package.json'));
  const blocks = new Set([...references.keys()].map(roomOf).filter((room) => room.kind === 'block'));
  const folders = new Set([...blocks].map((room) => room.folder));
  const tree: Tree = {
    blocks: new Set([...folders].map((folder) => folder.slice('blocks/'.length))),
    runtime: new Set(Object.keys(manifest.dependencies ?? {})),
    development: new Set(Object.keys(manifest.devDependencies ?? {})),
    declarations: new Set([...folders].flatMap((folder) => declarationsOf(root, folder, references))),
  };
  for (const [file, found] of references) {
    for (const reference of found) {
      const fault = faultOf(file, reference, tree);
      if (fault) violations.push(`${file}:${reference.line}: ${reference.target}: ${fault}`);
    }
  }
  for (const file of sourceFiles(root, [''])) {
    if (roomOf(file).kind !== 'service' || isTest(file)) continue;
    if (!declarative.some((ending) => file.endsWith(ending)))
      violations.push(`${file}: a service is declared in ${declarative.join(', ')} files only`);
  }
  return { files: references.size, violations };
}

/** Prints the outcome of the check. One that saw fewer than `fewest` files has not looked, and fails. */
export function runBoundaries(root: string, fewest = 150): number {
  const { files, violations } = checkBoundaries(root);
  for (const violation of violations) process.stderr.write(`${violation}\n`);
  if (files < fewest)
    process.stderr.write(`the boundary check saw only ${files} files, at least ${fewest} expected\n`);
  process.stdout.write(`${files} files, ${violations.length} violations\n`);
  return violations.length > 0 || files < fewest ? 1 : 0;
}

if (import.meta.main) process.exitCode = runBoundaries(process.cwd());

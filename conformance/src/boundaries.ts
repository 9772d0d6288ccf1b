import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sourceFiles } from './source-files.ts';
import { importsOf } from './syntax.ts';

export interface Boundaries {
  readonly files: number;
  readonly violations: readonly string[];
}

type Room = {
  readonly kind: 'platform' | 'block' | 'app' | 'country' | 'conformance' | 'bench' | 'service' | 'root';
  readonly folder: string;
};

const roomOf = (file: string): Room => {
  const [first = '', second = ''] = file.split('/');
  if (first === 'blocks') return { kind: 'block', folder: `blocks/${second}` };
  if (first === 'apps') return { kind: 'app', folder: `apps/${second}` };
  if (first === 'services') return { kind: 'service', folder: `services/${second}` };
  if (first === 'platform' || first === 'country' || first === 'conformance' || first === 'bench')
    return { kind: first, folder: first };
  return { kind: 'root', folder: '' };
};

const isTest = (file: string): boolean => /(^|\/)test\//.test(file);

/** The composition root: the only program that may put blocks into a node. */
const compositionRoot = 'apps/cli';

interface Packages {
  readonly blocks: ReadonlySet<string>;
  readonly runtime: ReadonlySet<string>;
  readonly development: ReadonlySet<string>;
}

function workspaceImport(file: string, room: Room, target: string, packages: Packages): string | undefined {
  const [, name = '', ...rest] = target.split('/');
  const deeper = rest.join('/');
  if (name === 'platform') {
    return deeper === 'testing' && !isTest(file) && room.kind !== 'platform' && room.kind !== 'bench'
      ? 'uses the platform test kit outside tests'
      : undefined;
  }
  if (room.kind === 'platform') return 'the platform may know nothing above it';
  if (packages.blocks.has(name)) {
    if (room.folder === `blocks/${name}`) return undefined;
    if (room.kind === 'block') return 'a block may not import a block';
    if (deeper === 'api') return undefined;
    if (deeper === '' && (room.folder === compositionRoot || room.kind === 'bench')) return undefined;
    return `only the published API (@govstack/${name}/api) may be imported`;
  }
  if (room.kind === 'block') return 'a block may import only the platform';
  return undefined;
}

function npmImport(file: string, room: Room, target: string, packages: Packages): string | undefined {
  const name = target.startsWith('@')
    ? target.split('/').slice(0, 2).join('/')
    : (target.split('/')[0] as string);
  if (packages.runtime.has(name)) return undefined;
  const development =
    isTest(file) || file.includes('/src/testing/') || ['conformance', 'bench', 'root'].includes(room.kind);
  if (packages.development.has(name)) return development ? undefined : `${name} is a development dependency`;
  return `${name} is not declared in package.json`;
}

function judge(file: string, target: string, packages: Packages): string | undefined {
  const room = roomOf(file);
  if (room.kind === 'service' && !isTest(file)) return 'services are declarations, not code';
  const declaration =
    room.kind === 'block' && file.startsWith(`${room.folder}/src/api/`) && file.endsWith('operations.ts');
  if (target.startsWith('.')) {
    const reached = normalize(join(dirname(file), target));
    if (room.folder !== '' && !reached.startsWith(`${room.folder}/`))
      return 'a relative import may not leave its package';
    if (declaration && !reached.startsWith(`${room.folder}/src/api/`))
      return 'API declarations may not import the domain';
    const dialect = `${room.folder}/src/api/compliance/`;
    const entry =
      file.startsWith(`${room.folder}/src/api/`) || file === `${room.folder}/src/block.ts` || isTest(file);
    if (room.kind === 'block' && reached.startsWith(dialect) && !entry)
      return 'nothing in the domain may know a compliance dialect';
    return undefined;
  }
  if (target.startsWith('node:')) return undefined;
  if (target.startsWith('@govstack/')) {
    if (declaration && target !== '@govstack/platform/operation')
      return 'API declarations import only @govstack/platform/operation';
    return workspaceImport(file, room, target, packages);
  }
  return npmImport(file, room, target, packages);
}

/** Every import of the tree held against the directions in which rooms may know each other (docs/architecture.md). */
export function checkBoundaries(root: string): Boundaries {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
    string,
    Record<string, string>
  >;
  const files = sourceFiles(root, ['.ts', '.mts', '.js', '.mjs']).filter(
    (file) => !file.startsWith('shared/'),
  );
  const packages: Packages = {
    blocks: new Set(
      files.filter((file) => file.startsWith('blocks/')).map((file) => file.split('/')[1] as string),
    ),
    runtime: new Set(Object.keys(manifest.dependencies ?? {})),
    development: new Set(Object.keys(manifest.devDependencies ?? {})),
  };
  const violations: string[] = [];
  for (const file of files) {
    if (roomOf(file).kind === 'service' && !isTest(file))
      violations.push(`${file}: services are declarations, not code`);
    for (const target of importsOf(readFileSync(join(root, file), 'utf8'))) {
      const fault = judge(file, target, packages);
      if (fault) violations.push(`${file}: ${target}: ${fault}`);
    }
  }
  return { files: files.length, violations };
}

/** Runs the check and prints the outcome; a check that saw hardly any file has failed. */
export function runBoundaries(root: string, fewest = 50): number {
  if (!existsSync(join(root, 'platform'))) throw new Error(`${root} is not the project`);
  const { files, violations } = checkBoundaries(root);
  for (const violation of violations) process.stderr.write(`${violation}\n`);
  if (files < fewest) process.stderr.write(`boundary check saw only ${files} files\n`);
  process.stdout.write(`boundaries: ${files} files, ${violations.length} violations\n`);
  return violations.length > 0 || files < fewest ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = runBoundaries(process.cwd());

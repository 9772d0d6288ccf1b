import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sourceFiles } from './source-files.ts';
import { testTitlesOf } from './syntax.ts';

export interface Requirement {
  readonly id: string;
  readonly level: string;
  readonly area: string;
  readonly text: string;
  readonly block: string;
}

export interface Proof {
  readonly file: string;
  readonly title: string;
}

export interface Matrix {
  readonly requirements: readonly Requirement[];
  readonly proofs: ReadonlyMap<string, readonly Proof[]>;
  /** Ids in test titles that no requirement has. */
  readonly unknown: readonly string[];
}

/** The requirement tables, one per block. */
export function readRequirements(folder: string): Requirement[] {
  return sourceFiles(folder, ['.tsv']).flatMap((file) => {
    const [, ...rows] = readFileSync(join(folder, file), 'utf8').trimEnd().split('\n');
    return rows.map((row) => {
      const [id = '', level = '', area = '', text = ''] = row.split('\t');
      return { id, level, area, text, block: basename(file, '.tsv') };
    });
  });
}

/** Requirement ids at the start of a title: `[A-1][B-2] …` or `[A-1, B-2] …`. */
export function idsInTitle(title: string): string[] {
  const start = /^((?:\[[^\]]+\]\s*)+)/.exec(title)?.[1] ?? '';
  return [...start.matchAll(/[A-Z]+-[A-Za-z0-9.-]+/g)].map((match) => match[0]);
}

/** Which tests claim which requirement. */
export function readMatrix(root: string): Matrix {
  const requirements = readRequirements(join(root, 'conformance/requirements'));
  const known = new Set(requirements.map((requirement) => requirement.id));
  const proofs = new Map<string, Proof[]>();
  const unknown: string[] = [];
  for (const file of sourceFiles(root, ['.test.ts'])) {
    for (const title of testTitlesOf(readFileSync(join(root, file), 'utf8'))) {
      for (const id of idsInTitle(title)) {
        if (known.has(id)) proofs.set(id, [...(proofs.get(id) ?? []), { file, title }]);
        else unknown.push(`${file}: ${id} is in no requirement table`);
      }
    }
  }
  return { requirements, proofs, unknown };
}

interface TestResult {
  readonly file: string;
  readonly title: string;
  readonly state: string;
}

const readResults = (root: string): readonly TestResult[] => {
  const file = join(root, '.govstack/test-results.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { tests: TestResult[] }).tests : [];
};

/** Prints totals per block, or every row of one block. Exit code 1 when a test names an unknown id. */
export function runRequirements(argv: readonly string[], root: string): number {
  const matrix = readMatrix(root);
  const failed = new Set(
    readResults(root)
      .filter((result) => result.state !== 'passed')
      .flatMap((result) => idsInTitle(result.title)),
  );
  const block = argv[argv.indexOf('--block') + 1];
  if (argv.includes('--json')) {
    const rows = matrix.requirements.map((row) => ({ ...row, tests: matrix.proofs.get(row.id) ?? [] }));
    process.stdout.write(`${JSON.stringify(rows, undefined, 2)}\n`);
  } else if (argv.includes('--block')) {
    for (const row of matrix.requirements.filter((candidate) => candidate.block === block)) {
      const proofs = matrix.proofs.get(row.id) ?? [];
      const state = proofs.length === 0 ? 'open' : failed.has(row.id) ? 'FAILED' : 'proven';
      process.stdout.write(`${row.id.padEnd(16)} ${row.level.padEnd(12)} ${state.padEnd(7)} ${row.text}\n`);
      for (const proof of proofs) process.stdout.write(`${' '.repeat(18)}${proof.file}: ${proof.title}\n`);
    }
  } else {
    const levels = ['REQUIRED', 'RECOMMENDED', 'OPTIONAL'];
    process.stdout.write(`${'block'.padEnd(22)}${levels.map((level) => level.padEnd(16)).join('')}\n`);
    for (const name of [...new Set(matrix.requirements.map((row) => row.block))]) {
      const rows = matrix.requirements.filter((row) => row.block === name);
      const cells = levels.map((level) => {
        const of = rows.filter((row) => row.level === level);
        return `${of.filter((row) => matrix.proofs.has(row.id)).length} / ${of.length}`.padEnd(16);
      });
      process.stdout.write(`${name.padEnd(22)}${cells.join('')}\n`);
    }
    process.stdout.write('proven / all; --block NAME lists every row with its tests\n');
  }
  for (const fault of matrix.unknown) process.stderr.write(`${fault}\n`);
  return matrix.unknown.length > 0 ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = runRequirements(process.argv.slice(2), process.cwd());
}

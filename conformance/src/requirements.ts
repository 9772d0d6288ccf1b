import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Matrix, type Row, readMatrix } from './requirement-matrix.ts';
import { levels } from './requirement-tables.ts';
import { readResults, resultsFile } from './test-results.ts';

const line = (...cells: readonly string[]): string =>
  cells
    .map((cell, index) => cell.padEnd(index === 0 ? 22 : 16))
    .join('')
    .trimEnd();

const tally = (rows: readonly Row[]): string =>
  rows.length === 0 ? '-' : `${rows.filter((row) => row.state === 'proven').length} / ${rows.length}`;

const count = (rows: readonly Row[], state: Row['state']): string => {
  const found = rows.filter((row) => row.state === state).length;
  return found === 0 ? '-' : String(found);
};

const totalsOf = (name: string, rows: readonly Row[]): string =>
  line(
    name,
    ...levels.map((level) => tally(rows.filter((row) => row.level === level))),
    count(rows, 'failed'),
    count(rows, 'claimed'),
  );

function totals(rows: readonly Row[]): string[] {
  const blocks = [...new Set(rows.map((row) => row.block))];
  return [
    line('', ...levels, 'failed', 'not run'),
    ...blocks.map((block) =>
      totalsOf(
        block,
        rows.filter((row) => row.block === block),
      ),
    ),
    totalsOf('all', rows),
    '',
    'proven / all: a row is proven when every test that claims it passed in the last run.',
    '--block NAME lists every row with its tests, --json is for programs.',
  ];
}

const details = (rows: readonly Row[]): string[] =>
  rows.flatMap((row) => [
    `${row.id.padEnd(16)} ${row.level.padEnd(12)} ${row.state.padEnd(8)} ${row.text}`,
    ...row.proofs.map((proof) => `    ${proof.state.padEnd(8)} ${proof.file}: ${proof.title}`),
  ]);

function print(matrix: Matrix, block: string | undefined, json: boolean): void {
  const rows = matrix.rows.filter((row) => block === undefined || row.block === block);
  const text = json ? JSON.stringify(rows, undefined, 2) : (block ? details(rows) : totals(rows)).join('\n');
  process.stdout.write(`${text}\n`);
}

/** Reads the command line; a text is what is wrong with it. */
function options(argv: readonly string[]): { block?: string; json?: boolean; results?: string } | string {
  try {
    return parseArgs({
      args: [...argv],
      options: { block: { type: 'string' }, json: { type: 'boolean' }, results: { type: 'string' } },
    }).values;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * `./govstack requirements [--block NAME] [--json] [--results FILE]`: which requirement is proven by which test.
 * FILE holds the results of a test run, relative to where the caller stands; by default those of the last run.
 *
 * @returns 0; 1 when a test claims an id that no requirement has; 2 when the command line is wrong.
 */
export async function runRequirements(
  argv: readonly string[],
  root: string = process.cwd(),
): Promise<number> {
  const given = options(argv);
  const refuse = (why: string): number => {
    process.stderr.write(`${why}\n`);
    return 2;
  };
  if (typeof given === 'string') return refuse(given);
  const file = resolve(
    ...(given.results ? [process.env.GOVSTACK_CWD ?? root, given.results] : [root, resultsFile]),
  );
  const results = readResults(file);
  if (given.results && !results) return refuse(`${file} holds no test results`);
  const matrix = readMatrix(root, results);
  const blocks = [...new Set(matrix.rows.map((row) => row.block))];
  if (given.block !== undefined && !blocks.includes(given.block))
    return refuse(`there are no requirements of ${given.block}; there are those of ${blocks.join(', ')}`);
  print(matrix, given.block, given.json ?? false);
  if (!results) process.stderr.write('no test has run yet: ./govstack test\n');
  for (const fault of matrix.unknown) process.stderr.write(`${fault}\n`);
  return matrix.unknown.length > 0 ? 1 : 0;
}

if (import.meta.main) process.exitCode = await runRequirements(process.argv.slice(2));

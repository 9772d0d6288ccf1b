import { join } from 'node:path';
import { runQuietly, runVisibly } from './run-program.ts';
import { readResults, resultsFile } from './test-results.ts';

export interface Stage {
  readonly name: string;
  /** Program and arguments, relative to the root. */
  readonly command: readonly string[];
}

const node = 'node_modules/.bin/node';

/** What is checked before the tests. */
export const stages: readonly Stage[] = [
  // Several checkers would each work out most types anew: on two cores that costs more than it saves.
  { name: 'types', command: ['node_modules/.bin/tsc', '--noEmit', '--checkers', '1', '-p', '.'] },
  { name: 'lint', command: ['node_modules/.bin/biome', 'ci', '--colors=off', '.'] },
  { name: 'boundaries', command: [node, 'conformance/src/boundaries.ts'] },
  { name: 'requirement ids', command: [node, 'conformance/src/requirements.ts'] },
  { name: 'licences', command: [node, 'conformance/src/licences.ts'] },
  { name: 'secrets', command: [node, 'conformance/src/secrets.ts'] },
];

const mostLines = 100;

/** What a failed stage has to say, no longer than somebody reads. */
function shortened(text: string): string {
  const lines = text.trimEnd().split('\n');
  const more = lines.length - mostLines;
  return [...lines.slice(0, mostLines), ...(more > 0 ? [`… and ${more} lines more`] : [])].join('\n');
}

/** Runs the stages side by side and prints them in order; answers the names of those that failed. */
export async function runStages(root: string, all: readonly Stage[]): Promise<string[]> {
  const failed: string[] = [];
  const running = all.map(async ({ name, command }) => {
    const started = performance.now();
    const outcome = await runQuietly(root, command);
    return { name, outcome, seconds: (performance.now() - started) / 1000 };
  });
  for (const stage of running) {
    const { name, outcome, seconds } = await stage;
    const passed = outcome.code === 0;
    process.stdout.write(`${passed ? 'ok    ' : 'FAILED'}  ${name}  ${seconds.toFixed(1)} s\n`);
    if (passed) continue;
    failed.push(name);
    // A program that has something to complain about says it on its error output; tsc says everything on the other.
    process.stdout.write(`${shortened(outcome.errors.trim() === '' ? outcome.output : outcome.errors)}\n`);
  }
  return failed;
}

/**
 * `./govstack test`: types, lint, boundaries, requirement ids, licences and secrets, then every test. With arguments
 * only the tests run, and Vitest gets the arguments. The last line is `N passed, M failed` as the runner counted; a
 * stage that failed, or a runner that ended badly without naming a failure, counts as one failure.
 *
 * @returns 0 when nothing failed, otherwise 1
 */
export async function runTests(argv: readonly string[], root: string = process.cwd()): Promise<number> {
  const failedStages = argv.length === 0 ? await runStages(root, stages) : [];
  const started = new Date().toISOString();
  const { code } = await runVisibly(root, [node, 'node_modules/vitest/vitest.mjs', 'run', ...argv]);
  const results = readResults(join(root, resultsFile));
  const counted = results && results.finished >= started ? results : undefined;
  const failedTests = Math.max(counted?.failed ?? 0, code === 0 ? 0 : 1);
  const failed = failedStages.length + failedTests;
  if (failedStages.length > 0) process.stdout.write(`failed before the tests: ${failedStages.join(', ')}\n`);
  // The reporter's own line stands unless there is more to count.
  if (failed !== counted?.failed && (counted || failed > 0))
    process.stdout.write(`${counted?.passed ?? 0} passed, ${failed} failed\n`);
  return failed > 0 ? 1 : 0;
}

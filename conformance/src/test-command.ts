import { spawn } from 'node:child_process';
import { join } from 'node:path';

interface Stage {
  readonly name: string;
  readonly command: readonly string[];
}

const stages: readonly Stage[] = [
  { name: 'types', command: ['node_modules/.bin/tsc', '--noEmit', '-p', '.'] },
  { name: 'lint', command: ['node_modules/.bin/biome', 'ci', '--colors=off', '.'] },
  { name: 'boundaries', command: ['node_modules/.bin/node', 'conformance/src/boundaries.ts'] },
  { name: 'requirement ids', command: ['node_modules/.bin/node', 'conformance/src/requirements.ts'] },
];

function run(
  root: string,
  command: readonly string[],
  quiet: boolean,
): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const [file = '', ...args] = command;
    const child = spawn(join(root, file), args, {
      cwd: root,
      stdio: ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'],
    });
    let output = '';
    child.stdout?.on('data', (data) => (output += data));
    child.stderr?.on('data', (data) => (output += data));
    child.on('error', (error) => resolve({ code: 1, output: error.message }));
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

/**
 * `./govstack test`: types, lint, boundaries, requirement ids, then all tests. With arguments only the tests run and
 * get them. The last line is always the runner's `N passed, M failed`; a failed check makes the exit code 1.
 */
export async function runTests(argv: readonly string[], root: string): Promise<number> {
  let failed = false;
  if (argv.length === 0) {
    for (const stage of stages) {
      const { code, output } = await run(root, stage.command, true);
      process.stdout.write(`${code === 0 ? 'ok' : 'FAILED'}  ${stage.name}\n`);
      if (code !== 0) {
        failed = true;
        process.stdout.write(`${output}\n`);
      }
    }
  }
  const tests = await run(
    root,
    ['node_modules/.bin/node', 'node_modules/vitest/vitest.mjs', 'run', ...argv],
    false,
  );
  return failed || tests.code !== 0 ? 1 : 0;
}

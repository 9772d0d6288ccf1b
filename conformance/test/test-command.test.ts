import { expect, it } from 'vitest';
import { stages } from '../src/test-command.ts';
import { project, type Run, runNode } from './fixtures/project.ts';

const good = { 'a.test.ts': `import { it } from 'vitest'; it('good', () => {});` };

/** `./govstack test` in a project. */
const runTests = (folder: string, ...args: readonly string[]): Promise<Run> =>
  runNode(folder, [
    '--input-type=module',
    '--eval',
    `import { runTests } from './conformance/src/index.ts';
     process.exitCode = await runTests(${JSON.stringify(args)});`,
  ]);

it('with arguments only the tests run, and their count stands on the last line', async () => {
  const { code, output, lastLine } = await runTests(project(good), 'a.test.ts');
  expect({ code, lastLine }).toEqual({ code: 0, lastLine: '1 passed, 0 failed' });
  expect(output).not.toContain('lint');
  expect(output.match(/\d+ passed, \d+ failed/g)).toHaveLength(1);
});

it('every failed check counts as a failure, says what is wrong, and the tests run all the same', async () => {
  const folder = project({
    ...good,
    'package-lock.json': '{"packages":{"node_modules/a":{"license":"GPL-3.0-only"}}}',
    'platform/test/b.test.ts': `import { it } from 'vitest'; it('[PAY-0.0.0] pays', () => {});`,
    'platform/src/a.ts': `import '@govstack/payments';`,
    'tsconfig.json': '{"files":["wrong.ts"]}',
    'wrong.ts': 'const count: number = "one";',
    'biome.json': '{"files":{"includes":["wrong.ts"]}}',
  });
  const { code, output, lastLine } = await runTests(folder);
  for (const { name } of stages) expect(output).toMatch(new RegExp(`^FAILED {2}${name} {2}`, 'm'));
  expect(output).toContain(`Type 'string' is not assignable to type 'number'`);
  expect(output).toContain('platform/src/a.ts:1: @govstack/payments: the platform may not know');
  expect(output).toContain('[PAY-0.0.0] is in no requirement table');
  expect(output).toContain('a: GPL-3.0-only: not accepted');
  expect(output).toContain(`failed before the tests: ${stages.map(({ name }) => name).join(', ')}\n`);
  expect({ code, lastLine }).toEqual({ code: 1, lastLine: `2 passed, ${stages.length} failed` });
});

it('a runner that ends badly is one failure', async () => {
  const { code, lastLine } = await runTests(
    project({ ...good, 'vitest.config.ts': 'export default {' }),
    'a.test.ts',
  );
  expect({ code, lastLine }).toEqual({ code: 1, lastLine: '0 passed, 1 failed' });
});

it('a run that finds no test is a failure', async () => {
  const { code, lastLine } = await runTests(project(good), 'nothing.test.ts');
  expect({ code, lastLine }).toEqual({ code: 1, lastLine: '0 passed, 1 failed' });
});

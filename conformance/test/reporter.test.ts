import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readResults, resultsFile, type TestResults } from '../src/test-results.ts';
import { project, runVitest } from './fixtures/project.ts';

const suite = (body: string): string =>
  `import { afterAll, beforeAll, describe, expect, it } from 'vitest';\n${body}`;

const results = (folder: string): TestResults => {
  const found = readResults(join(folder, resultsFile));
  if (!found) throw new Error('no results');
  return found;
};

it('counts what passed, says so on the last line and keeps the results', async () => {
  const folder = project({
    'a.test.ts': suite(`describe('group', () => { it('one', () => {}); }); it('two', () => {});`),
  });
  const { code, lastLine } = await runVitest(folder);
  expect({ code, lastLine }).toEqual({ code: 0, lastLine: '2 passed, 0 failed' });
  expect(results(folder)).toMatchObject({
    passed: 2,
    failed: 0,
    tests: [
      { file: 'a.test.ts', title: ['group', 'one'], state: 'passed', milliseconds: expect.any(Number) },
      { file: 'a.test.ts', title: ['two'], state: 'passed' },
    ],
  });
  expect(Date.parse(results(folder).finished)).toBeGreaterThan(Date.now() - 60_000);
});

it('counts failures, and tests that did not run as failures', async () => {
  const folder = project({
    'a.test.ts': suite(`
      it('good', () => {});
      it('bad', () => { expect(1).toBe(2); });
      it.skip('left out', () => {});
      it.todo('to be written');
      it('gives up', (context) => context.skip());`),
  });
  const { code, lastLine, output } = await runVitest(folder);
  expect({ code, lastLine }).toEqual({ code: 1, lastLine: '1 passed, 4 failed' });
  for (const title of ['left out', 'to be written', 'gives up'])
    expect(output).toContain(`not run, counted as failed: a.test.ts: ${title}`);
});

it('a skipped test alone makes the run fail', async () => {
  const folder = project({ 'a.test.ts': suite(`it('good', () => {}); it.skip('left out', () => {});`) });
  const { code, lastLine } = await runVitest(folder);
  expect({ code, lastLine }).toEqual({ code: 1, lastLine: '1 passed, 1 failed' });
});

it('counts every error outside a test as a failure', async () => {
  const folder = project({
    'module.test.ts': suite(`it('never known', () => {}); throw new Error('at load');`),
    'rejection.test.ts': suite(`it('good', () => { Promise.reject(new Error('late')); });`),
    'file.test.ts': suite(`it('good', () => {}); afterAll(() => { throw new Error('after'); });`),
    'after.test.ts': suite(
      `describe('g', () => { it('good', () => {}); afterAll(() => { throw new Error('after'); }); });`,
    ),
    // The test does not run and the hook failed: two failures.
    'before.test.ts': suite(
      `describe('g', () => { beforeAll(() => { throw new Error('before'); }); it('good', () => {}); });`,
    ),
  });
  const { code, lastLine } = await runVitest(folder);
  expect({ code, lastLine }).toEqual({ code: 1, lastLine: '3 passed, 6 failed' });
});

it('a run of some tests counts those and keeps the results of the others', async () => {
  const two = suite(`it('first', () => {}); it('second', () => {});`);
  const folder = project({ 'a.test.ts': two, 'b.test.ts': two, 'c.test.ts': two });
  expect((await runVitest(folder)).lastLine).toBe('6 passed, 0 failed');
  rmSync(join(folder, 'c.test.ts'));
  expect((await runVitest(folder, 'a.test.ts', '-t', 'first')).lastLine).toBe('1 passed, 0 failed');
  expect(
    results(folder)
      .tests.map((test) => `${test.file} ${test.title}: ${test.state}`)
      .sort(),
  ).toEqual([
    'a.test.ts first: passed',
    'a.test.ts second: passed',
    'b.test.ts first: passed',
    'b.test.ts second: passed',
  ]);
  expect((await runVitest(folder, 'b.test.ts')).lastLine).toBe('2 passed, 0 failed');
  expect(results(folder).tests).toHaveLength(4);
});

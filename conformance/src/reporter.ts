import { mkdirSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { Reporter, TestModule } from 'vitest/node';

/**
 * Counts what the runner really ran. A skipped or to-do test counts as failed (there are none here), an error outside
 * a test counts as one failure. Prints `N passed, M failed` as the last line and keeps the results for the matrix.
 */
export default class CountingReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const tests = modules.flatMap((module) =>
      [...module.children.allTests()].map((test) => ({
        file: relative(process.cwd(), module.moduleId),
        title: test.name,
        state: test.result().state,
        ms: Math.round(test.diagnostic()?.duration ?? 0),
      })),
    );
    const broken = modules.filter((module) => module.errors().length > 0).length;
    const passed = tests.filter((test) => test.state === 'passed').length;
    const failed = tests.length - passed + errors.length + broken;
    for (const test of tests.filter((one) => one.state === 'skipped' || one.state === 'pending')) {
      process.stdout.write(`not run: ${test.file}: ${test.title}\n`);
    }
    mkdirSync('.govstack', { recursive: true });
    writeFileSync('.govstack/test-results.json', JSON.stringify({ passed, failed, tests }));
    process.on('exit', () => process.stdout.write(`${passed} passed, ${failed} failed\n`));
  }
}

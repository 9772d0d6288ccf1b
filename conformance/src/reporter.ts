import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Reporter, TestCase, TestModule, TestSuite, Vitest } from 'vitest/node';
import { readResults, resultsFile, resultsKept, type TestResult, writeResults } from './test-results.ts';

function titleOf(test: TestCase): string[] {
  const title = [test.name];
  for (let group: TestSuite | TestModule = test.parent; group.type === 'suite'; group = group.parent)
    title.unshift(group.name);
  return title;
}

/**
 * Counts what Vitest really ran and says `N passed, M failed` on the last line. There are no skipped tests in this
 * project, so one that did not run counts as failed, and so does every error outside a test: in a hook, in a module,
 * unhandled. Only when a name or a line picks tests out are the others left out of the count. Keeps the results for
 * the requirement matrix.
 */
export default class CountingReporter implements Reporter {
  private root = process.cwd();
  private narrowed = false;
  private summary: string | undefined;

  onInit(vitest: Vitest): void {
    this.root = vitest.config.root;
    this.narrowed =
      vitest.config.testNamePattern !== undefined || process.argv.some((word) => /\.ts:\d+$/.test(word));
    process.once('exit', () => {
      if (this.summary !== undefined) process.stdout.write(`${this.summary}\n`);
    });
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()].map((test) => this.read(test)));
    const counted = this.narrowed ? tests.filter((test) => test.state !== 'skipped') : tests;
    for (const test of counted.filter((one) => one.state === 'skipped'))
      process.stdout.write(`not run, counted as failed: ${test.file}: ${test.title.join(' > ')}\n`);

    const groups = modules.flatMap((module) => [module, ...module.children.allSuites()]);
    const outside = groups.filter((group) => group.errors().length > 0).length + unhandled.length;
    const passed = counted.filter((test) => test.state === 'passed').length;
    const failed = counted.length - passed + outside;
    if (failed > 0) process.exitCode = 1;

    const file = join(this.root, resultsFile);
    const kept = resultsKept(
      readResults(file)?.tests ?? [],
      counted,
      (name) => existsSync(join(this.root, name)),
      this.narrowed,
    );
    writeResults(file, { finished: new Date().toISOString(), passed, failed, tests: [...kept, ...counted] });
    this.summary = `${passed} passed, ${failed} failed`;
  }

  private read(test: TestCase): TestResult {
    const { state } = test.result();
    return {
      file: relative(this.root, test.module.moduleId),
      title: titleOf(test),
      state: state === 'pending' ? 'skipped' : state,
      milliseconds: Math.round(test.diagnostic()?.duration ?? 0),
    };
  }
}

import { existsSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const reporter = './conformance/src/reporter.ts';

/** What starts the whole country takes longest and comes first, so that no worker is alone at the end of a run. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification): boolean => moduleId.includes('/apps/cli/test/');
    return [...sorted.filter(isLong), ...sorted.filter((one) => !isLong(one))];
  }
}

export default defineConfig({
  test: {
    include: [
      '{platform,country,conformance}/test/**/*.test.ts',
      '{blocks,apps,services}/*/test/**/*.test.ts',
    ],
    globalSetup: ['./platform/src/testing/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    // Ends what hangs; a busy machine may take ten times as long as a quiet one.
    testTimeout: 120_000,
    hookTimeout: 300_000,
    // What is waited for comes in milliseconds on a quiet machine.
    expect: { poll: { timeout: 30_000 } },
    reporters: existsSync(reporter) ? ['default', reporter] : ['default'],
  },
});

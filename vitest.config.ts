import { existsSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

const reporter = './conformance/src/reporter.ts';

export default defineConfig({
  test: {
    include: [
      '{platform,country,conformance}/test/**/*.test.ts',
      '{blocks,apps,services}/*/test/**/*.test.ts',
    ],
    globalSetup: ['./platform/src/testing/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // Ends what hangs; a busy machine may take ten times as long as a quiet one.
    testTimeout: 120_000,
    hookTimeout: 300_000,
    // What is waited for comes in milliseconds on a quiet machine.
    expect: { poll: { timeout: 30_000 } },
    reporters: existsSync(reporter) ? ['default', reporter] : ['default'],
  },
});

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
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: existsSync(reporter) ? ['default', reporter] : ['default'],
  },
});

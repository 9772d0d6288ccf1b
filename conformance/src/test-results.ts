import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

export interface TestResult {
  /** Relative to the root of the project. */
  readonly file: string;
  /** Titles of the groups and of the test, from the outside in. */
  readonly title: readonly string[];
  readonly state: 'passed' | 'failed' | 'skipped';
  readonly milliseconds: number;
}

export interface TestResults {
  /** When the last run ended, UTC. */
  readonly finished: string;
  /** What the last run counted. */
  readonly passed: number;
  readonly failed: number;
  /** The last result of every test, also of those that the last run left out. */
  readonly tests: readonly TestResult[];
}

/** Where the last results stand, relative to the root. */
export const resultsFile = '.govstack/test-results.json';

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

const isResults = (value: unknown): value is TestResults =>
  isObject(value) &&
  typeof value.finished === 'string' &&
  Array.isArray(value.tests) &&
  value.tests.every((test) => isObject(test) && Array.isArray(test.title));

/** The results a test run left behind; undefined when the file is missing or holds something else. */
export function readResults(file: string): TestResults | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return isResults(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Replaces the results as a whole, so that no reader finds half of them. */
export function writeResults(file: string, results: TestResults): void {
  mkdirSync(dirname(file), { recursive: true });
  const fresh = `${file}.${process.pid}`;
  writeFileSync(fresh, `${JSON.stringify(results)}\n`);
  renameSync(fresh, file);
}

/** The earlier results of tests that a run left out: other files that still exist, other tests of a narrowed run. */
export function resultsKept(
  earlier: readonly TestResult[],
  ran: readonly TestResult[],
  exists: (file: string) => boolean,
  narrowed: boolean,
): TestResult[] {
  const key = (test: TestResult): string => (narrowed ? JSON.stringify([test.file, test.title]) : test.file);
  const replaced = new Set(ran.map(key));
  return earlier.filter((test) => !replaced.has(key(test)) && exists(test.file));
}

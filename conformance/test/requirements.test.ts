import { fileURLToPath } from 'node:url';
import { expect, it, vi } from 'vitest';
import { claimedIds, readMatrix, testFiles } from '../src/requirement-matrix.ts';
import { readRequirements } from '../src/requirement-tables.ts';
import { runRequirements } from '../src/requirements.ts';
import { resultsFile, type TestResult } from '../src/test-results.ts';
import { tree } from './fixtures/tree.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const header = 'id\tlevel\tarea\trequirement\n';
const tables = {
  'conformance/requirements/payments.tsv': `${header}PAY-1\tREQUIRED\tx\tOne\nPAY-2.1-a\tOPTIONAL\tx\tTwo\n`,
  'conformance/requirements/consent.tsv': `${header}CON-1\tRECOMMENDED\tx\tThree\n`,
};

const results = (...tests: readonly TestResult[]): string =>
  JSON.stringify({ finished: '2026-01-01T00:00:00.000Z', passed: 0, failed: 0, tests });
const result = (title: readonly string[], state: TestResult['state']): TestResult => ({
  file: 'platform/test/a.test.ts',
  title,
  state,
  milliseconds: 1,
});

/** Runs the command and answers what it wrote. */
async function run(argv: readonly string[], at: string): Promise<{ code: number; out: string; err: string }> {
  const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const err = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    const code = await runRequirements(argv, at);
    const written = (spy: typeof out): string => spy.mock.calls.map(([text]) => String(text)).join('');
    return { code, out: written(out), err: written(err) };
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
}

const proofsOf = (title: string): string[] =>
  readMatrix(tree({ ...tables, 'platform/test/a.test.ts': title }))
    .rows.filter((row) => row.proofs.length > 0)
    .map((row) => row.id);

it('every test of the tree claims ids that exist, and the tables are sound', () => {
  expect(readMatrix(root).unknown).toEqual([]);
  expect(readRequirements(`${root}/conformance/requirements`).length).toBeGreaterThan(1600);
  expect(testFiles(root)).toContain('conformance/test/requirements.test.ts');
});

it.each([
  ['[PAY-1] pays', ['PAY-1']],
  ['[PAY-1][CON-1] pays', ['PAY-1', 'CON-1']],
  ['[PAY-1] [CON-1] pays', ['PAY-1', 'CON-1']],
  ['[PAY-1, CON-1] pays', ['PAY-1', 'CON-1']],
  ['pays [PAY-1] later', []],
  ['pays', []],
])('%s', (title, ids) => {
  expect(claimedIds(title)).toEqual(ids);
});

it.each([
  ['a test', `it('[PAY-1] pays', () => {});`],
  ['a group', `describe('[PAY-1] paying', () => {});`],
  ['a table', `it.each([1, 2])('[PAY-1] pays %i', () => {});`],
  ['a template', `test(\`[PAY-1] pays \${amount}\`, () => {});`],
  ['a modifier', `describe.concurrent('[PAY-1] paying', () => {});`],
])('a claim is found in the title of %s', (_, text) => {
  expect(proofsOf(text)).toEqual(['PAY-1']);
});

it.each([
  ['a comment', `// it('[PAY-1] pays', () => {});`],
  ['a string', `const text = "it('[PAY-1] pays')";`],
  ['another call', `log('[PAY-1] pays');`],
])('%s claims nothing', (_, text) => {
  expect(proofsOf(text)).toEqual([]);
});

it('only test files of packages and services can claim', () => {
  const claim = `it('[PAY-1] pays', () => {});`;
  const files = ['blocks/a/test/x/a.test.ts', 'services/s/test/a.test.ts', 'country/test/a.test.ts'];
  const others = ['blocks/a/src/a.test.ts', 'platform/test/a.ts', 'docs/a.test.ts'];
  const at = tree({ ...tables, ...Object.fromEntries([...files, ...others].map((file) => [file, claim])) });
  expect(testFiles(at)).toEqual(files.sort());
});

it('a test file claims what stands in modules beside it that it imports', () => {
  const { rows } = readMatrix(
    tree({
      ...tables,
      'platform/test/a.test.ts': "import { paying } from './parts/paying.ts';\npaying();",
      'platform/test/parts/paying.ts': "export const paying = () => { it('[PAY-1] pays', () => {}); };",
      'platform/test/parts/other.ts': "export const other = () => { it('[CON-1] asks', () => {}); };",
    }),
  );
  const claimed = rows.filter((row) => row.proofs.length > 0);
  expect(claimed.map((row) => row.id)).toEqual(['PAY-1']);
  expect(claimed[0]?.proofs[0]?.file).toBe('platform/test/a.test.ts');
});

it('fails on an id that no requirement has, and says where', async () => {
  const at = tree({ ...tables, 'platform/test/a.test.ts': `it('[PAY-1][PAY-9] pays', () => {});` });
  const { code, err } = await run([], at);
  expect(code).toBe(1);
  expect(err).toContain('platform/test/a.test.ts: [PAY-9] is in no requirement table');
});

const claims = `
  describe('[CON-1] consent', () => { it('is asked', () => {}); it('is kept', () => {}); });
  it('[PAY-1] pays', () => {});
  it.each([1, 2])('[PAY-2.1-a] pays %i', () => {});`;
const asked = result(['[CON-1] consent', 'is asked'], 'passed');
const pays = result(['[PAY-1] pays'], 'passed');
const states = (...tests: readonly TestResult[]): Record<string, string> =>
  Object.fromEntries(
    readMatrix(tree({ ...tables, 'platform/test/a.test.ts': claims }), {
      finished: '',
      passed: 0,
      failed: 0,
      tests,
    }).rows.map((row) => [row.id, row.state]),
  );

it('a requirement is proven only when every test that claims it passed', () => {
  expect(states()).toEqual({ 'CON-1': 'claimed', 'PAY-1': 'claimed', 'PAY-2.1-a': 'claimed' });
  expect(states(asked, pays)).toMatchObject({ 'CON-1': 'proven', 'PAY-1': 'proven', 'PAY-2.1-a': 'claimed' });
  expect(states(asked, result(['[CON-1] consent', 'is kept'], 'failed'))).toMatchObject({
    'CON-1': 'failed',
  });
  expect(states(result(['[PAY-1] pays'], 'skipped'))).toMatchObject({ 'PAY-1': 'failed' });
  const one = result(['[PAY-2.1-a] pays 1'], 'passed');
  expect(states(one)).toMatchObject({ 'PAY-2.1-a': 'proven' });
  expect(states(one, result(['[PAY-2.1-a] pays 2'], 'failed'))).toMatchObject({ 'PAY-2.1-a': 'failed' });
});

it('prints totals, the rows of a block, and JSON, from the last results or given ones', async () => {
  const at = tree({
    ...tables,
    'platform/test/a.test.ts': claims,
    [resultsFile]: results(asked, pays),
    'given.json': results(result(['[PAY-1] pays'], 'failed')),
    'other.json': '{"numPassedTests":1}',
  });
  const totals = await run([], at);
  expect(totals).toMatchObject({ code: 0, err: '' });
  expect(totals.out).toMatch(/^payments +1 \/ 1 +- +0 \/ 1 +- +1$/m);
  expect(totals.out).toMatch(/^consent +- +1 \/ 1 +- +- +-$/m);

  const block = await run(['--block', 'payments'], at);
  expect(block.out).toMatch(
    /^PAY-1 +REQUIRED +proven +One\n +passed +platform\/test\/a\.test\.ts: \[PAY-1\] pays$/m,
  );
  expect(block.out).not.toContain('CON-1');

  const json = await run(['--block', 'payments', '--json'], at);
  expect(JSON.parse(json.out)).toMatchObject([
    { id: 'PAY-1', state: 'proven', proofs: [{ state: 'passed' }] },
    {},
  ]);

  vi.stubEnv('GOVSTACK_CWD', at);
  const given = await run(['--block', 'payments', '--results', 'given.json'], at);
  expect(given.out).toMatch(/^PAY-1 +REQUIRED +failed/m);
  expect(await run(['--results', 'missing.json'], at)).toMatchObject({ code: 2 });
  expect(await run(['--results', 'other.json'], at)).toMatchObject({ code: 2 });
  vi.unstubAllEnvs();
});

it('refuses a wrong command line', async () => {
  expect(await run(['--block', 'nothing'], tree(tables))).toMatchObject({
    code: 2,
    err: 'there are no requirements of nothing; there are those of consent, payments\n',
  });
  expect(await run(['--blocks'], tree(tables))).toMatchObject({ code: 2 });
});

it.each([
  ['a missing header', 'PAY-1\tREQUIRED\tx\tOne\n', 'first line'],
  ['an unknown level', `${header}PAY-1\tMUST\tx\tOne\n`, 'is no level'],
  ['a malformed id', `${header}pay 1\tREQUIRED\tx\tOne\n`, 'is no id'],
  ['a missing column', `${header}PAY-1\tREQUIRED\tx\n`, 'four columns'],
  ['an id given twice', `${header}${'PAY-1\tREQUIRED\tx\tOne\n'.repeat(2)}`, 'given twice'],
])('a table with %s is refused', (_, text, why) => {
  expect(() => readRequirements(tree({ 'payments.tsv': text }))).toThrow(why);
});

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { checkLicences, exceptions, licenceFits, runLicences } from '../src/licences.ts';
import { tree } from './fixtures/tree.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

const faultsOf = (packages: Record<string, object>, files: Record<string, string> = {}): readonly string[] =>
  checkLicences(tree({ 'package-lock.json': JSON.stringify({ packages }), ...files })).violations;

describe('[CFR-DEV-3] the licence and those of the dependencies fit together', () => {
  it('the project is under Apache-2.0', () => {
    const text = readFileSync(`${root}/LICENSE`, 'utf8');
    expect(text).toContain('Apache License\n                           Version 2.0, January 2004');
    expect(text).toContain('9. Accepting Warranty or Additional Liability.');
    expect(JSON.parse(readFileSync(`${root}/package.json`, 'utf8'))).toMatchObject({ license: 'Apache-2.0' });
  });

  it('every dependency of the tree is permissive or a documented exception', () => {
    const { packages, violations } = checkLicences(root);
    expect(violations).toEqual([]);
    expect(packages).toBeGreaterThan(100);
    for (const { reason } of exceptions) expect(reason).toMatch(/\w{4}/);
  });

  it.each([
    'GPL-3.0-only',
    'AGPL-3.0-or-later',
    'SSPL-1.0',
    'UNLICENSED',
    'SEE LICENSE IN x',
    '',
  ])('refuses %j', (license) => {
    expect(faultsOf({ 'node_modules/a': { license } })).toHaveLength(1);
  });

  it('what the installed package says goes before the lock file', () => {
    expect(
      faultsOf(
        { 'node_modules/@s/a': { license: 'MIT' } },
        { 'node_modules/@s/a/package.json': '{"license":"GPL-2.0"}' },
      ),
    ).toEqual(['@s/a: GPL-2.0: not accepted']);
    expect(faultsOf({ 'node_modules/a/node_modules/b': {} })).toEqual(['b: no licence: not accepted']);
  });

  it('an exception for development does not hold for what ships', () => {
    const license = 'MPL-2.0';
    expect(faultsOf({ 'node_modules/axe-core': { license, dev: true } })).toEqual([]);
    expect(faultsOf({ 'node_modules/axe-core': { license } })).toHaveLength(1);
    expect(faultsOf({ 'node_modules/other': { license, dev: true } })).toHaveLength(1);
  });

  it('the packages of this project are not foreign', () => {
    expect(faultsOf({ platform: {}, 'node_modules/@govstack/platform': { link: true } })).toEqual([]);
  });
});

it.each([
  ['MIT', true],
  ['GPL-3.0-only', false],
  ['MIT OR GPL-3.0-only', true],
  ['(GPL-3.0-only OR MIT)', true],
  ['MIT AND GPL-3.0-only', false],
  ['MIT AND (GPL-3.0-only OR ISC)', true],
  ['MIT OR GPL-3.0-only AND GPL-2.0-only', true],
  ['GPL-2.0-only WITH Classpath-exception-2.0', false],
  ['MIT MIT', false],
  ['(MIT', false],
  ['MIT OR', false],
  ['', false],
])('the expression %j', (expression, fits) => {
  expect(licenceFits(expression, (licence) => licence === 'MIT' || licence === 'ISC')).toBe(fits);
});

it('a check that saw hardly any package has failed', () => {
  const lock = tree({
    'package-lock.json': JSON.stringify({ packages: { 'node_modules/a': { license: 'MIT' } } }),
  });
  expect(runLicences(lock)).toBe(1);
  expect(runLicences(lock, 1)).toBe(0);
});

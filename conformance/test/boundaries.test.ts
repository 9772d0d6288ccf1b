import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { checkBoundaries, runBoundaries } from '../src/boundaries.ts';
import { tree } from './fixtures/tree.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

const manifest = JSON.stringify({
  dependencies: { fastify: '1', typebox: '1', '@fontsource/noto-sans': '1' },
  devDependencies: { vitest: '1' },
});

/** Two blocks, so that one can reach for the other. */
const ground = {
  'package.json': manifest,
  'platform/src/index.ts': 'export {};',
  'blocks/payments/src/block.ts': 'export {};',
  'blocks/payments/src/api/operations.ts': `import { Type } from '@govstack/platform/operation';`,
  'blocks/consent/package.json': '{"exports":{".":"./src/block.ts","./api":"./src/api/entrance.ts"}}',
  'blocks/consent/src/block.ts': 'export {};',
};

const faults = (files: Readonly<Record<string, string>>): string[] =>
  checkBoundaries(tree({ ...ground, ...files })).violations.map((one) => one.replace(/:\d+: /, ': '));

const faultOf = (file: string, text: string): string | undefined => {
  const found = faults({ [file]: text });
  expect(found.length).toBeLessThan(2);
  return found[0];
};

describe('[CFR-ARC-2] blocks know each other only through published interfaces', () => {
  it('the tree itself keeps to its boundaries', () => {
    const { files, violations } = checkBoundaries(root);
    expect(violations).toEqual([]);
    expect(files).toBeGreaterThan(150);
  });

  it.each([
    ['its front door', `import { consent } from '@govstack/consent';`],
    ['its published API', `import { verify } from '@govstack/consent/api';`],
    ['a deeper path', `import '@govstack/consent/src/store.ts';`],
    ['a type', `import type { Consent } from '@govstack/consent';`],
    ['an import type', `let consent: import('@govstack/consent').Consent;`],
    ['a re-export', `export * from '@govstack/consent/api';`],
    ['a named re-export', `export { consent } from '@govstack/consent';`],
    ['a dynamic import', `const consent = await import('@govstack/consent');`],
    ['a template', 'const consent = await import(`@govstack/consent`);'],
    ['require', `const consent = require('@govstack/consent');`],
    ['require.resolve', `const consent = require.resolve('@govstack/consent');`],
    ['import.meta.resolve', `const consent = import.meta.resolve('@govstack/consent');`],
    ['a mock', `vi.mock('@govstack/consent', () => ({}));`],
    ['an original behind a mock', `await vi.importActual('@govstack/consent');`],
  ])('a block may not import another block by %s', (_, text) => {
    expect(faultOf('blocks/payments/src/ledger/post.ts', text)).toMatch(
      /^blocks\/payments\/src\/ledger\/post\.ts: @govstack\/consent\S*: a block may not import another block$/,
    );
  });

  it('a test of a block may not import another block either', () => {
    expect(faultOf('blocks/payments/test/a.test.ts', `import '@govstack/consent';`)).toContain(
      'another block',
    );
  });

  it.each([
    ['blocks/payments/src/a.ts', '@govstack/country'],
    ['blocks/payments/src/a.ts', '@govstack/portal'],
    ['blocks/payments/test/a.test.ts', '@govstack/installer'],
  ])('a block (%s) may not import %s', (file, target) => {
    expect(faultOf(file, `import '${target}';`)).toContain('a block may import only the platform');
  });

  it('a block may import itself, the platform, npm packages and Node', () => {
    const text = ['@govstack/payments', '@govstack/payments/api', '@govstack/platform', 'fastify', 'node:fs']
      .map((target) => `import '${target}';`)
      .join('\n');
    expect(faults({ 'blocks/payments/src/a.ts': text })).toEqual([]);
  });

  it.each([
    '@govstack/payments',
    '@govstack/payments/api',
    '@govstack/country',
    '@govstack/portal',
  ])('the platform may not import %s', (target) => {
    expect(faultOf('platform/src/a.ts', `import '${target}';`)).toContain('stands on it');
  });

  it.each(['apps/portal', 'apps/installer', 'country'])('%s may import only the API of a block', (room) => {
    const file = `${room}/src/a.ts`;
    expect(faultOf(file, `import '@govstack/payments/api';`)).toBeUndefined();
    expect(faultOf(file, `import '@govstack/payments';`)).toContain('only @govstack/payments/api');
    expect(faultOf(file, `import '@govstack/payments/src/a.ts';`)).toContain('only @govstack/payments/api');
  });

  it('only the composition root and tests of what stands on blocks may put blocks together', () => {
    const front = `import '@govstack/payments';`;
    expect(faultOf('apps/cli/src/a.ts', front)).toBeUndefined();
    expect(faultOf('apps/portal/test/a.test.ts', front)).toBeUndefined();
    expect(faultOf('apps/cli/src/a.ts', `import '@govstack/payments/src/a.ts';`)).toContain('only');
    expect(faultOf('apps/portal/test/a.test.ts', `import '@govstack/payments/src/a.ts';`)).toContain('only');
  });
});

describe('paths', () => {
  it.each([
    ['another package', `import '../../consent/src/block.ts';`],
    ['the platform by path', `import '../../../platform/src/index.ts';`],
    ['a file of another package', `new URL('../../consent/migrations/', import.meta.url);`],
    ['a mock of another package', `vi.mock('../../consent/src/block.ts');`],
  ])('a relative path may not leave the package: %s', (_, text) => {
    expect(faultOf('blocks/payments/src/a.ts', text)).toContain('may not leave its package');
  });

  it('a package may address its own files and absolute addresses', () => {
    const text = [
      `new URL('../migrations/', import.meta.url);`,
      `new URL('..', import.meta.url);`,
      `new URL(\`../assets/\${name}\`, import.meta.url);`,
      `new URL('https://example.org/', import.meta.url);`,
      `new URL('/path', request.url);`,
    ].join('\n');
    expect(faults({ 'blocks/payments/src/a.ts': text })).toEqual([]);
  });

  it('a test may address files of the tree, but not import them', () => {
    const file = 'platform/test/launcher.test.ts';
    expect(faultOf(file, `new URL('../../govstack', import.meta.url);`)).toBeUndefined();
    expect(faultOf(file, `import '../../blocks/payments/src/block.ts';`)).toContain('may not leave');
    expect(faultOf(file, `new URL('../../../elsewhere', import.meta.url);`)).toContain('may not leave');
  });

  it('an import must name what it imports', () => {
    expect(faultOf('apps/cli/src/a.ts', 'await import(name);')).toContain('must name');
    expect(faultOf('apps/cli/src/a.ts', `await import(\`\${name}/api\`);`)).toContain('must name');
  });
});

describe('inside a block', () => {
  it.each([
    ['the domain', `import { post } from '../ledger/post.ts';`, 'may not import what implements them'],
    ['a type of the domain', `import type { Posting } from '../ledger/post.ts';`, 'what implements them'],
    [
      'the whole platform',
      `import { Problem } from '@govstack/platform';`,
      'only @govstack/platform/operation',
    ],
    ['Node', `import 'node:fs';`, 'only @govstack/platform/operation'],
    ['a package', `import 'fastify';`, 'only @govstack/platform/operation'],
  ])('API declarations may not import %s', (_, text, fault) => {
    expect(faultOf('blocks/payments/src/api/operations.ts', text)).toContain(fault);
  });

  it('what API declarations import is held to the same', () => {
    const found = faults({
      'blocks/payments/src/api/operations.ts': `export * from './g2p/operations.ts';`,
      'blocks/payments/src/api/g2p/operations.ts': `import './schemas.ts';`,
      'blocks/payments/src/api/g2p/schemas.ts': `import '../../ledger/post.ts'; import { Type } from 'typebox';`,
      'blocks/payments/src/api/g2p/handlers.ts': `import '../../ledger/post.ts'; import '@govstack/platform';`,
    });
    expect(found).toEqual([
      'blocks/payments/src/api/g2p/schemas.ts: ../../ledger/post.ts: API declarations may not import what implements them',
    ]);
  });

  it('the API entrance of package.json is a declaration under whatever name', () => {
    expect(faultOf('blocks/consent/src/api/entrance.ts', `import '../store.ts';`)).toContain(
      'implements them',
    );
  });

  it('the domain may not know a compliance dialect', () => {
    const dialect = `import '../api/compliance/dialect.ts';`;
    expect(faultOf('blocks/payments/src/ledger/post.ts', dialect)).toContain('compliance dialect');
    expect(faultOf('blocks/payments/src/block.ts', `import './api/compliance/dialect.ts';`)).toBeUndefined();
    expect(faultOf('blocks/payments/src/api/routes.ts', `import './compliance/dialect.ts';`)).toBeUndefined();
  });
});

describe('tests, dependencies and services', () => {
  it('the test kit of the platform is for tests', () => {
    const kit = `import '@govstack/platform/testing';`;
    expect(faultOf('blocks/payments/src/a.ts', kit)).toContain('for tests only');
    expect(faultOf('apps/cli/src/a.ts', kit)).toContain('for tests only');
    expect(faultOf('platform/src/a.ts', `import './testing/index.ts';`)).toContain('for tests only');
    expect(faultOf('blocks/payments/test/a.test.ts', kit)).toBeUndefined();
  });

  it('an npm package must be declared, for running where it runs', () => {
    expect(faultOf('blocks/payments/src/a.ts', `import 'left-pad';`)).toContain('not a dependency');
    expect(faultOf('blocks/payments/src/a.ts', `import '@scope/x/y';`)).toContain('@scope/x is not a dep');
    expect(faultOf('blocks/payments/src/a.ts', `import 'vitest';`)).toContain('development dependency');
    expect(faultOf('blocks/payments/src/a.ts', `import 'fs';`)).toContain('node:fs');
    expect(faultOf('blocks/payments/test/a.test.ts', `import 'vitest';`)).toBeUndefined();
    expect(faultOf('conformance/src/a.ts', `import 'vitest/node';`)).toBeUndefined();
    expect(faultOf('apps/portal/src/a.ts', `require.resolve(\`@fontsource/\${name}\`);`)).toBeUndefined();
    expect(faultOf('apps/portal/src/a.ts', `require.resolve(\`@other/\${name}\`);`)).toContain('not a dep');
  });

  it('a service is declarations', () => {
    expect(faultOf('services/cash-transfer/rule.ts', 'export {};')).toContain('a service is declared in');
    expect(faultOf('services/cash-transfer/run.sh', 'echo')).toContain('a service is declared in');
    const declared = ['service.json', 'process.bpmn', 'score.dmn', 'README.md', 'test/score.test.ts'];
    expect(
      faults(Object.fromEntries(declared.map((name) => [`services/cash-transfer/${name}`, '']))),
    ).toEqual([]);
    expect(
      faultOf('services/cash-transfer/test/a.test.ts', `import '@govstack/payments/api';`),
    ).toBeUndefined();
  });

  it('a file that cannot be read as code is a violation', () => {
    expect(faultOf('blocks/payments/src/a.ts', 'import from;')).toMatch(/^blocks\/payments\/src\/a\.ts: /);
  });

  it('a check that saw hardly any file has failed', () => {
    expect(runBoundaries(tree({ 'package.json': manifest }))).toBe(1);
    expect(runBoundaries(tree(ground))).toBe(1);
    expect(runBoundaries(tree(ground), 4)).toBe(0);
    expect(runBoundaries(tree({ ...ground, 'platform/src/a.ts': `import '@govstack/payments';` }), 4)).toBe(
      1,
    );
  });
});

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { checkSecrets, runSecrets } from '../src/secrets.ts';
import { tree } from './fixtures/tree.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

const found = (file: string, text: string): readonly string[] =>
  checkSecrets(tree({ [file]: text })).violations;

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const publicPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
const label = ['-----BEGIN', 'CERTIFICATE-----'].join(' ');
const certificate = `${label}\n${randomBytes(120).toString('base64')}\n`;
const generated = `x9${randomBytes(18).toString('base64url')}`;

describe('[CFR-SEC-5] no key, certificate or password stands in the repository', () => {
  it('the tree has none', () => {
    const { files, violations } = checkSecrets(root);
    expect(violations).toEqual([]);
    expect(files).toBeGreaterThan(150);
  });

  it.each([
    ['a private key', 'docs/a.md', pem],
    ['a private key in code', 'platform/src/a.ts', `const key = ${JSON.stringify(pem)};`],
    ['a private key in a test', 'platform/test/a.test.ts', `const key = \`${pem}\`;`],
    ['a certificate', 'deploy/a.yaml', certificate],
    ['a private web key', 'country/a.json', JSON.stringify(privateKey.export({ format: 'jwk' }))],
    ['a token of a provider', 'docs/a.md', `use ${['ghp', 'a'.repeat(36)].join('_')} here`],
    ['a password in a property', 'apps/cli/src/a.ts', `connect({ password: 'letmein' });`],
    ['a password in a variable', 'apps/cli/src/a.ts', `const adminPassword = 'letmein';`],
    ['a password given later', 'apps/cli/src/a.ts', `options.clientSecret = 'letmein';`],
    ['a password as default', 'apps/cli/src/a.ts', `function f(password = 'letmein') {}`],
    ['a password in an address', 'docs/a.md', 'postgres://app:letmein@db.example.org/app'],
    ['a setting', 'deploy/a.yaml', 'services:\n  - POSTGRES_PASSWORD: letmein\n'],
    ['a variable', 'deploy/start.sh', 'export API_KEY=letmein\n'],
    ['a JSON setting', 'deploy/a.json', '{\n  "clientSecret": "letmein",\n  "a": 1\n}'],
    ['a database role', 'deploy/a.sql', `create role app login password 'letmein';`],
    ['a generated password in a test', 'platform/test/a.test.ts', `const password = '${generated}';`],
  ])('finds %s', (_, file, text) => {
    expect(found(file, text)).toHaveLength(1);
    expect(found(file, text)[0]).not.toMatch(/letmein|ghp_/);
  });

  it.each([
    '.env',
    '.env.production',
    'deploy/tls/server.key',
    'country/ca.pem',
    'deploy/id_ed25519',
  ])('finds the file %s', (file) => {
    expect(found(file, '')).toHaveLength(1);
  });

  it.each([
    ['a public key', 'docs/a.md', publicPem],
    ['a public web key', 'country/a.json', JSON.stringify(publicKey.export({ format: 'jwk' }))],
    ['the label of a certificate', 'platform/src/a.ts', `const label = '${label}';`],
    ['a variable of the environment', 'deploy/a.yaml', 'PASSWORD: $' + '{DB_PASSWORD:?}'],
    ['a computed password', 'apps/cli/src/a.ts', 'const password = randomBytes(32);'],
    ['a computed address', 'apps/cli/src/a.ts', 'const url = `postgres://app:$' + '{password}@host/app`;'],
    ['a schema', 'apps/cli/src/a.ts', 'const body = { password: Type.String() };'],
    ['a typed password of a test', 'platform/test/a.test.ts', `const wrong = { password: 'guess' };`],
    ['the word for it', 'apps/portal/locales/en.json', '{ "password": "Password2" }'],
    ['an address without one', 'docs/a.md', 'postgres://app@db.example.org:5432/app'],
    ['an example of settings', '.env.example', 'PASSWORD=\n'],
  ])('leaves %s alone', (_, file, text) => {
    expect(found(file, text)).toEqual([]);
  });
});

it('a check that saw hardly any file has failed', () => {
  expect(runSecrets(tree({ 'a.md': '' }))).toBe(1);
  expect(runSecrets(tree({ 'a.md': '' }), 1)).toBe(0);
});

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Licences that may be combined and passed on with Apache-2.0 without further duties than keeping their text. */
const permissive: ReadonlySet<string> = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MIT-0',
  'Python-2.0',
  'Unlicense',
  'Zlib',
]);

interface Exception {
  readonly packages: RegExp;
  readonly licence: string;
  /** True when it may be used for development only. */
  readonly development: boolean;
  readonly reason: string;
}

/** Every other licence that is accepted, for whom, and why. */
export const exceptions: readonly Exception[] = [
  {
    packages: /^@fontsource\//,
    licence: 'OFL-1.1',
    development: false,
    reason: 'fonts may be served with software under any licence; they are not changed and not sold alone',
  },
  {
    packages: /^bpmn-js$/,
    licence: 'SEE LICENSE IN LICENSE',
    development: false,
    reason: 'MIT, and the mark of bpmn.io stays visible in every drawing; it is neither changed nor covered',
  },
  {
    packages: /^(axe-core|@axe-core\/playwright)$/,
    licence: 'MPL-2.0',
    development: true,
    reason: 'checks pages in tests; unchanged and never shipped',
  },
  {
    packages: /^lightningcss(-[a-z0-9-]+)?$/,
    licence: 'MPL-2.0',
    development: true,
    reason: 'part of the test runner; unchanged and never shipped',
  },
];

/** Whether an SPDX expression leaves a choice that `accepts` agrees to: one side of `OR`, both sides of `AND`. */
export function licenceFits(expression: string, accepts: (licence: string) => boolean): boolean {
  const words = expression.match(/\(|\)|[^\s()]+/g) ?? [];
  let at = 0;
  const term = (): boolean => {
    const word = words[at++];
    if (word === undefined || word === ')') throw new SyntaxError(expression);
    if (word === '(') {
      const fits = either();
      if (words[at++] !== ')') throw new SyntaxError(expression);
      return fits;
    }
    if (words[at] !== 'WITH') return accepts(word);
    at += 2;
    return accepts(`${word} WITH ${words[at - 1]}`);
  };
  const both = (): boolean => {
    let fits = term();
    while (words[at] === 'AND') {
      at++;
      fits = term() && fits;
    }
    return fits;
  };
  const either = (): boolean => {
    let fits = both();
    while (words[at] === 'OR') {
      at++;
      fits = both() || fits;
    }
    return fits;
  };
  try {
    const fits = either();
    return fits && at === words.length;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

interface LockedPackage {
  readonly license?: string;
  readonly dev?: boolean;
  readonly link?: boolean;
}

/** What an installed package says itself goes before what the lock file remembers of it. */
function licenceOf(root: string, path: string, locked: LockedPackage): string {
  const file = join(root, path, 'package.json');
  if (!existsSync(file)) return locked.license ?? '';
  const { license } = JSON.parse(readFileSync(file, 'utf8')) as { license?: string | { type?: string } };
  return (typeof license === 'object' ? license.type : license) ?? '';
}

export interface Licences {
  readonly packages: number;
  /** `package: licence: why not`. */
  readonly violations: readonly string[];
}

/** Holds the licence of every locked package, for all platforms, against the permissive ones and the exceptions. */
export function checkLicences(root: string): Licences {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, LockedPackage>;
  };
  const foreign = Object.entries(lock.packages).filter(
    ([path, locked]) => path.includes('node_modules/') && !locked.link,
  );
  const violations: string[] = [];
  for (const [path, locked] of foreign) {
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const licence = licenceOf(root, path, locked);
    const development = locked.dev === true;
    const accepts = (id: string): boolean =>
      permissive.has(id) ||
      exceptions.some(
        (one) => one.packages.test(name) && one.licence === id && (development || !one.development),
      );
    // A licence that points at its own text is no expression, and can only be accepted by its exception.
    if (!accepts(licence) && !licenceFits(licence, accepts))
      violations.push(`${name}: ${licence || 'no licence'}: not accepted`);
  }
  return { packages: foreign.length, violations };
}

/** Prints the outcome of the check. One that saw fewer than `fewest` packages has not looked, and fails. */
export function runLicences(root: string, fewest = 100): number {
  const { packages, violations } = checkLicences(root);
  for (const violation of violations) process.stderr.write(`${violation}\n`);
  if (packages < fewest) process.stderr.write(`the licence check saw only ${packages} packages\n`);
  process.stdout.write(`${packages} packages, ${violations.length} violations\n`);
  return violations.length > 0 || packages < fewest ? 1 : 0;
}

if (import.meta.main) process.exitCode = runLicences(process.cwd());

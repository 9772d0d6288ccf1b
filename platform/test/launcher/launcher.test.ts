import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const launcher = fileURLToPath(new URL('../../../govstack', import.meta.url));

let folder: string;
let project: string;

const write = (path: string, text: string, mode = 0o644): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode });
};

/** Stands in for the registry's side of npm: makes node_modules as `npm ci` leaves it, and counts. */
const npm = `#!/bin/sh
echo "$@" >> ../installations
rm -rf node_modules
[ ! -f ../registry-down ] || exit 1
mkdir -p node_modules/.bin
[ ! -f ../slow ] || sleep 60
[ -f ../scripts-ignored ] || ln -s "${process.execPath}" node_modules/.bin/node
touch node_modules/.package-lock.json
`;

interface Run {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

const environment = (): NodeJS.ProcessEnv => ({ PATH: `${join(folder, 'bin')}:/usr/bin:/bin` });

const run = (file = join(project, 'govstack'), args: string[] = [], cwd = folder): Promise<Run> =>
  new Promise((done) => {
    execFile('sh', [file, ...args], { cwd, env: environment() }, (error, out, err) =>
      done({ status: error ? Number(error.code) : 0, out, err }),
    );
  });

const installations = (): number => {
  const file = join(folder, 'installations');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0;
};

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'govstack-launcher-')));
  project = join(folder, 'project');
  mkdirSync(project);
  copyFileSync(launcher, join(project, 'govstack'));
  chmodSync(join(project, 'govstack'), 0o755);
  write(join(project, 'package-lock.json'), '{}');
  write(
    join(project, 'apps/cli/src/main.ts'),
    'console.log(JSON.stringify({ cwd: process.cwd(), caller: process.env.GOVSTACK_CWD, args: process.argv.slice(2) }))',
  );
  write(join(folder, 'bin/npm'), npm, 0o755);
  symlinkSync(process.execPath, join(folder, 'bin/node'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the launcher', () => {
  it('installs once and runs the command line in the project, whoever calls from wherever', async () => {
    symlinkSync('project/govstack', join(folder, 'link'));
    const first = await run(join(folder, 'link'), ['demo', '--data', 'a b'], '/');
    expect(first).toMatchObject({ status: 0, err: expect.stringContaining('installing packages') });
    expect(JSON.parse(first.out)).toEqual({ cwd: project, caller: '/', args: ['demo', '--data', 'a b'] });
    expect(await run()).toMatchObject({ status: 0, err: '' });
    expect(installations()).toBe(1);
  });

  it('installs again when the lockfile says something else', async () => {
    await run();
    write(join(project, 'package-lock.json'), '{"changed": true}');
    utimesSync(join(project, 'package-lock.json'), new Date(), new Date(Date.now() + 60_000));
    expect((await run()).status).toBe(0);
    expect(installations()).toBe(2);
  });

  it('leaves an installation alone that was made by hand after the last change of the lockfile', async () => {
    utimesSync(join(project, 'package-lock.json'), new Date(0), new Date(0));
    write(join(project, 'node_modules/.package-lock.json'), '{}');
    write(join(project, 'node_modules/.bin/node'), `#!/bin/sh\nexec "${process.execPath}" "$@"\n`, 0o755);
    expect((await run()).status).toBe(0);
    expect(installations()).toBe(0);
  });

  it('started several times at once installs once', async () => {
    const runs = await Promise.all([run(), run(), run(), run()]);
    expect(runs.map(({ status }) => status)).toEqual([0, 0, 0, 0]);
    expect(installations()).toBe(1);
  });

  it('takes over from an installation that was killed, once however many wait', async () => {
    write(join(folder, 'slow'), '');
    const killed = spawn('sh', [join(project, 'govstack')], { env: environment(), detached: true });
    await expect.poll(installations).toBe(1);
    process.kill(-(killed.pid as number), 'SIGKILL');
    await once(killed, 'exit');
    rmSync(join(folder, 'slow'));
    const runs = await Promise.all([run(), run(), run()]);
    expect(runs.map(({ status }) => status)).toEqual([0, 0, 0]);
    expect(installations()).toBe(2);
    expect(existsSync(join(project, '.govstack-install.lock'))).toBe(false);
  });

  it('says so when the installation fails, and tries again the next time', async () => {
    write(join(folder, 'registry-down'), '');
    expect(await run()).toMatchObject({ status: 1, err: expect.stringContaining('npm ci failed') });
    rmSync(join(folder, 'registry-down'));
    expect((await run()).status).toBe(0);
  });

  it('says so when npm ignored the install script that brings the runtime', async () => {
    write(join(folder, 'scripts-ignored'), '');
    expect(await run()).toMatchObject({
      status: 1,
      out: '',
      err: expect.stringContaining('npm ci --ignore-scripts=false'),
    });
  });

  it('refuses an old Node.js before anything else', async () => {
    rmSync(join(folder, 'bin/node'));
    write(join(folder, 'bin/node'), '#!/bin/sh\ncase $1 in -v) echo v18.20.0 ;; *) echo 18 ;; esac\n', 0o755);
    expect(await run()).toMatchObject({
      status: 1,
      err: 'Node.js 20 or newer is needed, this is v18.20.0\n',
    });
    expect(installations()).toBe(0);
  });

  it('of this project answers --help', async () => {
    const env = { ...process.env };
    const { status, out } = await new Promise<{ status: number | null; out: string }>((done) => {
      const child = execFile(launcher, ['--help'], { cwd: '/', env }, (_error, stdout) =>
        done({ status: child.exitCode, out: stdout }),
      );
    });
    expect(status).toBe(0);
    expect(out).toContain('./govstack test');
  });
});

import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';

const dataDir = mkdtempSync(join(tmpdir(), 'govstack-demo-'));
chmodSync(dataDir, 0o755);
const { DATABASE_URL: _, ...environment } = process.env;
let child: ChildProcess | undefined;

const run = (
  households: number,
): { process: ChildProcess; lines: string[]; ended: Promise<number | null> } => {
  const lines: string[] = [];
  const started = spawn(
    process.execPath,
    ['apps/cli/src/main.ts', 'demo', 'cash-transfer', '--households', String(households), '--data', dataDir],
    { env: environment, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  child = started;
  for (const stream of [started.stdout, started.stderr])
    stream?.on('data', (data: Buffer) => lines.push(...data.toString().split('\n')));
  return {
    process: started,
    lines,
    ended: new Promise((resolve) => started.once('exit', (code) => resolve(code))),
  };
};

const until = async (lines: string[], text: string, ended: Promise<unknown>): Promise<void> => {
  let over = false;
  void ended.then(() => {
    over = true;
  });
  while (!lines.some((line) => line.includes(text))) {
    if (over) throw new Error(`ended before "${text}":\n${lines.join('\n')}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

afterAll(() => {
  child?.kill('SIGKILL');
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
});

const households = 60;

it('a run over a list of households, killed again and again, ends with everybody decided and paid once', async () => {
  for (const moment of [150, 600, 1100]) {
    const killed = run(households);
    await until(killed.lines, 'installing the social cash transfer', killed.ended);
    await new Promise((resolve) => setTimeout(resolve, moment));
    killed.process.kill('SIGKILL');
    await killed.ended;
  }
  const last = run(households);
  const code = await last.ended;
  const output = last.lines.join('\n');
  expect(output).not.toContain('BROKEN');
  expect(code, output).toBe(0);
  expect(output).toMatch(/applied +60\n/);
  expect(output).toContain('holds   approved = enrolled');
  expect(output).toContain('holds   money in = money out');
}, 400_000);

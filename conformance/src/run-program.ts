import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

export interface Ended {
  /** Exit code; 1 when the program could not be started or was ended by a signal. */
  readonly code: number;
  /** What it wrote, when its output was kept. */
  readonly output: string;
  readonly errors: string;
}

const ended = (child: ChildProcess, streams: { output: string; errors: string }): Promise<Ended> =>
  new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: 1, output: '', errors: error.message }));
    child.once('close', (code) => resolve({ code: code ?? 1, ...streams }));
  });

/** Runs a program of the project and keeps what it writes. */
export function runQuietly(root: string, [file = '', ...args]: readonly string[]): Promise<Ended> {
  const child = spawn(join(root, file), args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  const streams = { output: '', errors: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    streams.output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    streams.errors += text;
  });
  return ended(child, streams);
}

/**
 * Runs a program of the project that writes where we write. An interrupt reaches it as well as us: it gets the time to
 * clean up, and we end after it.
 */
export async function runVisibly(root: string, [file = '', ...args]: readonly string[]): Promise<Ended> {
  const child = spawn(join(root, file), args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  const wait = (): void => undefined;
  const pass = (): void => void child.kill('SIGTERM');
  process.on('SIGINT', wait).on('SIGTERM', pass);
  try {
    return await ended(child, { output: '', errors: '' });
  } finally {
    process.off('SIGINT', wait).off('SIGTERM', pass);
  }
}

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Fields of /proc/PID/stat after the name, which may hold spaces and parentheses itself. */
const statOf = (pid: number): string[] | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
};

const ps = (pid: number, column: 'state' | 'lstart' | 'command'): string | undefined => {
  try {
    return execFileSync('ps', ['-o', `${column}=`, '-p', String(pid)], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, LC_ALL: 'C' },
      encoding: 'utf8',
    }).trim();
  } catch {
    return undefined;
  }
};

/** Whether a process has ended but its entry has not been collected by its parent. */
export const isZombie = (pid: number): boolean => (statOf(pid)?.[0] ?? ps(pid, 'state'))?.[0] === 'Z';

/** Whether a process runs: neither gone nor a zombie. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return !isZombie(pid);
}

/** When a process started, in whatever form the system tells; only good for comparing. */
export const startOf = (pid: number): string | undefined => statOf(pid)?.[19] ?? ps(pid, 'lstart');

/** The command line of a process, arguments separated by spaces. */
export function commandOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return ps(pid, 'command');
  }
}

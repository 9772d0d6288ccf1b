import { readdir, readFile, statfs } from 'node:fs/promises';

/** What a system without `/proc`, or one that does not let us look, has nothing of. */
export const orNothing = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
  try {
    return await work();
  } catch {
    return undefined;
  }
};

const text = (path: string): Promise<string> => readFile(path, 'utf8');

/** Bytes that programs can still have, which is more than what is free. */
export const availableMemory = (): Promise<number | undefined> =>
  orNothing(async () => {
    const kilobytes = /^MemAvailable:\s+(\d+) kB$/m.exec(await text('/proc/meminfo'))?.[1];
    if (kilobytes === undefined) throw new Error('not said');
    return Number(kilobytes) * 1024;
  });

export interface Traffic {
  readonly name: string;
  /** Since the interface came up. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

export const networkTraffic = (): Promise<Traffic[] | undefined> =>
  orNothing(async () =>
    (await text('/proc/net/dev'))
      .split('\n')
      .slice(2)
      .flatMap((line) => {
        const [name, rest] = line.split(':');
        const figures = (rest ?? '').trim().split(/\s+/).map(Number);
        if (name === undefined || figures.length < 9) return [];
        return [{ name: name.trim(), receivedBytes: figures[0] ?? 0, sentBytes: figures[8] ?? 0 }];
      }),
  );

export interface FileDescriptors {
  readonly open: number;
  readonly limit: number | null;
}

export const fileDescriptors = (): Promise<FileDescriptors | undefined> =>
  orNothing(async () => {
    const open = (await readdir('/proc/self/fd')).length;
    const limit = /^Max open files\s+(\d+)/m.exec(await text('/proc/self/limits'))?.[1];
    return { open, limit: limit === undefined ? null : Number(limit) };
  });

export interface Disk {
  readonly path: string;
  readonly totalBytes: number;
  readonly freeBytes: number;
}

export async function diskSpace(paths: readonly string[]): Promise<Disk[]> {
  const disks = await Promise.all(
    paths.map((path) =>
      orNothing(async () => {
        const { bsize, blocks, bavail } = await statfs(path);
        return { path, totalBytes: bsize * blocks, freeBytes: bsize * bavail };
      }),
    ),
  );
  return disks.filter((disk) => disk !== undefined);
}

export interface RunningProcess {
  readonly pid: number;
  readonly name: string;
  readonly state: string;
  readonly residentBytes: number;
  readonly cpuSeconds: number;
}

const pageBytes = 4096;
const ticksPerSecond = 100;

/** By name only: the arguments of a program may hold secrets. */
async function processOf(pid: number): Promise<RunningProcess> {
  const stat = await text(`/proc/${pid}/stat`);
  // The name stands in brackets and may hold brackets and blanks.
  const end = stat.lastIndexOf(')');
  const fields = stat.slice(end + 2).split(' ');
  return {
    pid,
    name: stat.slice(stat.indexOf('(') + 1, end),
    state: fields[0] ?? '',
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
    residentBytes: Number(fields[21]) * pageBytes,
  };
}

const mostProcesses = 5000;

export const runningProcesses = (): Promise<RunningProcess[] | undefined> =>
  orNothing(async () => {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
    const found = await Promise.all(
      pids.slice(0, mostProcesses).map((pid) => orNothing(() => processOf(pid))),
    );
    return found.filter((one) => one !== undefined);
  });

/** How many processes there are; undefined where nobody says. */
export const processCount = (): Promise<number | undefined> =>
  orNothing(async () => (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).length);

export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
}

const paragraphs = (file: string, name: RegExp, version: RegExp, there: RegExp): InstalledPackage[] =>
  file.split('\n\n').flatMap((paragraph) => {
    const [one, its] = [name.exec(paragraph)?.[1], version.exec(paragraph)?.[1]];
    return one !== undefined && its !== undefined && there.test(paragraph)
      ? [{ name: one, version: its }]
      : [];
  });

/** Packages of Debian's and Alpine's kinds of system; undefined on others. */
export const installedPackages = async (): Promise<InstalledPackage[] | undefined> =>
  (await orNothing(async () =>
    paragraphs(
      await text('/var/lib/dpkg/status'),
      /^Package: (.+)$/m,
      /^Version: (.+)$/m,
      /^Status: .* installed$/m,
    ),
  )) ??
  (await orNothing(async () =>
    paragraphs(await text('/lib/apk/db/installed'), /^P:(.+)$/m, /^V:(.+)$/m, /^V:/m),
  ));

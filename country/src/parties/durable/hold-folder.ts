import { createHash } from 'node:crypto';
import { mkdirSync, realpathSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const patienceMs = 10_000;

/**
 * Makes sure that one process alone writes a folder. One that was killed a moment ago may still be ending, so a start
 * waits for it. The hold is a listening socket: it ends with its process however that ends.
 */
export async function holdFolder(folder: string | undefined): Promise<() => void> {
  if (folder === undefined) return () => {};
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const name = createHash('sha256').update(realpathSync(folder)).digest('hex').slice(0, 24);
  const path = join(tmpdir(), `lumora-${name}.sock`);
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const server = await listenOn(path);
    if (server) return () => server.close();
    if (!(await answers(path))) rmSync(path, { force: true });
    else if (Date.now() > deadline) throw new Error(`another process is using ${folder}`);
    else await wait(50);
  }
}

const listenOn = (path: string): Promise<Server | undefined> =>
  new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    server.listen(path, () => {
      server.unref();
      resolve(server);
    });
  });

const answers = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

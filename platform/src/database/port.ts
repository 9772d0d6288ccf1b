import { createServer } from 'node:net';

/** A free port of the loop-back address: `wanted` if nobody listens there, otherwise any. */
export async function freePort(wanted?: number): Promise<number> {
  return (
    (wanted ? await tryPort(wanted) : undefined) ??
    (await tryPort(0)) ??
    Promise.reject(new Error('no free port'))
  );
}

const tryPort = (port: number): Promise<number | undefined> =>
  new Promise((done) => {
    const probe = createServer();
    probe.once('error', () => done(undefined));
    probe.listen(port, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => done(typeof address === 'object' ? address?.port : undefined));
    });
  });

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { informationMediator } from '@govstack/information-mediator';
import { reservePort } from '@govstack/platform';
import { startTestNode, type TestNode } from '@govstack/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const own = 'T/GOV/DGA/mediator';
const governance = 'T/GOV/DGA/governance';
const main = new URL('../src/main.ts', import.meta.url).pathname;

let directory: string;
let node: TestNode;
let url: string;

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const govstack = (...argv: string[]): Promise<Outcome> =>
  promisify(execFile)(process.execPath, [main, 'mediator', ...argv], {
    cwd: directory,
    env: { ...process.env, GOVSTACK_CWD: directory },
  }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: Outcome & { code: number }) => error,
  );

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'govstack-mediator-'));
  const key = await govstack('key', 'governance.jwk');
  const port = await reservePort(0);
  url = `http://127.0.0.1:${port.port}`;
  node = await startTestNode({
    blocks: [
      {
        block: informationMediator,
        application: own,
        config: {
          bootstrap: { governance, governanceKey: JSON.parse(key.stdout) as Record<string, unknown> },
          audiences: [url],
          publicUrl: url,
        },
      },
    ],
  });
  await node.listen({ port });
});
afterAll(async () => {
  await node.stop();
  await rm(directory, { recursive: true });
});

describe('./govstack mediator', () => {
  it('[IM-6.6-c] fetches the evidence of a call and verifies it offline', async () => {
    const as = ['--as', governance, '--key', 'governance.jwk'];
    const called = await govstack('call', url, ...as, `${own}/mediator-admin-v1`, 'GET', '/members');
    expect(called.code).toBe(0);
    const exchange = called.stderr.match(/exchange ([0-9a-f-]{36})/)?.[1] as string;
    const fetched = await govstack(
      ...['container', url, ...as, '--reason', 'A court has asked for it'],
      ...[own, exchange, 'request', 'request.asice'],
    );
    expect(fetched).toMatchObject({ code: 0 });
    await writeFile(
      join(directory, 'trust.json'),
      await (await fetch(`${url}/trust/verification.json`)).text(),
    );
    const verified = await govstack(
      ...['verify', 'request.asice', '--trust', 'trust.json', '--extract', 'said'],
    );
    expect(verified.code).toBe(0);
    expect(verified.stdout).toMatch(/^said by: +T\/GOV\/DGA, certified by Test authority$/m);
    expect(verified.stdout).toMatch(
      /^message: +GET \/r1\/T\/GOV\/DGA\/mediator\/mediator-admin-v1\/members/m,
    );
    expect(await readFile(join(directory, 'said', 'message.txt'), 'utf8')).toContain(
      `X-Road-Request-Id:${exchange}`,
    );

    const bytes = await readFile(join(directory, 'request.asice'));
    const at = bytes.indexOf('asic-e');
    bytes[at] = (bytes[at] as number) ^ 1;
    await writeFile(join(directory, 'forged.asice'), bytes);
    const forged = await govstack('verify', 'forged.asice', '--trust', 'trust.json');
    expect(forged.code).toBe(1);
    expect(forged.stdout).toMatch(/^proves nothing: /);
  });

  it('says what is missing, and never writes over a key', async () => {
    const outcome = await govstack('call', url, `${own}/mediator-admin-v1`);
    expect(outcome.code).not.toBe(0);
    expect(outcome.stderr).toContain('--as must be');
    const before = await readFile(join(directory, 'governance.jwk'));
    expect((await govstack('key', 'governance.jwk')).code).not.toBe(0);
    expect((await readFile(join(directory, 'governance.jwk'))).equals(before)).toBe(true);
  });
});

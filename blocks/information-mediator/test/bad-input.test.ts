import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  consumer,
  engine,
  grant,
  type Instance,
  provider,
  refusal,
  startInstance,
} from './fixtures/instance.ts';

const service = `${provider}/outside-v1`;
let instance: Instance;
let port: number;
let outside: Server;
const called: string[] = [];

beforeAll(async () => {
  instance = await startInstance();
  await grant(instance);
  port = Number(new URL(await instance.node.listen({ port: 0 })).port);
  outside = createServer((request, response) => {
    called.push(request.url ?? '');
    request.resume().on('end', () => response.end('{}'));
  });
  await new Promise<void>((resolve) => outside.listen(0, '127.0.0.1', resolve));
  await instance.admin.putService({
    params: { service },
    body: { title: 'Outside', target: `http://127.0.0.1:${(outside.address() as AddressInfo).port}/base` },
  });
  await instance.admin.putRight({ params: { service, subject: consumer }, body: {} });
  await instance.admin.putApplication({
    params: { application: consumer },
    body: { name: 'Service', connection: 'http' },
  });
});
afterAll(async () => {
  outside.closeAllConnections();
  outside.close();
  await instance.node.stop();
});

const open = (): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.once('error', reject);
  });

/** Sends bytes as they are and reads until the other side closes or has answered `answers` times. */
async function raw(request: string | Buffer, answers = 1): Promise<string> {
  const socket = await open();
  socket.write(request);
  let text = '';
  return new Promise((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (text.split('HTTP/1.1 ').length > answers && text.includes('\r\n\r\n')) socket.end();
    });
    socket.on('error', () => resolve(text));
    socket.on('close', () => resolve(text));
  });
}
const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
const errorOf = (answer: string): string | undefined => /^x-road-error: (.*)$/im.exec(answer)?.[1]?.trim();

const head = (target: string, ...lines: string[]): string =>
  [`POST ${target} HTTP/1.1`, 'Host: mediator', `X-Road-Client: ${consumer}`, ...lines, '', ''].join('\r\n');
const path = `/r1/${service}/x`;
const none = async (work: () => Promise<unknown>): Promise<void> => {
  const before = called.length;
  await work();
  expect(called).toHaveLength(before);
};

describe('bytes that mean two things', () => {
  it('a good request passes, so that what follows is refused for its own reason', async () => {
    const before = called.length;
    expect(statusOf(await raw(`${head(path, 'Content-Length: 2')}{}`))).toBe(200);
    expect(called.slice(before)).toEqual(['/base/x']);
  });

  it.each([
    ['both lengths', `${head(path, 'Content-Length: 4', 'Transfer-Encoding: chunked')}0\r\n\r\n`],
    ['two different lengths', `${head(path, 'Content-Length: 2', 'Content-Length: 4')}{}{}`],
    ['a length that is none', `${head(path, 'Content-Length: +2')}{}`],
    ['a negative length', `${head(path, 'Content-Length: -1')}{}`],
    ['an unknown transfer coding', `${head(path, 'Transfer-Encoding: chunked, identity')}0\r\n\r\n`],
    ['a hidden transfer coding', `${head(path, 'Transfer-Encoding : chunked')}0\r\n\r\n`],
    ['a folded header', `${head(path, 'X-Folded: a\r\n b', 'Content-Length: 2')}{}`],
    [
      'a header with a line feed alone',
      `${head(path, 'X-A: b\nX-Road-Request-Id: forged', 'Content-Length: 2')}{}`,
    ],
    ['a header with a zero byte', `${head(path, 'X-A: b\0c', 'Content-Length: 2')}{}`],
    ['a bad chunk size', `${head(path, 'Transfer-Encoding: chunked')}zz\r\n{}\r\n0\r\n\r\n`],
    ['no host', `POST ${path} HTTP/1.1\r\nX-Road-Client: ${consumer}\r\nContent-Length: 0\r\n\r\n`],
    ['a space in the target', head('/r1/T/GOV/MOH/outside v1/x', 'Content-Length: 0')],
    ['more headers than anybody needs', head(path, `X-Large: ${'x'.repeat(40_000)}`, 'Content-Length: 0')],
  ])('%s: refused, nothing is called', async (_what, request) => {
    await none(async () => {
      const status = statusOf(await raw(request));
      expect([400, 413, 431]).toContain(status);
    });
  });

  it('a second request hidden behind the first one’s length is a request of its own, with its own client', async () => {
    const hidden = `GET /r1/${service}/hidden HTTP/1.1\r\nHost: mediator\r\n\r\n`;
    const before = called.length;
    const answers = await raw(`${head(path, 'Content-Length: 2')}{}${hidden}`, 2);
    expect(answers.match(/HTTP\/1\.1 \d{3}/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400']);
    expect(called.slice(before)).toEqual(['/base/x']);
  });
});

describe('targets', () => {
  it.each([
    ['an absolute form', `http://169.254.169.254/r1/${service}/x`, [404]],
    ['an authority form', 'mediator:80', [400, 404]],
    ['a climbing path', `/r1/${service}/../../x`, [400, 403]],
    ['an encoded climbing path', `/r1/${service}/%2e%2e/x`, [403]],
    ['a backslash', `/r1/${service}/..\\x`, [400, 403]],
    ['an encoded slash in an identifier', `/r1/T/GOV/MOH%2Fecho/outside-v1/x/y`, [400]],
    ['a broken escape', `/r1/${service}/%zz`, [400, 403]],
    ['another version', `/r2/${service}/x`, [404]],
    ['too few parts', '/r1/T/GOV/MOH', [400]],
    ['a target of twenty thousand characters', `/r1/${service}/${'x'.repeat(20_000)}`, [400, 414, 431]],
  ])('%s: refused, nothing is called', async (_what, target, statuses) => {
    await none(async () => {
      expect(statuses).toContain(statusOf(await raw(head(target, 'Content-Length: 0'))));
    });
  });
});

describe('who calls', () => {
  it('two client headers that differ, in one name or in two, are refused', async () => {
    for (const line of [
      `X-Road-Client: ${engine}`,
      `X-GovStack-Client: ${engine}`,
      `x-road-client: ${engine}`,
    ])
      await none(async () => {
        const answer = await raw(head(path, line, 'Content-Length: 0'));
        expect([statusOf(answer), errorOf(answer)]).toEqual([400, 'Client.BadRequest']);
      });
  });

  it('twice the same is one', async () => {
    const answer = await raw(head(path, `X-GovStack-Client: ${consumer}`, 'Content-Length: 0'));
    expect(statusOf(answer)).toBe(200);
  });

  it.each([
    'T/GOV',
    'T/GOV/MSP/service/more',
    'T/GOV/MSP/ser vice',
    'T/GOV/MSP/../DGA/mediator',
    'Тест/GOV/MSP/x',
  ])('%s is no client', async (client) => {
    await none(async () => {
      const request = `POST ${path} HTTP/1.1\r\nHost: m\r\nX-Road-Client: ${client}\r\nContent-Length: 0\r\n\r\n`;
      expect([400, 401]).toContain(statusOf(await raw(Buffer.from(request))));
    });
  });
});

describe('addresses of providers', () => {
  it.each([
    'http://169.254.169.254/latest',
    'http://[::ffff:169.254.169.254]/',
    'http://[fe80::1]/',
    'http://0.0.0.0/',
    'http://example.org/',
    'https://user:secret@example.org/',
    'https://example.org/?x=1',
    'https://example.org/#x',
    'ftp://example.org/',
    'file:///etc/passwd',
    'local:../x',
  ])('%s cannot be registered', async (target) => {
    const failed = await refusal(
      instance.admin.putService({ params: { service: `${provider}/ssrf-v1` }, body: { title: 'x', target } }),
    );
    expect([failed.status, failed.problem?.errors?.[0]?.pointer]).toEqual([400, '/target']);
  });
});

describe('many slow clients', () => {
  it('thousands that send nothing but the beginning of a request hold nobody up', async () => {
    const slow = await Promise.all(Array.from({ length: 2000 }, open));
    for (const socket of slow) socket.write(`POST ${path} HTTP/1.1\r\nHost: m\r\nX-Slow: `);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => raw(`${head(path, 'Content-Length: 2')}{}`)),
    );
    expect(answers.map(statusOf)).toEqual(Array(20).fill(200));
    for (const socket of slow) socket.destroy();
  });
});

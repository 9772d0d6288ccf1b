import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import multipart from '@fastify/multipart';
import Fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sentForm, streamedForm } from '../src/site/sent-form.ts';

const site = Fastify({ forceCloseConnections: true });
beforeAll(async () => {
  await site.register(multipart);
  site.post('/whole', async (request) => {
    const { body, files } = await sentForm(request);
    return { body, files: [...files.keys()] };
  });
  site.post('/streamed', async (request) => {
    const { body, stream } = await streamedForm(request);
    return { body, file: stream && (await text(stream.bytes)) };
  });
  await site.listen({ port: 0, host: '127.0.0.1' });
});
afterAll(() => site.close());

const field = (name: string, value: string) =>
  `--x\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
const file = (name: string, value: string) =>
  `--x\r\ncontent-disposition: form-data; name="${name}"; filename="${name}.txt"\r\n\r\n${value}\r\n`;

/** The answer to a form, of which the end is sent only when it is given. */
async function answer(path: string, body: string): Promise<{ status: number | undefined; body: unknown }> {
  const { port } = site.server.address() as AddressInfo;
  const sent = httpRequest({
    port,
    path,
    method: 'POST',
    headers: { 'content-type': 'multipart/form-data; boundary=x' },
  });
  const response = new Promise<IncomingMessage>((resolve, reject) => {
    sent.once('response', resolve).on('error', reject);
  });
  if (body.endsWith('--x--\r\n')) sent.end(body);
  else sent.write(body);
  try {
    const { statusCode } = await response;
    return { status: statusCode, body: JSON.parse(await text(await response)) };
  } finally {
    sent.destroy();
  }
}

describe('a form with files', () => {
  const large = 'x'.repeat(1024 * 1024);

  test('is read with its inputs', async () => {
    const body = `${field('a', '1')}${field('a', '2')}${field('b', large)}${file('f', 'content')}--x--\r\n`;
    expect(await answer('/whole', body)).toEqual({
      status: 200,
      body: { body: { a: ['1', '2'], b: large }, files: ['f'] },
    });
  });

  test('is refused as soon as its inputs are too large together, before its end has come', async () => {
    const many = Array.from({ length: 5 }, (_, index) => field(`a${index}`, large)).join('');
    // The last input ends where another begins.
    expect((await answer('/whole', many + field('z', ''))).status).toBe(413);
  });

  test('is refused when an input was cut, or there are too many', async () => {
    expect((await answer('/whole', `${field('a', large.repeat(3))}--x--\r\n`)).status).toBe(413);
    expect((await answer('/whole', `${field('a', '').repeat(1001)}--x--\r\n`)).status).toBe(413);
  });

  test('whose file comes as a stream has short inputs before it, and after it whatever fits', async () => {
    const body = `${field('a', '1')}${file('f', 'content')}--x--\r\n`;
    expect(await answer('/streamed', body)).toEqual({
      status: 200,
      body: { body: { a: '1' }, file: 'content' },
    });
    expect((await answer('/streamed', field('a', large) + field('z', ''))).status).toBe(413);
    expect((await answer('/streamed', `${field('a', '').repeat(501)}--x--\r\n`)).status).toBe(413);
  });
});

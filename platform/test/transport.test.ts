import { once } from 'node:events';
import { type ConnectionOptions, connect } from 'node:tls';
import { startTestNode, type TestNode } from '@govstack/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { selfSigned } from '../src/testing/self-signed.ts';
import { notesBlock } from './fixtures/notes-block/notes.ts';

let node: TestNode;
beforeAll(async () => {
  node = await startTestNode({ blocks: [{ block: notesBlock }] });
});
afterAll(() => node.stop());

describe('outside the own machine', () => {
  it('[CFR-SEC-1] plain HTTP is refused', async () => {
    for (const host of ['0.0.0.0', '::', '', '192.0.2.1'])
      await expect(node.listen({ host, port: 0, all: 'notes' }), host).rejects.toThrow(
        /refusing to serve plain HTTP/,
      );
    expect(await node.listen({ host: '127.0.0.1', port: 0, all: 'notes' })).toMatch(/^http:/);
  });

  it('[CFR-SEC-1] TLS 1.3 is served, and nothing older', async () => {
    const tls = selfSigned('notes.test');
    const url = await node.listen({ host: '0.0.0.0', port: 0, all: 'notes', tls });
    expect(url).toMatch(/^https:/);
    const dial = async (options: ConnectionOptions): Promise<string> => {
      const socket = connect({
        host: '127.0.0.1',
        port: Number(new URL(url).port),
        ca: tls.certificate,
        servername: 'notes.test',
        ...options,
      });
      try {
        await once(socket, 'secureConnect');
        socket.end('GET /health/live HTTP/1.1\r\nhost: notes.test\r\nconnection: close\r\n\r\n');
        let answer = '';
        for await (const chunk of socket) answer += chunk;
        return `${socket.getProtocol() ?? ''} ${answer.split('\r\n')[0]}`;
      } finally {
        socket.destroy();
      }
    };
    expect(await dial({})).toMatch(/^(TLSv1.3)? HTTP\/1.1 200 OK$/);
    await expect(dial({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })).rejects.toThrow(/protocol version/i);
    await expect(dial({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1' })).rejects.toThrow();
  });
});

/** The provider behind every way: reads the request to its end and answers with a small document, or with `size` bytes. */
import { createServer } from 'node:http';
import { Readable } from 'node:stream';

const answer = Buffer.from(
  JSON.stringify({ household: 'b4b0f1c2', score: 35, points: Array(12).fill('thatch') }),
);
const chunk = Buffer.alloc(65_536, 'govstack');

function* bytes(size: number): Generator<Buffer> {
  for (let sent = 0; sent < size; sent += chunk.length)
    yield chunk.subarray(0, Math.min(chunk.length, size - sent));
}

createServer((request, response) => {
  request.resume().on('end', () => {
    const size = Number(/[?&]size=(\d+)/.exec(request.url ?? '')?.[1] ?? 0);
    if (size === 0)
      return response
        .writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length })
        .end(answer);
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': size });
    Readable.from(bytes(size), { objectMode: false }).pipe(response);
  });
}).listen(Number(process.argv[2]), '127.0.0.1', () => process.send?.('ready'));

/** A plain streaming proxy without rights or evidence: what the runtime itself allows. Arguments: own port, next port. */
import { Agent, createServer, request as send } from 'node:http';

const [port, next] = process.argv.slice(2).map(Number);
const agent = new Agent({ keepAlive: true, maxSockets: 1024 });
createServer((request, response) => {
  const { method, url: path, headers } = request;
  const onward = send({ host: '127.0.0.1', port: next, method, path, headers, agent }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    answer.pipe(response);
  });
  onward.on('error', () => response.writeHead(502).end());
  request.pipe(onward);
}).listen(port, '127.0.0.1', () => process.send?.('ready'));

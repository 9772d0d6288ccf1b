import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  ArchivesRefused,
  ContainerRefused,
  type VerificationConfiguration,
  verifyArchives,
  verifyContainer,
} from '@govstack/information-mediator/verify';
import { httpMediator, isApplicationId, isServiceId } from '@govstack/platform';
import type { JWK } from 'jose';
import { folder, readOptions } from '../arguments.ts';

/** `mediator key FILE`: a P-256 key for an application; its public half is what the directory is given. */
function makeKey(file: string): number {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(file, `${JSON.stringify(privateKey.export({ format: 'jwk' }))}\n`, {
    mode: 0o600,
    flag: 'wx',
  });
  process.stdout.write(`${JSON.stringify(publicKey.export({ format: 'jwk' }))}\n`);
  return 0;
}

/** One exchange as the application whose key is given. */
async function exchangeAs(
  url: string,
  { as: client, key }: Readonly<Record<string, string>>,
  request: {
    readonly service: string;
    readonly method: string;
    readonly path: string;
    readonly body?: string | Buffer;
  },
) {
  if (!URL.canParse(url)) throw new Error('the mediator is named by its base URL');
  if (client === undefined || !isApplicationId(client))
    throw new Error('--as must be INSTANCE/CLASS/MEMBER/APPLICATION');
  if (key === undefined) throw new Error('--key must name the file with the key of the application');
  if (!isServiceId(request.service))
    throw new Error('the service is INSTANCE/CLASS/MEMBER/APPLICATION/SERVICE');
  const jwk = JSON.parse(readFileSync(folder(key, '.'), 'utf8')) as JWK;
  const mediator = httpMediator({ url: url.replace(/\/$/, ''), keys: new Map([[client, jwk]]) });
  try {
    return await mediator.exchange({
      client,
      headers: request.body === undefined ? {} : { 'content-type': 'application/json' },
      ...request,
    });
  } finally {
    await mediator.close();
  }
}

/** `mediator call`: one call of a service as an application, by its key. Exit code 1 when it was not answered with 2xx. */
async function call(
  positional: readonly string[],
  options: Readonly<Record<string, string>>,
): Promise<number> {
  const [url = '', service = '', method = 'GET', path = '/', body] = positional;
  const answer = await exchangeAs(url, options, {
    service,
    method: method.toUpperCase(),
    path,
    ...(body === undefined ? {} : { body: body === '-' ? readFileSync(0) : body }),
  });
  process.stderr.write(`${answer.status} exchange ${answer.headers['x-road-request-id'] ?? 'none'}\n`);
  process.stdout.write(answer.body);
  if (process.stdout.isTTY) process.stdout.write('\n');
  return answer.status >= 200 && answer.status < 300 ? 0 : 1;
}

/**
 * `mediator verify`: checks a container offline, by whom to believe: what a mediator publishes under
 * `/trust/verification.json`, obtained from somebody one trusts. Exit code 1 when it proves nothing.
 */
async function verify(file: string, options: Readonly<Record<string, string>>): Promise<number> {
  const { trust, body, extract } = options;
  if (trust === undefined) throw new Error('--trust must name the file that says whom to believe');
  const read = (name: string): Buffer => readFileSync(folder(name, '.'));
  const believed = JSON.parse(read(trust).toString('utf8')) as VerificationConfiguration;
  try {
    const proven = await verifyContainer(read(file), believed, body === undefined ? undefined : read(body));
    const lines = [
      `holds:        ${file}`,
      `said by:      ${proven.signer}, certified by ${proven.certifiedBy}`,
      `signed at:    ${proven.signedAt.toISOString()}`,
      `certificate:  good at ${proven.goodAt.toISOString()}`,
      `existed at:   ${proven.stampedAt.toISOString()}, by the word of ${proven.stampedBy}`,
      `message:      ${proven.head.toString('utf8').split('\r\n', 2).join(' ')}, body of ${proven.body.length} bytes`,
    ];
    process.stdout.write(`${lines.join('\n')}\n`);
    if (extract !== undefined) {
      mkdirSync(folder(extract, '.'), { recursive: true });
      writeFileSync(join(folder(extract, '.'), 'message.txt'), proven.head);
      writeFileSync(join(folder(extract, '.'), 'body.bin'), proven.body);
    }
    return 0;
  } catch (error) {
    if (!(error instanceof ContainerRefused)) throw error;
    process.stdout.write(`proves nothing: ${file}: ${error.message}\n`);
    return 1;
  }
}

/** `mediator verify-archives`: checks a folder of archives offline. Exit code 1 when they do not hold. */
async function verifyFolder(path: string, { trust }: Readonly<Record<string, string>>): Promise<number> {
  if (trust === undefined) throw new Error('--trust must name the file that says whom to believe');
  const believed = JSON.parse(readFileSync(folder(trust, '.')).toString('utf8')) as VerificationConfiguration;
  try {
    const { archives, records, containers, from, to } = await verifyArchives(folder(path, '.'), believed);
    process.stdout.write(
      `${archives} archives hold: records ${from} to ${to}, ${records} in one chain, ${containers} containers\n`,
    );
    return archives === 0 ? 1 : 0;
  } catch (error) {
    if (!(error instanceof ArchivesRefused)) throw error;
    process.stdout.write(`does not hold: ${error.message}\n`);
    return 1;
  }
}

/** `mediator container`: fetches the container of a message in which the application took part. */
async function container(
  positional: readonly string[],
  options: Readonly<Record<string, string>>,
): Promise<number> {
  const [url = '', mediator = '', exchange = '', message = '', file = ''] = positional;
  const reason = options.reason;
  if (file === '' || reason === undefined)
    throw new Error(
      'mediator container URL --as A --key FILE --reason WHY MEDIATOR EXCHANGE request|response FILE',
    );
  const answer = await exchangeAs(url, options, {
    service: `${mediator}/mediator-log-v1`,
    method: 'POST',
    path: `/exchanges/${encodeURIComponent(exchange)}/container`,
    body: JSON.stringify({ message, reason }),
  });
  if (answer.status !== 200) {
    process.stderr.write(`${answer.status} ${answer.body.toString()}\n`);
    return 1;
  }
  const found = JSON.parse(answer.body.toString()) as { container: string };
  writeFileSync(folder(file, '.'), Buffer.from(found.container, 'base64'));
  return 0;
}

/** `mediator …`: what an operator or integrator does with a security server from a terminal. */
export async function mediator(argv: readonly string[]): Promise<number> {
  const [what, ...rest] = argv;
  const { positional, options } = readOptions(rest, {
    as: 'value',
    key: 'value',
    reason: 'value',
    trust: 'value',
    body: 'value',
    extract: 'value',
  });
  if (what === 'key' && positional[0] !== undefined) return makeKey(folder(positional[0], '.'));
  if (what === 'call') return call(positional, options);
  if (what === 'container') return container(positional, options);
  if (what === 'verify' && positional[0] !== undefined) return verify(positional[0], options);
  if (what === 'verify-archives' && positional[0] !== undefined) return verifyFolder(positional[0], options);
  throw new Error(
    './govstack mediator key FILE | call URL --as APPLICATION --key FILE SERVICE [METHOD PATH [BODY]] | container URL … | verify CONTAINER --trust FILE [--body FILE] [--extract FOLDER]',
  );
}

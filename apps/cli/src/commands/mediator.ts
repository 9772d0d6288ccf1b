import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
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

/** `mediator call`: one call of a service as an application, by its key. Exit code 1 when it was not answered with 2xx. */
async function call(
  positional: readonly string[],
  options: Readonly<Record<string, string>>,
): Promise<number> {
  const [url = '', service = '', method = 'GET', path = '/', body] = positional;
  const { as: client, key } = options;
  if (!URL.canParse(url)) throw new Error('the mediator is named by its base URL');
  if (client === undefined || !isApplicationId(client))
    throw new Error('--as must be INSTANCE/CLASS/MEMBER/APPLICATION');
  if (key === undefined) throw new Error('--key must name the file with the key of the application');
  if (!isServiceId(service)) throw new Error('the service is INSTANCE/CLASS/MEMBER/APPLICATION/SERVICE');
  const jwk = JSON.parse(readFileSync(folder(key, '.'), 'utf8')) as JWK;
  const mediator = httpMediator({ url: url.replace(/\/$/, ''), keys: new Map([[client, jwk]]) });
  try {
    const answer = await mediator.exchange({
      client,
      service,
      method: method.toUpperCase(),
      path,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: body === '-' ? readFileSync(0) : body }),
    });
    process.stderr.write(`${answer.status} exchange ${answer.headers['x-road-request-id'] ?? 'none'}\n`);
    process.stdout.write(answer.body);
    if (process.stdout.isTTY) process.stdout.write('\n');
    return answer.status >= 200 && answer.status < 300 ? 0 : 1;
  } finally {
    await mediator.close();
  }
}

/** `mediator …`: what an operator or integrator does with a security server from a terminal. */
export async function mediator(argv: readonly string[]): Promise<number> {
  const [what, ...rest] = argv;
  const { positional, options } = readOptions(rest, { as: 'value', key: 'value' });
  if (what === 'key' && positional[0] !== undefined) return makeKey(folder(positional[0], '.'));
  if (what === 'call') return call(positional, options);
  throw new Error(
    './govstack mediator key FILE | call URL --as APPLICATION --key FILE SERVICE [METHOD PATH [BODY]]',
  );
}

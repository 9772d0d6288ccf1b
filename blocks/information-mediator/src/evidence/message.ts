import { createHash } from 'node:crypto';

const sha512 = (data: Uint8Array | string): Buffer => createHash('sha512').update(data).digest();

/** A message as it is signed: start line and headers in order, then the body, byte for byte. */
export interface Message {
  readonly head: string;
  readonly body: Buffer;
}

const headerLines = (headers: Readonly<Record<string, string>>): string =>
  Object.entries(headers)
    .map(([name, value]) => `${name}:${value}\r\n`)
    .join('');

/** Never part of evidence: credentials are not kept. */
const secretHeaders = new Set([
  'authorization',
  'cookie',
  'set-cookie',
  'x-govstack-client-assertion',
  'x-govstack-caller',
]);

const withoutSecrets = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !secretHeaders.has(name.toLowerCase())));

export const requestMessage = (
  method: string,
  target: string,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
): Message => ({ head: `${method} ${target}\r\n${headerLines(withoutSecrets(headers))}`, body });

export const responseMessage = (
  status: number,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
): Message => ({
  head: `${status}\r\n${headerLines(withoutSecrets(headers))}`,
  body,
});

/** X-Road's request hash: SHA-512 over the digests of head and body, or of the head alone. */
export const digestOf = ({ head, body }: Message): Buffer =>
  body.length === 0 ? sha512(head) : sha512(Buffer.concat([sha512(head), sha512(body)]));

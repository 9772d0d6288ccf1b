import { hash } from 'node:crypto';
import type { Body } from '../exchange/body.ts';
import type { HeaderList } from '../exchange/headers.ts';

/** A message as it is signed: start line and headers as they were received, then the body byte for byte. */
export interface Message {
  readonly head: string;
  readonly body: Body;
}

export interface Digests {
  readonly head: Buffer;
  /** Undefined when there is no body. */
  readonly body: Buffer | undefined;
}

/** Credentials are proven by their digest; the evidence must not be a way to come by them. */
const credentials = new Set(['authorization', 'cookie', 'set-cookie']);

const headerLine = ([name, value]: readonly [string, string]): string =>
  credentials.has(name.toLowerCase())
    ? `${name}:sha-256=${hash('sha256', value, 'base64')}\r\n`
    : `${name}:${value}\r\n`;

/** X-Road's form of a request: method, target, headers in their order, one a line. */
export const requestMessage = (method: string, target: string, headers: HeaderList, body: Body): Message => ({
  head: `${method}\r\n${target}\r\n${headers.map(headerLine).join('')}`,
  body,
});

/** The same for a response: its first line is the status. */
export const responseMessage = (status: number, headers: HeaderList, body: Body): Message => ({
  head: `${status}\r\n${headers.map(headerLine).join('')}`,
  body,
});

const sha512 = (data: Uint8Array | string): Buffer => hash('sha512', data, 'buffer');

export const digestsOf = ({ head, body }: Message): Digests => ({
  head: sha512(head),
  body: body.digest,
});

/** What X-Road calls the request hash, and what is signed: SHA-512 over both digests, or the head's alone. */
export const messageHash = ({ head, body }: Digests): Buffer =>
  body === undefined ? head : sha512(Buffer.concat([head, body]));

import { randomUUID } from 'node:crypto';
import { CompactSign, FlattenedSign, SignJWT } from 'jose';
import type { SigningKey } from '../durable/signing-key.ts';

/** Something a party tells somebody who did not ask just then. */
export interface Notice {
  readonly eventId: string;
  /** Service id at the information mediator, when the one who asked named one. */
  readonly service?: string;
  /** JSON value; it holds the event id. */
  readonly content: Readonly<Record<string, unknown>>;
}

/** Where notices go and in whose name. */
export interface Destination {
  /** URL; `{service}` stands for the service id that the caller named. Nothing is sent while there is none. */
  readonly url: string | undefined;
  /** INSTANCE/CLASS/MEMBER/APPLICATION under which the party is known at the mediator, when it sends through one. */
  readonly client?: string;
  /**
   * `jws`: the body is a JWS in flattened form (RFC 7515) with the notice as payload. `detached`: the body is the
   * notice, a detached JWS over its bytes is in the header `X-JWS-Signature` (RFC 7515 appendix F).
   */
  readonly form: 'jws' | 'detached';
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

export interface Posting {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** The signed request that carries a notice, or undefined when it has no address. */
export async function postingOf(
  notice: Notice,
  destination: Destination,
  key: SigningKey,
): Promise<Posting | undefined> {
  if (destination.url === undefined) return undefined;
  if (destination.url.includes('{service}') && notice.service === undefined) return undefined;
  const url = destination.url.replace('{service}', notice.service ?? '');
  const content = JSON.stringify(notice.content);
  const protectedHeader = { alg: 'ES256', kid: key.kid };
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'user-agent': 'lumora-party',
  };
  let body = content;
  if (destination.form === 'jws') {
    const jws = await new FlattenedSign(encode(content))
      .setProtectedHeader(protectedHeader)
      .sign(key.privateKey);
    body = JSON.stringify(jws);
  } else {
    const jws = await new CompactSign(encode(content))
      .setProtectedHeader(protectedHeader)
      .sign(key.privateKey);
    const [header, , signature] = jws.split('.');
    headers['x-jws-signature'] = `${header}..${signature}`;
  }
  if (destination.client !== undefined) {
    headers['x-road-client'] = destination.client;
    headers['x-govstack-client-assertion'] = await clientAssertion(
      destination.client,
      new URL(url).origin,
      key,
    );
  }
  return { url, headers, body };
}

/** Minute-long proof for the mediator that the party is the application it says it is. */
const clientAssertion = (client: string, audience: string, key: SigningKey): Promise<string> =>
  new SignJWT({})
    .setProtectedHeader({ alg: 'ES256', typ: 'client-assertion+jwt', kid: key.kid })
    .setIssuer(client)
    .setSubject(client)
    .setAudience(audience)
    .setJti(randomUUID())
    .setIssuedAt()
    .setExpirationTime('60s')
    .sign(key.privateKey);

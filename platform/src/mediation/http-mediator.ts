import { randomUUID } from 'node:crypto';
import { importJWK, type JWK, SignJWT } from 'jose';
import { Agent, fetch } from 'undici';
import type { ApplicationId } from '../caller/caller.ts';
import type { CloudEvent } from '../events/cloud-event.ts';
import type { MediatedRequest, MediatedResponse, MediatorPort } from './port.ts';

/** Header in which an application proves to its mediator who it is (a signed, minute-long JWT). */
export const clientAssertionHeader = 'x-govstack-client-assertion';

export interface HttpMediatorOptions {
  /** Base URL of the mediator, without `/r1`. */
  readonly url: string;
  /** Private ES256 key of each application this process runs. */
  readonly keys: ReadonlyMap<ApplicationId, JWK>;
}

/** Proof of an application's identity for one mediator: `iss` = `sub` = the application. */
export async function signClientAssertion(
  application: ApplicationId,
  key: JWK,
  audience: string,
): Promise<string> {
  return new SignJWT({})
    .setProtectedHeader({ alg: 'ES256', typ: 'client-assertion+jwt', ...(key.kid ? { kid: key.kid } : {}) })
    .setIssuer(application)
    .setSubject(application)
    .setAudience(audience)
    .setJti(randomUUID())
    .setIssuedAt()
    .setExpirationTime('60s')
    .sign(await importJWK(key, 'ES256'));
}

/** Reaches the information mediator of another process over the X-Road REST protocol. */
export function httpMediator(options: HttpMediatorOptions): MediatorPort & { close(): Promise<void> } {
  const agent = new Agent({ connections: 20, headersTimeout: 120_000, bodyTimeout: 120_000 });
  const keyOf = (application: ApplicationId): JWK => {
    const key = options.keys.get(application);
    if (!key) throw new Error(`no key to identify ${application} to its mediator`);
    return key;
  };
  const send = async (
    sender: ApplicationId,
    client: ApplicationId,
    path: string,
    request: Pick<MediatedRequest, 'method' | 'headers' | 'body' | 'signal'>,
  ): Promise<MediatedResponse> => {
    const response = await fetch(`${options.url}${path}`, {
      method: request.method,
      headers: {
        ...request.headers,
        'x-road-client': client,
        [clientAssertionHeader]: await signClientAssertion(sender, keyOf(sender), options.url),
      },
      ...(request.body === undefined ? {} : { body: request.body }),
      ...(request.signal ? { signal: request.signal } : {}),
      dispatcher: agent,
      redirect: 'manual',
    });
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: Buffer.from(await response.arrayBuffer()),
    };
  };
  return {
    exchange: (request) =>
      send(
        request.operator ?? request.client,
        request.client,
        `/r1/${request.service}${request.path}`,
        request,
      ),
    async publish(from: ApplicationId, event: CloudEvent) {
      const response = await send(from, from, '/node/events', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(event),
      });
      if (response.status >= 300)
        throw new Error(`the mediator refused the event with status ${response.status}`);
    },
    close: () => agent.close(),
  };
}

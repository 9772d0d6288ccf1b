import { randomUUID } from 'node:crypto';
import { type JWK, SignJWT } from 'jose';
import { Agent, request as send } from 'undici';
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
    .sign(key);
}

/** Reaches the information mediator of another process over the X-Road REST protocol. */
export function httpMediator(options: HttpMediatorOptions): MediatorPort & { close(): Promise<void> } {
  const agent = new Agent({ connections: 20, headersTimeout: 120_000, bodyTimeout: 120_000 });
  const keyOf = (application: ApplicationId): JWK => {
    const key = options.keys.get(application);
    if (!key) throw new Error(`no key to identify ${application} to its mediator`);
    return key;
  };
  const deliver = async (
    sender: ApplicationId,
    client: ApplicationId,
    path: string,
    { method, headers, body, signal }: Pick<MediatedRequest, 'method' | 'headers' | 'body' | 'signal'>,
  ): Promise<MediatedResponse> => {
    // Not `fetch`: it would ask for compressed answers and change what comes back.
    const response = await send(`${options.url}${path}`, {
      method: method as 'GET',
      headers: {
        ...headers,
        'x-road-client': client,
        [clientAssertionHeader]: await signClientAssertion(sender, keyOf(sender), options.url),
      },
      body: body ?? null,
      ...(signal ? { signal } : {}),
      dispatcher: agent,
    });
    const received: Record<string, string> = {};
    for (const [name, value] of Object.entries(response.headers))
      if (value !== undefined) received[name] = Array.isArray(value) ? value.join(', ') : value;
    return {
      status: response.statusCode,
      headers: received,
      body: Buffer.from(await response.body.arrayBuffer()),
    };
  };
  return {
    exchange: (request) =>
      deliver(
        request.operator ?? request.client,
        request.client,
        `/r1/${request.service}${request.path}`,
        request,
      ),
    async publish(from: ApplicationId, event: CloudEvent) {
      const response = await deliver(from, from, '/node/events', {
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

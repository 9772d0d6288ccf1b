import type { MediatedRequest, MediatedResponse } from '@govstack/platform';
import { Agent, request as send } from 'undici';

/** Headers that belong to one hop and are never passed on (x-road.md 2). */
const hopHeaders = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'host',
  'user-agent',
  'server',
  'expect',
  'content-length',
]);

export const endToEnd = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !hopHeaders.has(name.toLowerCase())));

const maxResponseBytes = 64 * 1024 * 1024;

export interface HttpProviders {
  call(
    baseUrl: string,
    request: Pick<MediatedRequest, 'method' | 'path' | 'headers' | 'signal'> & { readonly body: Buffer },
  ): Promise<MediatedResponse>;
  close(): Promise<void>;
}

/** Providers in other processes, each with its own connections. Redirects are passed on, never followed. */
export function openHttpProviders(): HttpProviders {
  const agent = new Agent({ connections: 32, pipelining: 1, maxResponseSize: maxResponseBytes });
  return {
    async call(baseUrl, request) {
      const response = await send(`${baseUrl.replace(/\/$/, '')}${request.path}`, {
        method: request.method as 'GET',
        headers: endToEnd(request.headers),
        ...(request.body.length === 0 ? {} : { body: request.body }),
        ...(request.signal ? { signal: request.signal } : {}),
        dispatcher: agent,
      });
      const headers: Record<string, string> = {};
      for (const [name, value] of Object.entries(response.headers)) {
        if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
      }
      return {
        status: response.statusCode,
        headers: endToEnd(headers),
        body: Buffer.from(await response.body.arrayBuffer()),
      };
    },
    close: () => agent.close(),
  };
}

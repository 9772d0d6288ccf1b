import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { Pool } from 'undici';
import { isForbiddenAddress } from '../directory/target.ts';
import { type Body, receiveBody } from './body.ts';
import { fromRaw, type HeaderList } from './headers.ts';
import type { ExchangeResponse } from './request.ts';

/** A name may lead to other addresses tomorrow than when its URL was registered: looked at on every connection. */
const guardedLookup: LookupFunction = (hostname, options, callback) =>
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, '', 0);
    const allowed = addresses.filter(({ address }) => !isForbiddenAddress(address));
    const [first] = allowed;
    if (!first) return callback(new Error(`${hostname} leads to a forbidden address`), '', 0);
    if (options.all) return callback(null, allowed);
    return callback(null, first.address, first.family);
  });

export interface HttpProviders {
  /** One request, sent once; redirects are passed on, never followed; nothing is cached. */
  call(
    target: { readonly origin: string; readonly basePath: string },
    request: {
      readonly method: string;
      readonly path: string;
      readonly headers: HeaderList;
      readonly body: Body;
      readonly signal: AbortSignal;
    },
  ): Promise<ExchangeResponse>;
  close(): Promise<void>;
}

/** Providers in other processes, a pool of connections for each origin. */
export function openHttpProviders(maxAnswerBytes: number): HttpProviders {
  const pools = new Map<string, Pool>();
  const poolOf = (origin: string): Pool => {
    const known = pools.get(origin);
    if (known) return known;
    const pool = new Pool(origin, {
      connections: 64,
      connect: { timeout: 10_000, lookup: guardedLookup },
      // The exchange's own timeout rules, which a service may set higher than these defaults.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    pools.set(origin, pool);
    return pool;
  };

  return {
    async call({ origin, basePath }, { method, path, headers, body, signal }) {
      const response = await poolOf(origin).request({
        method: method as 'GET',
        path: `${basePath}${path}`,
        headers: body.bytes ? headers.flat() : [...headers, ['Content-Length', String(body.size)]].flat(),
        body: body.size === 0 ? null : (body.bytes ?? body.stream()),
        signal,
        responseHeaders: 'raw',
      });
      return {
        status: response.statusCode,
        // Asked for as they were received: a flat list, which the type does not know.
        headers: fromRaw(response.headers as unknown as string[]),
        body: await receiveBody(response.body, maxAnswerBytes).catch((error: Error) => {
          response.body.destroy();
          throw error;
        }),
      };
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
    },
  };
}

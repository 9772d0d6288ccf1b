import type { LocalProviders, MediatedResponse } from '@govstack/platform';
import type { Directory } from '../directory/directory.ts';
import type { HttpProviders } from './http-provider.ts';

const maxAgeMs = 60_000;

/**
 * OpenAPI documents of services, read where they are provided and kept for a minute. The provider's own address is
 * replaced by the service's address at the mediator, so that it does not leak.
 */
export function createDescriptions(
  directory: Directory,
  local: LocalProviders,
  http: HttpProviders,
): (serviceId: string) => Promise<Record<string, unknown> | undefined> {
  const cache = new Map<
    string,
    { readonly target: string; readonly until: number; readonly document: Record<string, unknown> }
  >();
  const read = async (serviceId: string, target: string): Promise<MediatedResponse | undefined> => {
    const request = {
      method: 'GET',
      path: '/openapi.json',
      headers: {},
      signal: AbortSignal.timeout(10_000),
    };
    const [, block, surface] = /^local:([a-z0-9-]+)\/([a-z0-9-]+)$/.exec(target) ?? [];
    if (block === undefined || surface === undefined)
      return http.call(target, { ...request, body: Buffer.alloc(0) });
    const caller = {
      application: serviceId.split('/').slice(0, 4).join('/'),
      service: serviceId,
      operator: undefined,
      exchangeId: '',
    };
    return local.dispatch(block, surface, request, caller);
  };
  return async (serviceId) => {
    const service = directory.service(serviceId);
    if (!service) return undefined;
    const known = cache.get(serviceId);
    if (known && known.target === service.target && known.until > Date.now()) return known.document;
    try {
      const response = await read(serviceId, service.target);
      if (response?.status !== 200) return undefined;
      const published = JSON.parse(response.body.toString('utf8')) as Record<string, unknown>;
      const document = { ...published, servers: [{ url: `/r1/${serviceId}` }] };
      cache.set(serviceId, { target: service.target, until: Date.now() + maxAgeMs, document });
      return document;
    } catch {
      return undefined;
    }
  };
}

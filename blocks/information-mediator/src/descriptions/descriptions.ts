import type { LocalProviders } from '@govstack/platform';
import { parse as parseYaml } from 'yaml';
import type { Directory } from '../directory/directory.ts';
import type { DirectoryService } from '../directory/snapshot.ts';
import { type Target, targetOf } from '../directory/target.ts';
import { bytesOf, noBody } from '../exchange/body.ts';
import type { HttpProviders } from '../exchange/http-provider.ts';
import type { ExchangeResponse } from '../exchange/request.ts';

export type OpenApi = Record<string, unknown>;

const maxAgeMs = 60_000;
const patienceMs = 5_000;

/** OpenAPI documents of services: as registered, or read where the service is provided and kept for a minute. */
export interface Descriptions {
  /**
   * The document, its server replaced by the service's address at the mediator so that the provider's own does not
   * leak; undefined when there is none.
   */
  of(service: DirectoryService): Promise<OpenApi | undefined>;
}

/** JSON is YAML too; aliases are bounded, so that a small text cannot become a large document. */
const parseDescription = (text: string): unknown =>
  /^\s*\{/.test(text) ? JSON.parse(text) : parseYaml(text, { maxAliasCount: 100 });

/** No description is larger, in bytes. */
const largestDescription = 16 * 1024 * 1024;

async function readWhole({ status, body }: ExchangeResponse): Promise<{ status: number; body: Buffer }> {
  try {
    return { status, body: await bytesOf(body, largestDescription) };
  } finally {
    body.release();
  }
}

/** Where a description is read: of the provider, or where the registration says it lies. */
function placeOf({ specUrl, target }: DirectoryService): { target: Target | undefined; path: string } {
  if (specUrl === undefined || !URL.canParse(specUrl))
    return { target: targetOf(target), path: '/openapi.json' };
  const { origin, pathname, search } = new URL(specUrl);
  return { target: { kind: 'http', origin, basePath: '' }, path: `${pathname}${search}` };
}

export function openDescriptions(
  directory: Directory,
  local: LocalProviders,
  http: HttpProviders,
): Descriptions {
  const cache = new Map<
    string,
    { readonly place: string; readonly until: number; readonly document: Promise<OpenApi | undefined> }
  >();

  async function fetchDocument(service: DirectoryService): Promise<OpenApi | undefined> {
    const { target, path } = placeOf(service);
    const request = { method: 'GET', path, signal: AbortSignal.timeout(patienceMs) };
    if (!target) return undefined;
    try {
      const response =
        target.kind === 'local'
          ? await local.dispatch(
              target.block,
              target.surface,
              { ...request, headers: {} },
              {
                application: service.applicationId,
                service: service.id,
                operator: undefined,
                exchangeId: '',
              },
            )
          : await readWhole(await http.call(target, { ...request, headers: [], body: noBody }));
      if (response?.status !== 200) return undefined;
      const document = parseDescription(response.body.toString('utf8'));
      return typeof document === 'object' && document !== null && 'paths' in document
        ? (document as OpenApi)
        : undefined;
    } catch {
      return undefined;
    }
  }

  async function published(service: DirectoryService): Promise<OpenApi | undefined> {
    if (service.openapi) return service.openapi;
    const known = cache.get(service.id);
    const place = service.specUrl ?? service.target;
    if (known && known.place === place && known.until > Date.now()) return known.document;
    for (const id of cache.keys()) if (!directory.service(id)) cache.delete(id);
    const document = fetchDocument(service);
    cache.set(service.id, { place, until: Date.now() + maxAgeMs, document });
    // What could not be read now is tried again by whoever asks next.
    if (!(await document)) cache.delete(service.id);
    return document;
  }

  return {
    async of(service) {
      const document = await published(service);
      return document && { ...document, servers: [{ url: `/r1/${service.id}` }] };
    },
  };
}

const methods = new Set(['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace']);

/** The endpoints of a service, derived from its description (IM-6.2-c). */
export const endpointsOf = (document: OpenApi | undefined): { method: string; path: string }[] =>
  Object.entries((document?.paths ?? {}) as Record<string, object>).flatMap(([path, item]) =>
    Object.keys(item)
      .filter((key) => methods.has(key))
      .map((key) => ({ method: key.toUpperCase(), path })),
  );

import { badRequest, isServiceId } from '@govstack/platform';
import type { Source } from '../sources/source.ts';

/** Where somebody may be called back. */
export type Callable = Pick<Source, 'callback_service' | 'callback_path' | 'callback_urls'>;

/** Where a source wants to be told: an operation of its own behind the mediator, or an allowed address. */
export type CallbackTarget =
  | { readonly kind: 'service'; readonly service: string; readonly path: string }
  | { readonly kind: 'url'; readonly url: string };

const isPath = (text: string): boolean =>
  /^\/[A-Za-z0-9/_.~%-]*(\?[A-Za-z0-9/_.~%=&-]*)?$/.test(text) && !text.includes('..');

const underAllowed = (url: URL, allowed: string): boolean => {
  const base = URL.parse(allowed);
  return (
    base !== null &&
    base.origin === url.origin &&
    (url.pathname === base.pathname || url.pathname.startsWith(base.pathname.replace(/\/?$/, '/')))
  );
};

/** Whether an address is, or lies under, one of an allow-list. */
export function isAllowed(allowList: readonly string[], address: string): boolean {
  const url = URL.parse(address);
  return url !== null && allowList.some((allowed) => underAllowed(url, allowed));
}

/**
 * Reads the X-Callback-URL of a request: a path of the source's registered callback service (`/results`), that service
 * with a path (`INSTANCE/CLASS/MEMBER/APPLICATION/SERVICE/results`), or an address on the source's allow-list. Without
 * one, the registered callback path if there is one. Anything else is refused: the block calls nobody it was not told
 * to by the treasury.
 */
export function callbackTarget(source: Callable, wanted: string | undefined): CallbackTarget | undefined {
  const { callback_service: service, callback_path: path } = source;
  if (wanted === undefined || wanted === '')
    return service !== null && path !== null ? { kind: 'service', service, path } : undefined;
  if (wanted.startsWith('/')) {
    if (service === null) throw badRequest('X-Callback-URL: the caller has no registered callback service');
    if (!isPath(wanted)) throw badRequest('X-Callback-URL is not a usable path');
    return { kind: 'service', service, path: wanted };
  }
  const parts = wanted.split('/');
  const named = parts.slice(0, 5).join('/');
  if (isServiceId(named) && !wanted.includes('://')) {
    const rest = `/${parts.slice(5).join('/')}`;
    if (named !== service || !isPath(rest))
      throw badRequest('X-Callback-URL must name the registered callback service of the caller');
    return { kind: 'service', service, path: rest };
  }
  if (!isAllowed(source.callback_urls, wanted))
    throw badRequest('X-Callback-URL is not on the allow-list of the caller');
  return { kind: 'url', url: new URL(wanted).href };
}

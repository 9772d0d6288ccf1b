import { isIP } from 'node:net';
import { badRequest } from '@govstack/platform';

/** Where a service is provided: a surface of a block in this process, or a base URL elsewhere. */
export type Target =
  | { readonly kind: 'local'; readonly block: string; readonly surface: string }
  | { readonly kind: 'http'; readonly origin: string; readonly basePath: string };

const localPattern = /^local:([a-z][a-z0-9-]*)\/([a-z][a-z0-9-]*)$/;

export function targetOf(text: string): Target | undefined {
  const local = localPattern.exec(text);
  if (local) return { kind: 'local', block: local[1] as string, surface: local[2] as string };
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return undefined;
  return { kind: 'http', origin: url.origin, basePath: url.pathname.replace(/\/$/, '') };
}

const loopback = /^(localhost|127(\.\d{1,3}){3}|::1)$/;

/**
 * Addresses that only ever lead to the machine's own surroundings (link-local, where clouds keep credentials) or to
 * nowhere; no provider is there.
 */
export const isForbiddenAddress = (address: string): boolean =>
  /^(169\.254\.|0\.|fe[89ab][0-9a-f]:|::$|::ffff:(169\.254\.|0\.|a9fe:))/i.test(address);

/** Refuses what is not a target a provider could have. Plain HTTP stays on this machine (CFR-SEC-1). */
export function assertTarget(text: string): void {
  const refuse = (detail: string): Error =>
    badRequest(`The target ${detail}`, [{ in: 'body', pointer: '/target', detail }]);
  const target = targetOf(text);
  if (!target)
    throw refuse('must be local:<block>/<surface> or an http(s) URL without credentials and query');
  if (target.kind === 'local') return;
  const { protocol, hostname } = new URL(target.origin);
  const host = hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && isForbiddenAddress(host)) throw refuse('must not be a link-local address');
  if (protocol === 'http:' && !loopback.test(host)) throw refuse('must use https outside this machine');
}

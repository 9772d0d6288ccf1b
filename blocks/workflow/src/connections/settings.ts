import type { ConnectionSettings } from '../api/connection-schemas.ts';

const isLocal = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/.test(host);

const reservedHeaders = new Set([
  'authorization',
  'connection',
  'content-length',
  'content-type',
  'cookie',
  'host',
  'idempotency-key',
  'transfer-encoding',
]);

function wrongAddress(text: string): string | undefined {
  const url = URL.parse(text);
  if (url?.username !== '' || url.password !== '') return 'is not an address without credentials';
  if (url.protocol === 'http:' && !isLocal(url.hostname)) return 'must be https';
  return undefined;
}

/** What is wrong with settings that have the right shape: field and words. */
export function wrongSettings(settings: ConnectionSettings): { field: string; detail: string } | undefined {
  if (settings.kind === 'smtp') {
    return settings.tls === 'none' && !isLocal(settings.host)
      ? { field: 'tls', detail: 'must be implicit or starttls' }
      : undefined;
  }
  const address = wrongAddress(settings.baseUrl);
  if (address !== undefined) return { field: 'baseUrl', detail: address };
  const { authentication } = settings;
  if (authentication.kind === 'oauth2') {
    const detail = wrongAddress(authentication.tokenUrl);
    if (detail !== undefined) return { field: 'authentication/tokenUrl', detail };
  }
  if (authentication.kind === 'header' && reservedHeaders.has(authentication.name.toLowerCase()))
    return { field: 'authentication/name', detail: 'is a header of the engine' };
  for (const name of Object.keys((settings.kind === 'http' && settings.headers) || {})) {
    if (reservedHeaders.has(name.toLowerCase()))
      return { field: `headers/${name}`, detail: 'is a header of the engine' };
  }
  return undefined;
}

/** Whether requests need a secret. */
export const needsSecret = (settings: ConnectionSettings): boolean =>
  settings.kind === 'smtp' ? settings.user !== undefined : settings.authentication.kind !== 'none';

/** To whom a secret is shown: where this changes, it must be given again. */
export const audienceOf = (settings: ConnectionSettings): string =>
  settings.kind === 'smtp'
    ? JSON.stringify([settings.host, settings.port, settings.tls, settings.user])
    : JSON.stringify([new URL(settings.baseUrl).origin, settings.authentication]);

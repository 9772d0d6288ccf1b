/** Header lines as received: casing, order and repetition kept. */
export type HeaderList = readonly (readonly [name: string, value: string])[];

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

/** Set by the mediator alone: whatever a client sends under these names is dropped. */
const reservedInRequests = new Set([
  'x-govstack-caller',
  'x-govstack-client-assertion',
  'x-road-request-id',
  'x-road-request-hash',
  'x-road-service',
  'x-road-error',
]);

/** The same for what a provider sends: `X-Road-Error` in particular must only ever be the mediator's own word. */
const reservedInResponses = new Set([
  'x-road-id',
  'x-road-client',
  'x-road-service',
  'x-road-request-id',
  'x-road-request-hash',
  'x-road-error',
]);

export const headerValues = (headers: HeaderList, name: string): string[] =>
  headers.filter(([one]) => one.toLowerCase() === name).map(([, value]) => value);

export const headerValue = (headers: HeaderList, name: string): string | undefined =>
  headers.find(([one]) => one.toLowerCase() === name)?.[1];

export const fromRecord = (headers: Readonly<Record<string, string>>): HeaderList => Object.entries(headers);

/** Lower-case names; repeated headers joined as RFC 9110 allows. */
export function toRecord(headers: HeaderList): Record<string, string> {
  const record: Record<string, string> = {};
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    const before = record[lower];
    record[lower] = before === undefined ? value : `${before}${lower === 'cookie' ? '; ' : ', '}${value}`;
  }
  return record;
}

/** Node's flat list of names and values. */
export function fromRaw(raw: readonly string[]): HeaderList {
  const headers: [string, string][] = [];
  for (let index = 0; index < raw.length; index += 2)
    headers.push([raw[index] as string, raw[index + 1] as string]);
  return headers;
}

/** Without the headers of the last hop, those it names in `Connection` included (RFC 9110, 7.6.1). */
function endToEnd(headers: HeaderList, reserved: ReadonlySet<string>): [string, string][] {
  const named = new Set(
    headerValues(headers, 'connection').flatMap((value) =>
      value.split(',').map((token) => token.trim().toLowerCase()),
    ),
  );
  return headers
    .filter(([name]) => {
      const lower = name.toLowerCase();
      return !hopHeaders.has(lower) && !reserved.has(lower) && !named.has(lower);
    })
    .map(([name, value]) => [name, value]);
}

/** With `settings` in place of what stood there under the same names. */
function withSettings(
  headers: [string, string][],
  settings: Readonly<Record<string, string>>,
): [string, string][] {
  const names = new Set(Object.keys(settings).map((name) => name.toLowerCase()));
  return [...headers.filter(([name]) => !names.has(name.toLowerCase())), ...Object.entries(settings)];
}

/** What a provider receives of a request's headers. */
export const forProvider = (
  headers: HeaderList,
  settings: Readonly<Record<string, string>>,
): [string, string][] => withSettings(endToEnd(headers, reservedInRequests), settings);

/** What a client receives of a response's headers. */
export const forClient = (
  headers: HeaderList,
  settings: Readonly<Record<string, string>>,
): [string, string][] => withSettings(endToEnd(headers, reservedInResponses), settings);

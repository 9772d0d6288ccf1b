import { type Static, Type } from '@govstack/platform/operation';

/** What nobody gets to see of kept messages, whoever reads them; a setting of the block. */
export const maskingSettings = Type.Object(
  {
    /** Names of headers. */
    headers: Type.Array(Type.String({ minLength: 1 }), { default: [] }),
    /** Names of parameters of the query. */
    query: Type.Array(Type.String({ minLength: 1 }), { default: [] }),
    /**
     * JSON pointers into bodies (RFC 6901); `*` stands for any one name or index, `**` for any number of them. A body
     * in which they cannot be looked up is withheld whole.
     */
    pointers: Type.Array(Type.String({ pattern: '^(/[^/]*)+$' }), { default: [] }),
  },
  { additionalProperties: false, default: {} },
);
export type Masking = Static<typeof maskingSettings>;

const mask = '[masked]';

/** The head of a message, its first line and its headers, without what is masked. */
export function maskHead(
  head: string,
  { headers, query }: Masking,
): { firstLine: string; headers: [string, string][] } {
  const hiddenHeaders = new Set(headers.map((name) => name.toLowerCase()));
  const hiddenParameters = new Set(query);
  const lines = head.split('\r\n').filter((line) => line !== '');
  const [first = '', ...rest] = lines;
  // METHOD and target stand in a line each; the first line of a response is its status.
  const target = rest[0]?.startsWith('/') ? rest.shift() : undefined;
  const [path, search] = target === undefined ? [undefined, undefined] : splitOnce(target, '?');
  const shown = search
    ?.split('&')
    .map((parameter) => {
      const [name] = splitOnce(parameter, '=');
      return hiddenParameters.has(decoded(name)) ? `${name}=${mask}` : parameter;
    })
    .join('&');
  return {
    firstLine: path === undefined ? first : `${first} ${path}${shown === undefined ? '' : `?${shown}`}`,
    headers: rest.map((line) => {
      const [name, value = ''] = splitOnce(line, ':');
      return [name, hiddenHeaders.has(name.toLowerCase()) ? mask : value];
    }),
  };
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll('+', ' '));
  } catch {
    return name;
  }
}

const segmentsOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));

/** Masks what the paths lead to; each path is what is left of a pointer. */
function masked(value: unknown, paths: readonly (readonly string[])[]): unknown {
  if (paths.some((path) => path.length === 0 || path.every((segment) => segment === '**'))) return mask;
  if (paths.length === 0 || typeof value !== 'object' || value === null) return value;
  const below = (name: string): string[][] =>
    paths.flatMap(([segment, ...rest]) => {
      if (segment !== '**') return segment === '*' || segment === name ? [rest] : [];
      const [next, ...after] = rest;
      return [[segment, ...rest], ...(next === '*' || next === name ? [after] : [])];
    });
  if (Array.isArray(value)) return value.map((one, index) => masked(one, below(String(index))));
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, masked(one, below(name))]));
}

/** A body as JSON text without what is masked; undefined: the pointers cannot be looked up in it. */
export function maskBody(body: Buffer, { pointers }: Masking): string | undefined {
  try {
    return JSON.stringify(masked(JSON.parse(body.toString('utf8')), pointers.map(segmentsOf)));
  } catch {
    return undefined;
  }
}

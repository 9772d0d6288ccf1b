/**
 * Matches a path against an endpoint pattern of X-Road: `*` stands for any characters but a slash (possibly none),
 * `**` for anything, `\*` for a star, a `{parameter}` of an OpenAPI path for `*`. The whole path must match. Runs in
 * time proportional to path × pattern.
 */
export function matchesGlob(pattern: string, path: string): boolean {
  if (pattern === '**') return true;
  const tokens = tokensOf(pattern);
  let reachable = new Set([0]);
  const close = (states: Set<number>): Set<number> => {
    for (const state of states)
      if (tokens[state] === 'star' || tokens[state] === 'globstar') states.add(state + 1);
    return states;
  };
  close(reachable);
  for (const character of path) {
    const next = new Set<number>();
    for (const state of reachable) {
      const token = tokens[state];
      if (token === 'globstar' || (token === 'star' && character !== '/')) next.add(state);
      else if (token === character) next.add(state + 1);
    }
    reachable = close(next);
    if (reachable.size === 0) return false;
  }
  return reachable.has(tokens.length);
}

type Token = string | 'star' | 'globstar';

function tokensOf(pattern: string): Token[] {
  const tokens: Token[] = [];
  // By whole characters, as the path is walked.
  for (const piece of pattern.match(/\\\*|\*\*|\*|\{[^/{}]+\}|./gsu) ?? []) {
    if (piece === '\\*') tokens.push('*');
    else if (piece === '**') tokens.push('globstar');
    else if (piece === '*' || piece.length > 2) tokens.push('star');
    else tokens.push(piece);
  }
  return tokens;
}

/**
 * The path as rights see it: without its query, percent-decoded, single dots resolved. Undefined when it climbs or
 * cannot be decoded; such a request is refused.
 */
export function pathForRights(pathAndQuery: string): string | undefined {
  const [raw = ''] = pathAndQuery.split('?', 1);
  let decoded: string;
  try {
    decoded = decodeURIComponent(raw);
  } catch {
    return undefined;
  }
  // A decoded backslash or control character would let some URL parsers see segments that are not seen here.
  if (/[\\\p{Cc}]/u.test(decoded)) return undefined;
  const segments = decoded.split('/').filter((segment) => segment !== '.');
  return segments.includes('..') ? undefined : segments.join('/') || '/';
}

/** Printable ASCII without a fragment, and without backslashes in the path: some parsers take those for slashes. */
export const wellFormedPath = (pathAndQuery: string): boolean =>
  /^\/[\x21\x22\x24-\x3e\x40-\x5b\x5d-\x7e]*(\?[\x21\x22\x24-\x7e]*)?$/.test(pathAndQuery);

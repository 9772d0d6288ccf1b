/**
 * Matches a path against an endpoint pattern of X-Road: `*` stands for any characters but a slash (possibly none),
 * `**` for anything, `\*` for a star. The whole path must match. Runs in time proportional to path × pattern.
 */
export function matchesGlob(pattern: string, path: string): boolean {
  const tokens: (string | 'star' | 'globstar')[] = [];
  for (let index = 0; index < pattern.length; index += 1) {
    if (pattern[index] === '\\' && pattern[index + 1] === '*') {
      tokens.push('*');
      index += 1;
    } else if (pattern[index] === '*') {
      if (pattern[index + 1] === '*') {
        tokens.push('globstar');
        index += 1;
      } else tokens.push('star');
    } else tokens.push(pattern[index] as string);
  }
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

/**
 * The path as rights see it: percent-decoded, without query, dots resolved. Undefined when it still tries to climb
 * or cannot be decoded; such a request is refused.
 */
export function pathForRights(pathAndQuery: string): string | undefined {
  const [raw = ''] = pathAndQuery.split('?', 1);
  let decoded: string;
  try {
    decoded = decodeURIComponent(raw);
  } catch {
    return undefined;
  }
  const segments: string[] = [];
  for (const segment of decoded.split('/')) {
    if (segment === '.') continue;
    if (segment === '..') return undefined;
    segments.push(segment);
  }
  return segments.join('/') || '/';
}

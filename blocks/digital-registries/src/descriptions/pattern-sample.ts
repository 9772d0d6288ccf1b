/** Texts that a regular expression takes: enough of the language for what schemas say. Undefined: not understood. */
export function sampleOf(pattern: string): string | undefined {
  let at = 0;
  class NotUnderstood extends Error {}
  const peek = (): string | undefined => pattern[at];

  const named: Readonly<Record<string, string>> = { d: '1', w: 'a', s: ' ', D: 'a', W: '-', S: 'a' };

  function set(): string {
    const negated = peek() === '^';
    if (negated) at += 1;
    const members: [string, string][] = [];
    while (peek() !== ']') {
      if (peek() === undefined) throw new NotUnderstood();
      const first = member();
      if (peek() === '-' && pattern[at + 1] !== ']') {
        at += 1;
        members.push([first, member()]);
      } else members.push([first, first]);
    }
    at += 1;
    const [one] = members;
    if (!negated && one) return one[0];
    for (const candidate of 'a1A-_ .')
      if (!members.some(([from, to]) => candidate >= from && candidate <= to)) return candidate;
    throw new NotUnderstood();
  }

  function member(): string {
    const character = pattern[at++] ?? '';
    return character === '\\' ? escaped() : character;
  }

  function escaped(): string {
    const character = pattern[at++];
    if (character === undefined || /[bBpPuxkc0-9]/.test(character)) throw new NotUnderstood();
    return (
      named[character] ?? ({ t: '\t', n: '\n', r: '\r' } as Record<string, string>)[character] ?? character
    );
  }

  function atom(): string {
    const character = pattern[at++];
    switch (character) {
      case '[':
        return set();
      case '(': {
        if (pattern.startsWith('?:', at)) at += 2;
        else if (peek() === '?') throw new NotUnderstood();
        const inner = alternatives();
        if (pattern[at++] !== ')') throw new NotUnderstood();
        return inner;
      }
      case '\\':
        return escaped();
      case '.':
        return 'a';
      case '^':
      case '$':
        return '';
      default:
        return character ?? '';
    }
  }

  function times(): number {
    const character = peek();
    if (character === '*' || character === '?' || character === '+') at += 1;
    else if (character === '{') {
      const counted = /^\{(\d{1,4})(,\d*)?\}/.exec(pattern.slice(at));
      if (!counted) return 1;
      at += counted[0].length;
      if (peek() === '?') at += 1;
      return Number(counted[1]);
    } else return 1;
    if (peek() === '?') at += 1;
    return character === '+' ? 1 : 0;
  }

  function sequence(): string {
    let text = '';
    while (peek() !== undefined && peek() !== ')' && peek() !== '|') {
      const one = atom();
      text += one.repeat(times());
      if (text.length > 10_000) throw new NotUnderstood();
    }
    return text;
  }

  function alternatives(): string {
    const first = sequence();
    while (peek() === '|') {
      at += 1;
      sequence();
    }
    return first;
  }

  try {
    const text = alternatives();
    return at === pattern.length && new RegExp(pattern, 'u').test(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

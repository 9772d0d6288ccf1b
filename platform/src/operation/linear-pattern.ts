/** A pattern that is matched in time proportional to the text, whatever the pattern and the text are. */
export interface LinearPattern {
  test(text: string): boolean;
}

type Accepts = (character: string) => boolean;
type Step =
  | { readonly kind: 'character'; readonly accepts: Accepts; next: number }
  | { readonly kind: 'split'; readonly ways: number[] }
  | { readonly kind: 'start' | 'end'; next: number }
  | { readonly kind: 'edge'; readonly inside: boolean; next: number }
  | { readonly kind: 'match' };

/** A part of the program: where it begins, and the steps whose end is still open. */
interface Part {
  readonly first: number;
  readonly ends: readonly ((to: number) => void)[];
}

const mostSteps = 5_000;
const deepest = 50;

/** The pattern needs what cannot be matched in linear time, or cannot be read. */
export class UnsupportedPattern extends Error {}

const isWord = (character: string | undefined): boolean =>
  character !== undefined && /^[A-Za-z0-9_]$/.test(character);

/** Anchored, and with one place at most where there is a choice: the engine's own way is linear too, and quicker. */
function isPlain(source: string): boolean {
  const bare = source.replaceAll(/\\(?:[pPu]\{[^}]*\}|.)/gsu, 'c').replaceAll(/\[[^\]]*\]/gu, 'c');
  const choices = bare.match(/[*+?]|\{\d+,\d*\}/g) ?? [];
  return /^\^[^|]*$/su.test(bare) && !/\)[*+?{]/.test(bare) && choices.length <= 1;
}

/**
 * Compiles a regular expression (ECMA-262, Unicode mode) into a set of states that are followed side by side. Without
 * lookaround and back references, which need another kind of machine. Throws `UnsupportedPattern`.
 */
export function linearPattern(source: string): LinearPattern {
  let native: RegExp;
  try {
    native = new RegExp(source, 'u');
  } catch (error) {
    throw new UnsupportedPattern((error as Error).message);
  }
  const characters = [...source];
  const steps: Step[] = [];
  let at = 0;
  const add = (step: Step): number => {
    if (steps.length >= mostSteps) throw new UnsupportedPattern('The pattern is too large');
    steps.push(step);
    return steps.length - 1;
  };
  const single = (step: Exclude<Step, { kind: 'split' | 'match' }>): Part => ({
    first: add(step),
    ends: [
      (to) => {
        step.next = to;
      },
    ],
  });
  const empty = (): Part => {
    const step = { kind: 'split' as const, ways: [] as number[] };
    return { first: add(step), ends: [(to) => step.ways.push(to)] };
  };
  const accepting = (text: string): Part => {
    // One character against one class: nothing to go back over.
    const one = new RegExp(`^(?:${text})$`, 'su');
    const known = new Map<string, boolean>();
    return single({
      kind: 'character',
      next: -1,
      accepts(character) {
        const found = known.get(character);
        if (found !== undefined) return found;
        const accepted = one.test(character);
        if (known.size < 1000) known.set(character, accepted);
        return accepted;
      },
    });
  };

  function classText(): string {
    const start = at;
    at += 1;
    while (characters[at] !== ']') at += characters[at] === '\\' ? 2 : 1;
    at += 1;
    return characters.slice(start, at).join('');
  }

  function escapeText(): string {
    const rest = characters.slice(at).join('');
    const found =
      /^\\(?:u\{[0-9A-Fa-f]+\}|u[Dd][89ABab][0-9A-Fa-f]{2}\\u[Dd][C-Fc-f][0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|[pP]\{[^}]+\}|c[A-Za-z]|[^1-9kbB])/su.exec(
        rest,
      )?.[0];
    if (found === undefined) throw new UnsupportedPattern('Back references are not supported');
    at += [...found].length;
    return found;
  }

  function atom(depth: number): Part {
    const character = characters[at] as string;
    switch (character) {
      case '(': {
        if (depth > deepest) throw new UnsupportedPattern('The pattern is nested too deep');
        at += 1;
        if (characters[at] === '?') {
          const named = /^\?(?::|<[^=!][^>]*>)/su.exec(characters.slice(at).join(''))?.[0];
          if (named === undefined) throw new UnsupportedPattern('Lookaround is not supported');
          at += [...named].length;
        }
        const inner = alternatives(depth + 1);
        at += 1;
        return inner;
      }
      case '[':
        return accepting(classText());
      case '.':
        at += 1;
        return accepting('[^\\n\\r\\u2028\\u2029]');
      case '^':
        at += 1;
        return single({ kind: 'start', next: -1 });
      case '$':
        at += 1;
        return single({ kind: 'end', next: -1 });
      case '\\': {
        const edge = characters[at + 1];
        if (edge === 'b' || edge === 'B') {
          at += 2;
          return single({ kind: 'edge', inside: edge === 'B', next: -1 });
        }
        return accepting(escapeText());
      }
      default: {
        at += 1;
        return single({ kind: 'character', next: -1, accepts: (one) => one === character });
      }
    }
  }

  const close = (part: Part, to: number): void => {
    for (const end of part.ends) end(to);
  };
  const sequence = (one: Part, other: Part): Part => {
    close(one, other.first);
    return { first: one.first, ends: other.ends };
  };
  const optional = (part: Part): Part => {
    const step = { kind: 'split' as const, ways: [part.first] };
    return { first: add(step), ends: [...part.ends, (to) => step.ways.push(to)] };
  };
  const repeated = (part: Part): Part => {
    const step = { kind: 'split' as const, ways: [part.first] };
    const first = add(step);
    close(part, first);
    return { first, ends: [(to) => step.ways.push(to)] };
  };

  function quantified(depth: number): Part {
    const start = at;
    const once = atom(depth);
    const end = at;
    const text = characters.slice(at, at + 24).join('');
    const found = /^(?:([*+?])|\{(\d+)(,)?(\d*)\})\??/.exec(text);
    if (!found) return once;
    const after = at + found[0].length;
    const [, sign, least, open, most] = found;
    const from = sign === undefined ? Number(least) : sign === '+' ? 1 : 0;
    const to =
      sign === undefined
        ? open === undefined
          ? from
          : most === ''
            ? Number.POSITIVE_INFINITY
            : Number(most)
        : sign === '?'
          ? 1
          : Number.POSITIVE_INFINITY;
    if (from > 1000 || (to !== Number.POSITIVE_INFINITY && to > 1000))
      throw new UnsupportedPattern('The pattern repeats something more than 1000 times');
    const copy = (): Part => {
      at = start;
      const part = atom(depth);
      at = end;
      return part;
    };
    const parts: Part[] = [];
    for (let count = 0; count < from; count += 1) parts.push(count === 0 ? once : copy());
    const further = (): Part => (parts.length === 0 ? once : copy());
    if (to === Number.POSITIVE_INFINITY) parts.push(repeated(further()));
    else {
      let tail: Part | undefined;
      for (let count = from; count < to; count += 1) {
        const part = parts.length === 0 && tail === undefined ? once : copy();
        tail = optional(tail ? sequence(part, tail) : part);
      }
      if (tail) parts.push(tail);
    }
    at = after;
    const [first, ...rest] = parts;
    return first ? rest.reduce(sequence, first) : empty();
  }

  function alternatives(depth: number): Part {
    const ways: Part[] = [];
    for (;;) {
      let part: Part | undefined;
      while (at < characters.length && characters[at] !== '|' && characters[at] !== ')') {
        const next = quantified(depth);
        part = part ? sequence(part, next) : next;
      }
      ways.push(part ?? empty());
      if (characters[at] !== '|') break;
      at += 1;
    }
    if (ways.length === 1) return ways[0] as Part;
    return {
      first: add({ kind: 'split', ways: ways.map(({ first }) => first) }),
      ends: ways.flatMap(({ ends }) => ends),
    };
  }

  const whole = alternatives(0);
  close(whole, add({ kind: 'match' }));
  if (isPlain(source)) return { test: (text) => native.test(text) };

  return {
    test(text) {
      const input = [...text];
      let current = new Set<number>();
      for (let place = 0; place <= input.length; place += 1) {
        // It may begin anywhere.
        const waiting = [...current, whole.first];
        const reached = new Set<number>();
        while (waiting.length > 0) {
          const index = waiting.pop() as number;
          if (reached.has(index)) continue;
          reached.add(index);
          const step = steps[index] as Step;
          if (step.kind === 'match') return true;
          if (step.kind === 'split') waiting.push(...step.ways);
          else if (
            (step.kind === 'start' && place === 0) ||
            (step.kind === 'end' && place === input.length) ||
            (step.kind === 'edge' && (isWord(input[place - 1]) !== isWord(input[place])) !== step.inside)
          )
            waiting.push(step.next);
        }
        const character = input[place];
        if (character === undefined) return false;
        current = new Set();
        for (const index of reached) {
          const step = steps[index] as Step;
          if (step.kind === 'character' && step.accepts(character)) current.add(step.next);
        }
      }
      return false;
    },
  };
}

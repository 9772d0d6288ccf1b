import { resolve } from 'node:path';

/** Options of a command: `--name value` and `--flag`. Unknown ones are refused. */
export function readOptions(
  argv: readonly string[],
  known: Readonly<Record<string, 'value' | 'flag'>>,
): { readonly positional: readonly string[]; readonly options: Readonly<Record<string, string>> } {
  const positional: string[] = [];
  const options: Record<string, string> = {};
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] as string;
    if (!word.startsWith('--')) {
      positional.push(word);
      continue;
    }
    const [name = '', inline] = word.slice(2).split('=', 2);
    const kind = known[name];
    if (kind === undefined)
      throw new Error(
        `unknown option --${name}; there are ${Object.keys(known)
          .map((one) => `--${one}`)
          .join(', ')}`,
      );
    if (kind === 'flag') options[name] = 'true';
    else {
      const value = inline ?? argv[++index];
      if (value === undefined) throw new Error(`--${name} needs a value`);
      options[name] = value;
    }
  }
  return { positional, options };
}

/** A whole number within bounds. */
export function wholeNumber(
  text: string | undefined,
  name: string,
  fallback: number,
  min: number,
  max: number,
): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max)
    throw new Error(`--${name} must be a whole number from ${min} to ${max}`);
  return value;
}

/** A folder as the person who typed it means it. */
export const folder = (text: string | undefined, fallback: string): string =>
  text === undefined ? resolve(fallback) : resolve(process.env.GOVSTACK_CWD ?? '.', text);

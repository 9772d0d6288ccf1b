/** Why a cell cannot be taken. The message goes on after the name of the cell. */
export class FaultyCell extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'FaultyCell';
  }
}

/** As deep as a body in JSON may be. */
const deepest = 100;
const nul = 'holds the character U+0000';

/** No database keeps this character in a text, and what is nested deeper has nobody meant. */
function assertStorable(value: unknown, depth: number): void {
  if (depth > deepest) throw new FaultyCell(`is nested deeper than ${deepest}`);
  if (typeof value === 'string' && value.includes('\0')) throw new FaultyCell(nul);
  if (typeof value !== 'object' || value === null) return;
  for (const [name, one] of Object.entries(value)) {
    if (name.includes('\0')) throw new FaultyCell(nul);
    assertStorable(one, depth + 1);
  }
}

export function readJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new FaultyCell(`is not JSON: ${(error as Error).message}`.slice(0, 200));
  }
  assertStorable(value, 0);
  return value;
}

export function readText(text: string): string {
  assertStorable(text, 0);
  return text;
}

const yes = new Set(['true', 'yes', 'y', 'x', '1']);
const no = new Set(['false', 'no', 'n', '0']);

export function readFlag(text: string): boolean {
  const said = text.trim().toLowerCase();
  if (!yes.has(said) && !no.has(said)) throw new FaultyCell('is neither yes nor no');
  return yes.has(said);
}

export function readNumber(text: string): number {
  const said = text.trim();
  const value = Number(said);
  if (!/^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(said) || !Number.isFinite(value))
    throw new FaultyCell('is not a number');
  return value;
}

export function readWhole(text: string): number {
  const value = readNumber(text);
  if (!Number.isSafeInteger(value)) throw new FaultyCell('is not a whole number');
  return value;
}

/** One value a line, or between `|` on a single one. */
export const readList = (text: string): string[] =>
  readText(text)
    .split(text.trim().includes('\n') ? '\n' : '|')
    .map((one) => one.trim())
    .filter((one) => one !== '');

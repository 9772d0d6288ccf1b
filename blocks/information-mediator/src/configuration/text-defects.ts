import type { ProblemDetail } from '@govstack/platform';

const deepest = 100;

/** Text that no database keeps and numbers that JSON does not know, wherever in a document they are. */
export function textDefects(root: unknown): ProblemDetail[] {
  const found: ProblemDetail[] = [];
  function look(value: unknown, pointer: string, depth: number): void {
    const detail = defectOf(value, depth);
    if (detail !== undefined) found.push({ in: 'body', pointer, detail });
    else if (typeof value === 'object' && value !== null)
      for (const [name, one] of Object.entries(value))
        look(one, `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, depth + 1);
  }
  look(root, '', 0);
  return found;
}

function defectOf(value: unknown, depth: number): string | undefined {
  if (depth > deepest) return `is nested deeper than ${deepest}`;
  if (typeof value === 'string' && !value.isWellFormed()) return 'must be well-formed text';
  if (typeof value === 'number' && !Number.isFinite(value)) return 'must be a finite number';
  if (typeof value === 'object' && value !== null && !Object.keys(value).every((name) => name.isWellFormed()))
    return 'must have well-formed names';
  return undefined;
}

import type { Field } from '../schema/field.ts';

/** Which column goes into which field; null: it is left out. */
export type Mapping = readonly { readonly column: string; readonly field: string | null }[];

export interface Proposal {
  readonly column: string;
  readonly field: string | null;
  /** 1: the same name; 0: no field is like it. */
  readonly likeness: number;
}

/** Columns that say something about the file, not about a record. */
export const remark = '#';

const simplified = (name: string): string =>
  name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, '');

const pairsOf = (name: string): string[] => {
  const letters = [...name];
  return letters.slice(1).map((letter, index) => `${letters[index]}${letter}`);
};

/** Share of the letter pairs that two names have in common. */
function likeness(one: string, other: string): number {
  if (one === other) return 1;
  const [a, b] = [simplified(one), simplified(other)];
  if (a === b && a !== '') return 0.99;
  const [pairs, left] = [pairsOf(a), pairsOf(b)];
  const all = pairs.length + left.length;
  if (all === 0) return 0;
  let common = 0;
  for (const pair of pairs) {
    const found = left.indexOf(pair);
    if (found < 0) continue;
    left.splice(found, 1);
    common += 1;
  }
  return (2 * common) / all;
}

const alikeEnough = 0.6;

/** A field for each column: the one of the same name, else the most similar one that is left. */
export function proposeMapping(
  columns: readonly string[],
  fields: readonly Pick<Field, 'name'>[],
): Proposal[] {
  const pairs = columns
    .flatMap((column, index) =>
      column.startsWith(remark)
        ? []
        : fields.map(({ name }) => ({ index, name, likeness: likeness(column, name) })),
    )
    .filter((pair) => pair.likeness >= alikeEnough)
    .sort((a, b) => b.likeness - a.likeness);
  const proposed = new Map<number, (typeof pairs)[number]>();
  const taken = new Set<string>();
  for (const pair of pairs) {
    if (proposed.has(pair.index) || taken.has(pair.name)) continue;
    proposed.set(pair.index, pair);
    taken.add(pair.name);
  }
  return columns.map((column, index) => {
    const found = proposed.get(index);
    return { column, field: found?.name ?? null, likeness: Math.round((found?.likeness ?? 0) * 100) / 100 };
  });
}

import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { sourceFiles } from './source-files.ts';

export const levels = ['REQUIRED', 'RECOMMENDED', 'OPTIONAL'] as const;
export type Level = (typeof levels)[number];

export interface Requirement {
  readonly id: string;
  readonly level: Level;
  readonly area: string;
  readonly text: string;
  /** Name of the table: a block, or `architecture`. */
  readonly block: string;
}

const header = 'id\tlevel\tarea\trequirement';
const isLevel = (text: string): text is Level => (levels as readonly string[]).includes(text);

/** The requirement tables of a folder, one per block. Throws on a malformed row and on an id that is given twice. */
export function readRequirements(folder: string): Requirement[] {
  const seen = new Set<string>();
  return sourceFiles(folder, ['.tsv']).flatMap((file) => {
    const [first, ...rows] = readFileSync(join(folder, file), 'utf8').trimEnd().split('\n');
    if (first !== header) throw new Error(`${file}: the first line must be ${JSON.stringify(header)}`);
    return rows.map((row, index) => {
      const [id = '', level = '', area = '', text = '', ...rest] = row.split('\t');
      const where = `${file}:${index + 2}`;
      if (!/^[A-Z]+-[A-Za-z0-9.-]+$/.test(id)) throw new Error(`${where}: ${JSON.stringify(id)} is no id`);
      if (!isLevel(level)) throw new Error(`${where}: ${JSON.stringify(level)} is no level`);
      if (text === '' || rest.length > 0) throw new Error(`${where}: a row has four columns`);
      if (seen.has(id)) throw new Error(`${where}: ${id} is given twice`);
      seen.add(id);
      return { id, level, area, text, block: basename(file, '.tsv') };
    });
  });
}

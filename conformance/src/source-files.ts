import { readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

/** Folders that are made, fetched or not part of the project. */
const elsewhere = new Set(['node_modules', '.git', '.govstack', '.govstack-install.lock', 'coverage']);

/** Files below `root` whose name ends in one of `endings`, as sorted paths relative to `root`, with slashes. */
export function sourceFiles(root: string, endings: readonly string[]): string[] {
  const found: string[] = [];
  const visit = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (elsewhere.has(entry.name)) continue;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) visit(path);
      else if (endings.some((ending) => entry.name.endsWith(ending)))
        found.push(relative(root, path).split(sep).join('/'));
    }
  };
  visit(root);
  return found.sort();
}

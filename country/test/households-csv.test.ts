import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type CsvLine,
  generateHouseholds,
  householdColumns,
  readHouseholdsCsv,
  toRow,
  UnreadableCsv,
  writeHouseholdsCsv,
} from '../src/index.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'households-'));
});
afterAll(() => rm(folder, { recursive: true }));

const csvOf = async (count: number, seed = 'csv'): Promise<string> => {
  const out = new PassThrough();
  const [content] = await Promise.all([
    text(out),
    writeHouseholdsCsv(generateHouseholds({ seed, count }), out),
  ]);
  return content;
};
const read = async (csv: string): Promise<CsvLine[]> => {
  const lines: CsvLine[] = [];
  for await (const line of readHouseholdsCsv(Readable.from([csv]))) lines.push(line);
  return lines;
};
/** The file with one cell of one line (the first household is line 2) replaced. */
const changed = (csv: string, line: number, column: string, value: string): string => {
  const at = householdColumns.findIndex(({ name }) => name === column);
  const lines = csv.split('\r\n');
  lines[line - 1] = (lines[line - 1] as string).split(',').with(at, value).join(',');
  return lines.join('\r\n');
};

describe('households.csv', () => {
  it('gives back what was written', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ maxLength: 8 }), fc.integer({ min: 0, max: 30 }), async (seed, count) => {
        const rows = (await read(await csvOf(count, seed))).map((line) => ('row' in line ? line.row : line));
        expect(rows).toEqual([...generateHouseholds({ seed, count })].map(toRow));
      }),
      { numRuns: 15 },
    );
  });

  it('is the same file for the same seed', async () => {
    const hash = (content: string): string => createHash('sha256').update(content).digest('hex');
    expect(hash(await csvOf(200))).toBe(hash(await csvOf(200)));
  });

  it('passes through a file in constant memory', async () => {
    const path = join(folder, 'households.csv');
    const count = 20_000;
    expect(await writeHouseholdsCsv(generateHouseholds({ count }), path)).toBe(count);
    let good = 0;
    let heap = 0;
    for await (const line of readHouseholdsCsv(path)) {
      if ('row' in line) good++;
      if (good % 1_000 === 0) heap = Math.max(heap, process.memoryUsage().heapUsed);
    }
    expect(good).toBe(count);
    expect(heap).toBeLessThan(400 * 1024 * 1024);
  });

  it('reads columns in any order, a byte order mark and blank lines', async () => {
    const csv = await csvOf(2);
    const reversed = csv
      .split('\r\n')
      .map((line) => line.split(',').reverse().join(','))
      .join('\n\n');
    expect((await read(`\uFEFF${reversed}`)).map((line) => 'row' in line && line.row)).toEqual(
      [...generateHouseholds({ seed: 'csv', count: 2 })].map(toRow),
    );
  });

  it.each([
    ['nationalNumber', '12345678901', 'is not a national number'],
    ['birthDate', '2001-02-30', 'is not a date YYYY-MM-DD'],
    ['roof', 'gold', 'is not one of concrete, tiles, iron-sheets, thatch, plastic'],
    ['rooms', '0', 'is not a whole number from 1 to 30'],
    ['monthlyIncome', '12', 'is not an amount such as 125.00'],
    ['pregnantWoman', '', 'is missing; expected yes or no'],
    ['district', '9999', 'is not one of'],
    ['householdSize', '29', 'is not the sum of the members by age'],
    ['accountNumber', 'XL00FNBL000100000001', 'is not an account number'],
  ])('reports a bad %s with its line and goes on', async (column, value, message) => {
    const lines = await read(changed(await csvOf(3), 3, column, value));
    expect(lines).toHaveLength(3);
    expect(lines[1]).toMatchObject({ line: 3, errors: [{ column }] });
    const bad = lines[1];
    expect(bad && 'errors' in bad && bad.errors[0]?.message).toContain(message);
    expect('row' in (lines[0] as CsvLine) && 'row' in (lines[2] as CsvLine)).toBe(true);
  });

  it('reports a line with too many or too few columns', async () => {
    const [header, first, second] = (await csvOf(2)).split('\r\n');
    const lines = await read([header, `${first},more`, second?.split(',').slice(1).join(',')].join('\r\n'));
    expect(lines.map((line) => 'errors' in line && line.errors[0]?.message)).toEqual([
      'a line has 34 columns',
      'a line has 34 columns',
    ]);
  });

  it('refuses a file that is no list of households', async () => {
    await expect(read('a,b\r\n1,2\r\n')).rejects.toThrow(UnreadableCsv);
    await expect(read(`${(await csvOf(0)).trim()},roof\r\n`)).rejects.toThrow(/repeated column roof/);
    await expect(read(`${await csvOf(1)}"unclosed,quote\r\n`)).rejects.toThrow(UnreadableCsv);
    await expect(read('')).rejects.toThrow(/empty/);
  });

  it('has every column described in the README', async () => {
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
    const described = [...readme.matchAll(/^\| `(\w+)` \| ([^|]+) \|/gm)].map(([, name, meaning]) => [
      name,
      meaning,
    ]);
    for (const { name, description } of householdColumns)
      expect(described).toContainEqual([name, description]);
  });

  it('says so when there is no file', async () => {
    await expect(readHouseholdsCsv(join(folder, 'missing.csv')).next()).rejects.toThrow(/ENOENT/);
  });
});

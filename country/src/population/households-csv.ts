import { createReadStream, createWriteStream } from 'node:fs';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CsvError, parse } from 'csv-parse';
import { stringify } from 'csv-stringify';
import { cellOf, type HouseholdRow, householdColumns, toRow } from './csv-columns.ts';
import type { Household } from './household.ts';

const names = householdColumns.map(({ name }) => name);

/** What is wrong with one cell, or with the whole line when there is no column. */
export interface RowError {
  readonly column?: string;
  readonly message: string;
}

/** A line that was read: a household, or what is wrong with it. */
export type CsvLine =
  | { readonly line: number; readonly row: HouseholdRow }
  | { readonly line: number; readonly errors: readonly RowError[] };

/** The file as a whole cannot be read: another header, no header, broken quoting. */
export class UnreadableCsv extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'UnreadableCsv';
  }
}

/**
 * Writes households as UTF-8 CSV (RFC 4180) with a header, in constant memory. Takes a path or a stream; answers how
 * many lines were written, the header not counted.
 */
export async function writeHouseholdsCsv(
  households: Iterable<Household> | AsyncIterable<Household>,
  target: string | Writable,
): Promise<number> {
  let written = 0;
  async function* cells(): AsyncGenerator<string[]> {
    for await (const household of households) {
      const row = toRow(household);
      written++;
      yield householdColumns.map((column) => cellOf(row, column));
    }
  }
  await pipeline(
    Readable.from(cells()),
    stringify({ header: true, columns: names, record_delimiter: 'windows' }),
    typeof target === 'string' ? createWriteStream(target) : target,
  );
  return written;
}

/**
 * Reads households line by line in constant memory. A bad line is reported with its number (the header is line 1) and
 * its columns, and reading goes on; columns may stand in any order. Throws `UnreadableCsv` when the header is not that
 * of a list of households or the text is not CSV.
 */
export async function* readHouseholdsCsv(
  source: string | Readable,
): AsyncGenerator<CsvLine, void, undefined> {
  const input = typeof source === 'string' ? createReadStream(source) : source;
  let hasHeader = false;
  const parser = parse({
    bom: true,
    columns: (header: readonly string[]) => {
      hasHeader = true;
      return checkedHeader(header);
    },
    info: true,
    max_record_size: 20_000,
    relax_column_count: true,
    skip_empty_lines: true,
    trim: true,
  });
  input.on('error', (error: Error) => parser.destroy(error));
  input.pipe(parser);
  let lines = 0;
  try {
    for await (const entry of parser) {
      const { record, info } = entry as {
        record: Record<string, string>;
        info: { lines: number; error?: unknown };
      };
      lines++;
      yield readLine(info.lines, record, info.error !== undefined);
    }
    if (!hasHeader) throw new UnreadableCsv('the file is empty');
  } catch (error) {
    throw error instanceof CsvError
      ? new UnreadableCsv(`after ${lines} households: ${error.message}`)
      : error;
  } finally {
    input.destroy();
  }
}

function checkedHeader(header: readonly string[]): string[] {
  const missing = names.filter((name) => !header.includes(name));
  if (missing.length > 0) throw new UnreadableCsv(`the header has no column ${missing.join(', ')}`);
  const strange = header.filter((name, at) => !names.includes(name) || header.indexOf(name) !== at);
  if (strange.length > 0)
    throw new UnreadableCsv(`the header has an unknown or repeated column ${strange.join(', ')}`);
  return [...header];
}

function readLine(line: number, record: Readonly<Record<string, string>>, uneven: boolean): CsvLine {
  if (uneven) return { line, errors: [{ message: `a line has ${names.length} columns` }] };
  const errors: RowError[] = [];
  const row: Record<string, unknown> = { head: {}, survey: {}, account: {} };
  for (const { name, at, optional, parse: read, expected } of householdColumns) {
    const cell = record[name] ?? '';
    if (cell === '' && optional) continue;
    const value = read(cell);
    if (value === undefined) {
      errors.push({
        column: name,
        message: cell === '' ? `is missing; expected ${expected}` : `is not ${expected}`,
      });
    } else if (at[1] === undefined) row[at[0]] = value;
    else (row[at[0]] as Record<string, unknown>)[at[1]] = value;
  }
  if (errors.length > 0) return { line, errors };
  const complete = row as unknown as HouseholdRow;
  const inconsistent = contradictions(complete);
  return inconsistent.length > 0 ? { line, errors: inconsistent } : { line, row: complete };
}

function contradictions({ survey, account }: HouseholdRow): RowError[] {
  const errors: RowError[] = [];
  const members = survey.childrenUnder5 + survey.children5to17 + survey.adults18to64 + survey.elderly65plus;
  if (members !== survey.householdSize) {
    errors.push({ column: 'householdSize', message: `is not the sum of the members by age (${members})` });
  }
  if ((account.kind === 'mobile-wallet') !== account.number.startsWith('+')) {
    errors.push({ column: 'accountNumber', message: `is not a number of the kind ${account.kind}` });
  }
  return errors;
}

import { CsvError } from 'csv-parse';
import { parse } from 'csv-parse/sync';
import type { CurrencyTable } from '../../money/currency.ts';
import {
  badFile,
  type Direction,
  exponentOf,
  type ParsedEntry,
  type ParsedStatement,
  readAmount,
  readBalance,
  readDay,
  readInstant,
  readReference,
} from './parsed.ts';

/**
 * Columns of a statement as CSV (RFC 4180, UTF-8, header first). The first seven are the statement's and the same in each
 * of its rows; a statement without movements is one row that ends after them. `direction` is credit or debit, `type`
 * empty, charge or return; balances below zero have a minus.
 */
export const csvColumns = [
  'statementId',
  'account',
  'currency',
  'from',
  'to',
  'openingBalance',
  'closingBalance',
  'entryReference',
  'bookingDate',
  'valueDate',
  'direction',
  'amount',
  'endToEndId',
  'railReference',
  'type',
  'description',
] as const;

type Row = Readonly<Record<(typeof csvColumns)[number], string>>;
const head = csvColumns.slice(0, 7);

function signedBalance(text: string, exponent: number, place: string): bigint {
  const negative = text.startsWith('-');
  return readBalance(negative ? text.slice(1) : text, exponent, negative ? 'debit' : 'credit', place);
}

function entryOf(row: Row, exponent: number, place: string): ParsedEntry | undefined {
  if (row.amount === '' && row.direction === '') return undefined;
  if (row.direction !== 'credit' && row.direction !== 'debit')
    throw badFile('direction must be credit or debit', place);
  if (row.type !== '' && row.type !== 'charge' && row.type !== 'return')
    throw badFile('type must be empty, charge or return', place);
  return {
    entryReference: readReference(row.entryReference),
    bookedOn: readDay(row.bookingDate, place),
    valueOn: row.valueDate === '' ? undefined : readDay(row.valueDate, place),
    direction: row.direction satisfies Direction,
    amount: readAmount(row.amount, exponent, place),
    endToEndId: readReference(row.endToEndId),
    railReference: readReference(row.railReference),
    code: row.type === '' ? undefined : row.type,
    description: readReference(row.description),
  };
}

function rowsOf(text: string, most: number): Row[] {
  let records: string[][];
  try {
    records = parse(text, {
      bom: true,
      trim: true,
      skip_empty_lines: true,
      relax_column_count_less: true,
      max_record_size: 10_000,
      to: most + 2,
    });
  } catch (error) {
    if (error instanceof CsvError) throw badFile('the file is not well-formed CSV');
    throw error;
  }
  const [header, ...rows] = records;
  if (header?.join() !== csvColumns.join()) throw badFile(`the header must be ${csvColumns.join()}`);
  if (rows.length > most) throw badFile(`a file has at most ${most} entries`);
  return rows.map(
    (row) => Object.fromEntries(csvColumns.map((name, index) => [name, row[index] ?? ''])) as Row,
  );
}

/** Reads statements written as CSV. */
export function readCsv(text: string, currencies: CurrencyTable, most: number): ParsedStatement[] {
  const groups = Map.groupBy(
    rowsOf(text, most).map((row, index) => ({ row, place: `row[${index + 1}]` })),
    ({ row }) => JSON.stringify([row.account, row.currency, row.statementId]),
  );
  return [...groups.values()].map((rows) => {
    const [{ row: first, place }] = rows as [{ row: Row; place: string }];
    for (const { row, place } of rows)
      if (head.some((name) => row[name] !== first[name]))
        throw badFile('rows of one statement disagree about it', place);
    if (!/^.{1,35}$/.test(first.statementId)) throw badFile('statementId is missing or too long', place);
    if (first.account === '') throw badFile('account is missing', place);
    const exponent = exponentOf(currencies, first.currency, place);
    return {
      kind: 'statement' as const,
      statementId: first.statementId,
      account: first.account,
      currency: first.currency,
      opening: signedBalance(first.openingBalance, exponent, place),
      closing: signedBalance(first.closingBalance, exponent, place),
      from: readInstant(first.from, 'start', place),
      to: readInstant(first.to, 'end', place),
      entries: rows
        .map(({ row, place }) => entryOf(row, exponent, place))
        .filter((entry) => entry !== undefined),
    };
  });
}

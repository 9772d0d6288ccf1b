import type { CurrencyTable } from '../../money/currency.ts';
import { textOf } from '../../xml/read.ts';
import { readCamt } from './camt.ts';
import { readCsv } from './csv.ts';
import { readMt940 } from './mt940.ts';
import { assertAddsUp, badFile, type ParsedStatement, type StatementFormat } from './parsed.ts';

/** Reads a file of statements in one of the formats and checks that each adds up. Throws a 400 that names the place. */
export function readStatementFile(
  bytes: Uint8Array,
  format: StatementFormat,
  currencies: CurrencyTable,
  most: number,
): ParsedStatement[] {
  const text = textOf(bytes, (detail) => {
    throw badFile(detail);
  });
  if (text.includes('\u0000')) throw badFile('the file holds a NUL character');
  const statements =
    format === 'csv'
      ? readCsv(text, currencies, most)
      : format === 'mt940'
        ? readMt940(text, currencies, most)
        : readCamt(text, format, currencies, most);
  if (statements.length === 0) throw badFile('the file holds no statement');
  if (statements.length > 100) throw badFile('a file holds at most 100 statements');
  for (const statement of statements) assertAddsUp(statement);
  // Entries of nothing are for people to know: no money moved.
  return statements.map((statement) => ({
    ...statement,
    entries: statement.entries.filter((entry) => entry.amount > 0n),
  }));
}
